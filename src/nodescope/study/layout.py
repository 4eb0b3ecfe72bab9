"""Where every file of a project lies, below ``results``, ``logs`` and ``reports``. Imports nothing heavy.

The rules of the workflow name the same paths with wildcards in braces; ``tests/unit/test_layout.py`` compares the two.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nodescope.config.dataset import DatasetSource

#: The folders of a project.
RESULTS, LOGS, REPORTS = "results", "logs", "reports"


@dataclass(frozen=True)
class StudyFiles:
    """The results of one study.

    ``configuration`` is always the identifier of a configuration.

    Attributes
    ----------
    folder : Path
        ``results/STUDY``.
    """

    folder: Path

    @classmethod
    def of(cls, study: str, results: str | PurePath = RESULTS) -> "StudyFiles":
        """Those of a study, by its name."""
        return cls(Path(results) / study)

    @property
    def settings(self) -> Path:
        """The study's section of the config, defaults included."""
        return self.folder / "config.json"

    @property
    def configurations(self) -> Path:
        """The study's configurations and axes; see `nodescope.study.axes.Configurations`."""
        return self.folder / "configurations.json"

    def resources(self, suffix: str = "parquet") -> Path:
        """What its jobs took."""
        return self.folder / f"resources.{suffix}"

    def networks(self, suffix: str = "parquet") -> Path:
        """Its networks, one row per configuration and seed."""
        return self.folder / f"networks.{suffix}"

    def layers(self, suffix: str = "parquet") -> Path:
        """The layers of its networks, one row per configuration and layer."""
        return self.folder / f"layers.{suffix}"

    @property
    def tables(self) -> Path:
        """The folder of all tables."""
        return self.folder / "tables"

    def table(self, name: str, suffix: str = "parquet") -> Path:
        """A collected table; ``suffix`` is ``parquet`` or ``csv``."""
        return self.tables / f"{name}.{suffix}"

    def table_of(self, name: str, configuration: str) -> Path:
        """A table of one configuration."""
        return self.tables / name / f"{configuration}.parquet"

    def models(self, configuration: str) -> Path:
        """The folder of its networks; see `model_path`."""
        return self.folder / "models" / configuration

    def activations(self, configuration: str) -> Path:
        """The folder of its recordings; see `activation_path`."""
        return self.folder / "activations" / configuration

    def network(self, configuration: str) -> Path:
        """What is known of networks that users bring; see `nodescope.study.descriptions.NetworkDescription`."""
        return self.folder / "networks" / f"{configuration}.json"

    def found(self, configuration: str, seed: int, state: str) -> Path:
        """What was found of one network in one state, while it was recorded."""
        return self.folder / "networks" / configuration / f"seed-{seed}" / f"{state}.json"

    def look(self, configuration: str) -> Path:
        """What networks that users bring looked like before anything ran: their layers, for the plan."""
        return self.folder / ".look" / f"{configuration}.json"

    def predictions(self, configuration: str) -> Path:
        """What its kept networks predict for the test samples."""
        return self.folder / "predictions" / f"{configuration}.parquet"

    def progress(self, configuration: str) -> Path:
        """The folder of the checkpoints of its training."""
        return self.folder / ".progress" / configuration

    @property
    def benchmarks(self) -> Path:
        """The folder of the records of what jobs took."""
        return self.folder / "benchmarks"

    def benchmark(self, stage: str, configuration: str) -> Path:
        """Time and memory of one job."""
        return self.benchmarks / stage / f"{configuration}.tsv"

    @property
    def findings(self) -> Path:
        """What was found in its tables; see `nodescope.findings.collected.read_statements`."""
        return self.folder / "findings.json"

    @property
    def charts(self) -> Path:
        """The folder of the list of its figures."""
        return self.folder / "charts"

    @property
    def figure_index(self) -> Path:
        """The list of its figures."""
        return self.charts / "index.json"

    @property
    def page_data(self) -> Path:
        """The folder of the data that the page loads."""
        return self.folder / "page"


