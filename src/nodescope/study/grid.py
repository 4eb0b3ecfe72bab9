"""The grid of a study: its configurations, their identifiers, and where each stage keeps its files."""

import hashlib
import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import polars as pl

    from nodescope.config.dataset import DatasetSource
    from nodescope.config.fields import Section
    from nodescope.config.grid import Variant
    from nodescope.config.network import Network
    from nodescope.config.study import Study
    from nodescope.config.training import Training

    SettingsT = TypeVar("SettingsT", bound=Section)

#: Axes that every configuration has; further ones follow where the study's grid names them.
BASE_AXES = ("depth", "width", "activation", "batch_norm")


@dataclass(frozen=True)
class Configuration:
    """One point of a study's grid, without the seed.

    Attributes
    ----------
    study, dataset, model : str
        Names.
    axes : tuple of (str, value)
        The grid axes in table order: depth, width, activation, batch_norm and those the study adds.
    variant : Variant or None
        What departs from the study's settings.
    """

    study: str
    dataset: str
    model: str
    axes: tuple[tuple[str, Any], ...]
    variant: "Variant | None" = field(default=None, compare=False)

    def __getitem__(self, axis: str) -> Any:
        return dict(self.axes)[axis]

    @property
    def identifier(self) -> str:
        """A short, stable, readable name that is safe as a path.

        >>> axes = (("depth", 4), ("width", 200), ("activation", "relu"), ("batch_norm", True))
        >>> Configuration("mnist", "mnist", "mlp", axes).identifier
        'relu-4x200-bn'
        """
        values = dict(self.axes)
        parts = [] if self.model == "mlp" else [self.model.replace("_", "")]
        parts += [values["activation"].replace("_", ""), f"{values['depth']}x{values['width']}"]
        if values["batch_norm"]:
            parts.append("bn")
        parts += [str(value).replace("_", "") for axis, value in self.axes if axis not in BASE_AXES]
        return "-".join(parts)

    def keys(self) -> dict[str, Any]:
        """The key columns of this configuration in every table, without the seed."""
        return {"dataset": self.dataset, "model": self.model, **dict(self.axes)}

    def initialisation(self) -> str | None:
        """The initialisation that the study names; None for the one that suits the activation function."""
        named: str | None = dict(self.axes).get("initialisation")
        return (self.variant.initialisation if self.variant else None) or named

    def network(self, study: "Study") -> "Network":
        """The study's settings of the network, with what the variant changes."""
        network = _changed(study.network, self.variant.network) if self.variant else study.network
        weights = network.weights and network.weights.replace("{depth}", str(self["depth"]))
        return network.model_copy(update={"weights": weights})

    def training(self, study: "Study") -> "Training":
        """The study's settings of training, with what the variant changes."""
        return _changed(study.training, self.variant.training) if self.variant else study.training


def _changed(settings: "SettingsT", departure: "SettingsT") -> "SettingsT":
    return settings.model_copy(update={name: getattr(departure, name) for name in departure.model_fields_set})


def configurations(study: "Study") -> list[Configuration]:
    """All configurations of a study, in the order of its grid."""
    axes = {name: values for name, values in study.grid.axes().items() if name != "variants"}
    found = []
    for model, *values in itertools.product(study.model, *axes.values()):
        point = dict(zip(axes, values, strict=True))
        variants: list[Variant | None] = list(study.grid.variants) if study.grid.variants else [None]
        for variant in variants:
            departure = {} if variant is None else {"variant": variant.name, **_axes_that_change(variant, point)}
            found.append(
                Configuration(study.name, study.dataset.name, model, tuple({**point, **departure}.items()), variant)
            )
    return found


def _axes_that_change(variant: "Variant", point: dict[str, Any]) -> dict[str, Any]:
    changes = {axis: getattr(variant, axis) for axis in ("activation", "batch_norm", "initialisation") if axis in point}
    return {axis: value for axis, value in changes.items() if value is not None}


def states(study: "Study") -> list[str]:
    """The states that are recorded of every network, in the order of training, the kept one last.

    Snapshots by step stand before those by epoch: they are for the first moments of training.
    """
    training = study.training
    if not training.epochs:
        return ["initial"]
    steps = [f"step-{step}" for step in sorted(training.snapshot_steps)]
    return ["initial", *steps, *(f"epoch-{epoch}" for epoch in sorted(training.snapshots)), "trained"]


#: Tables that training gives, the one that it gives where it is asked for, and those that follow from an analysis' table.
TRAINING_TABLES = ("learning_curves", "accuracy", "replicas")
PATTERN_EVOLUTION_TABLE = "pattern_evolution"
SUMMARIES = {"sparsity": ("sparsity_summary",)}
#: The names of the classes, which other tables know by their numbers.
CLASSES_TABLE = "classes"
#: Tables that hold the others against the published works, and those that they are made from.
SCORE_TABLES = ("scorecard", "claims", "differences")
SCORED_TABLES = (
    "accuracy", "learning_curves", "medians", "activity", "dead_nodes", "sparsity", "layer_accuracy", "pattern_evolution",
    "weights", "statistics", "local_gradients",
)  # fmt: skip
#: Tables that say what ails the layers and what helps, and those that they are made from.
DIAGNOSIS_TABLES = ("diagnosis", "remedies")
DIAGNOSED_TABLES = ("gradients", "dead_nodes", "statistics")
#: Table that holds every configuration against the best.
COMPARISON_TABLE = "comparisons"

#: The jobs that measure a configuration, and the analyses that each makes. Starting a job takes longer than most
#: analyses, and together they read each layer once. Those of ``networks`` look at the networks themselves.
ANALYSIS_JOBS = {
    "nodes": (
        "medians", "activity", "dead_nodes", "sparsity", "patterns", "distributions", "node_histograms", "statistics",
        "layer_distributions",
    ),
    "classifiers": ("densities", "layer_accuracy"),
    "networks": ("weights", "weight_distributions", "gradients", "local_gradients"),
}  # fmt: skip


def analyses_of_job(study: "Study", job: str) -> tuple[str, ...]:
    """What the study wants of a job of `ANALYSIS_JOBS`."""
    return tuple(name for name in study.analyses.enabled() if name in ANALYSIS_JOBS[job])


def analysis_jobs(study: "Study") -> dict[str, tuple[str, ...]]:
    """The jobs that measure a configuration of the study, and what each makes."""
    wanted = {job: analyses_of_job(study, job) for job in ANALYSIS_JOBS}
    return {job: analyses for job, analyses in wanted.items() if analyses}


def jobs_done(study: "Study", identifier: str, results: Path) -> dict[str, bool]:
    """For each job of a configuration whether its outputs are there."""
    folder = results / study.name
    measured = {
        job: all((folder / "tables" / name / f"{identifier}.parquet").is_file() for name in analyses)
        for job, analyses in analysis_jobs(study).items()
    }
    done = {"train": (folder / "tables" / TRAINING_TABLES[-1] / f"{identifier}.parquet").is_file()}
    if is_recorded(study):
        # Recordings may be deleted after the last analysis.
        done["record"] = (folder / "activations" / identifier).is_dir() or all(measured.values())
    return {**done, **measured}


def is_recorded(study: "Study") -> bool:
    """Whether any analysis of the study looks at recorded activations."""
    return not analysis_jobs(study).keys() <= {"networks"}


def training_tables(study: "Study") -> list[str]:
    """The tables that training gives."""
    return [*TRAINING_TABLES, *([PATTERN_EVOLUTION_TABLE] if study.pattern_evolution else [])]


def table_names(study: "Study") -> list[str]:
    """The collected tables of a study."""
    return [
        CLASSES_TABLE,
        *measured_tables(study),
        *((COMPARISON_TABLE,) if is_compared(study) else ()),
        *(DIAGNOSIS_TABLES if is_diagnosed(study) else ()),
        *(SCORE_TABLES if study.works else ()),
    ]


def is_compared(study: "Study") -> bool:
    """Whether the study has networks whose accuracies can be compared: trained ones, of more than one configuration."""
    return study.training.epochs > 0 and len(configurations(study)) > 1


def is_diagnosed(study: "Study") -> bool:
    """Whether the study has what the diagnosis is made from, and wants it."""
    return study.diagnosis.enabled and not set(DIAGNOSED_TABLES).isdisjoint(study.analyses.enabled())


def measured_tables(study: "Study") -> list[str]:
    """The collected tables that training and analyses give."""
    analyses = study.analyses.enabled()
    return [*training_tables(study), *analyses, *(summary for name in analyses for summary in SUMMARIES.get(name, ()))]


def manifest(study: "Study") -> "pl.DataFrame":
    """One row per configuration: ``configuration`` (its identifier) and the key columns."""
    import polars as pl

    return pl.DataFrame([{"configuration": c.identifier, **c.keys()} for c in configurations(study)])


# --- where files lie -------------------------------------------------------------------------------------


def prepared_name(source: "DatasetSource") -> str:
    """What the files of a prepared data set are called: its name, and 8 digits that stand for its settings.

    One data set with other settings is another file, so that studies and whole configurations that differ in them go
    side by side, and going back to earlier settings finds what was prepared from them.
    """
    settings = json.dumps(source.model_dump(mode="json"), sort_keys=True)
    return f"{source.name}-{hashlib.sha256(settings.encode()).hexdigest()[:8]}"


def prepared_path(source: "DatasetSource", results: str | PurePath = "results") -> Path:
    """The file of a prepared data set; what is in it says the JSON beside it, see `description_path`."""
    return Path(results) / "datasets" / f"{prepared_name(source)}.npz"


def description_path(source: "DatasetSource", results: str | PurePath = "results") -> Path:
    """What a prepared data set holds, and from which settings."""
    return prepared_path(source, results).with_suffix(".json")


def model_path(folder: str | PurePosixPath, seed: int, state: str) -> PurePosixPath:
    """A network's file below the models folder of its configuration."""
    return PurePosixPath(folder) / f"seed-{seed}" / f"{state}.safetensors"


def predictions_path(study_folder: str | PurePosixPath, identifier: str) -> PurePosixPath:
    """What the kept nets of a configuration predict for the test samples, below the folder of its study."""
    return PurePosixPath(study_folder) / "predictions" / f"{identifier}.parquet"


def activation_path(folder: str | PurePosixPath, seed: int, state: str, split: str, layer: int | str) -> PurePosixPath:
    """An activation file below the activations folder of its configuration; ``layer`` is 1-based or ``output``."""
    name = "output" if layer == "output" else f"layer-{layer}"
    return PurePosixPath(folder) / f"seed-{seed}" / state / split / f"{name}.parquet"