def model_path(folder: str | PurePath, seed: int, state: str) -> PurePosixPath:
    """A network's file below `StudyFiles.models`."""
    return PurePosixPath(folder) / f"seed-{seed}" / f"{state}.safetensors"


def activation_path(folder: str | PurePath, seed: int, state: str, split: str, layer: int | str) -> PurePosixPath:
    """An activation file below `StudyFiles.activations`; ``layer`` is 1-based or ``output``."""
    name = "output" if layer == "output" else f"layer-{layer}"
    return PurePosixPath(folder) / f"seed-{seed}" / state / split / f"{name}.parquet"


def record_path(log: str | PurePath) -> Path | None:
    """The record of what a job took, from its log; None of one that makes no results.

    >>> record_path("logs/mine/train/relu-1x6.log").as_posix()
    'results/mine/benchmarks/train/relu-1x6.tsv'
    >>> record_path("logs/mine/collect.log").as_posix()
    'results/mine/benchmarks/collect/collect.tsv'
    """
    root, *folders, name = PurePath(log).with_suffix("").parts
    if root != LOGS or (not folders and name != "report"):
        return None
    if not folders or folders == ["datasets"]:
        return Path(RESULTS, *folders, f"{name}.benchmark.tsv")
    study, *stage = folders
    return Path(RESULTS, study, "benchmarks", *(stage or [name]), f"{name}.tsv")


def partial_results(results: str | PurePath) -> Path:
    """The folder of results of the configurations that are done, for the report of an unfinished run."""
    return Path(results) / ".partial"


# --- data sets ---


def prepared_name(source: "DatasetSource") -> str:
    """The file name of a prepared data set: its name, and 8 digits of the digest of its settings.

    Other settings are another file, so that studies and whole configs that differ in them do not overwrite each other, and
    going back to earlier settings finds what was prepared from them.
    """
    settings = json.dumps(source.model_dump(mode="json"), sort_keys=True)
    return f"{source.name}-{hashlib.sha256(settings.encode()).hexdigest()[:8]}"


def prepared_path(source: "DatasetSource", results: str | PurePath = RESULTS) -> Path:
    """The file of a prepared data set; `description_path` says what is in it."""
    return Path(results) / "datasets" / f"{prepared_name(source)}.npz"


def description_path(source: "DatasetSource", results: str | PurePath = RESULTS) -> Path:
    """What a prepared data set holds, and the settings it was made with."""
    return prepared_path(source, results).with_suffix(".json")


# --- logs ---


def log_path(project: str | PurePath, study: str, stage: str, configuration: str = "") -> Path:
    """The log of a job of a configuration, or of the whole study."""
    logs = Path(project) / LOGS / study
    return logs / stage / f"{configuration}.log" if configuration else logs / f"{stage}.log"


def dataset_log_path(project: str | PurePath, source: "DatasetSource") -> Path:
    """The log of the preparation of a data set."""
    return Path(project) / LOGS / "datasets" / f"{prepared_name(source)}.log"


# --- the report; ``reports`` is the folder of a page ---


def page_path(reports: str | PurePath = REPORTS) -> Path:
    """The page."""
    return Path(reports) / "index.html"


def findings_path(reports: str | PurePath = REPORTS) -> Path:
    """What was found, of all studies, as Markdown."""
    return Path(reports) / "findings.md"


def published_path(reports: str | PurePath = REPORTS) -> Path:
    """The folder beside a page that it loads data from, with a folder for each study."""
    return Path(reports) / "data"


def figure_files_path(reports: str | PurePath = REPORTS) -> Path:
    """The folder of figures as files for a paper, with a folder for each study."""
    return Path(reports) / "figures"


def partial_report_path(reports: str | PurePath = REPORTS) -> Path:
    """The folder of the page of an unfinished run, itself laid out as a folder of reports."""
    return Path(reports) / "partial"
