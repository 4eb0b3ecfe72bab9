"""What runs a study: the input functions and parameters of Snakemake's rules, and `run`, which does without Snakemake.

Every job's Snakemake evaluates the rules anew, so nothing heavy is imported: no PyTorch, polars, scikit-learn or numba.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal, NoReturn, Protocol

from pydantic import BaseModel

from nodescope.analyses import makers, registered, tables_made_by
from nodescope.charts.registry import charts_of, left_out, tables_of
from nodescope.charts.texts import FigureTexts
from nodescope.config.analysis_fields import LayerOptions
from nodescope.config.dataset import DatasetSource, Npz, Recorded
from nodescope.config.loading import only_this, parse_config, read_config
from nodescope.config.study import FamilyStudy, JoinedStudy, ModuleStudy, Part, RecordingsStudy, Study
from nodescope.datasets.sizes import DataSize, problem_with_samples
from nodescope.estimates.costs import NOTICE_S, Stage, job_size, keeps_activations, size_of
from nodescope.families import FAMILIES
from nodescope.findings.divergence import divergence_report
from nodescope.findings.registry import findings_of
from nodescope.jobs import run_end
from nodescope.jobs.dependencies import code_digest, family_modules
from nodescope.jobs.devices import visible_gpus
from nodescope.jobs.own_sources import source_files, sources_digest
from nodescope.jobs.warm import offer_server, withdraw_server
from nodescope.messages.errors import ConfigError, DamagedFileError, NodescopeError
from nodescope.storage.files import file_stamp
from nodescope.storage.json_files import read_json
from nodescope.study import contents, layout
from nodescope.study.brought_configurations import ModuleConfiguration, RecordedConfiguration, module_configurations
from nodescope.study.configuration import Configuration
from nodescope.study.configurations import configurations_of
from nodescope.study.family_configurations import FamilyConfiguration, family_configurations
from nodescope.study.joined_configurations import JoinedConfiguration
from nodescope.study.layout import StudyFiles
from nodescope.study.shapes import recorded_layers

#: Where the networks of a study come from.
Origin = Literal["families", "module", "recordings", "studies"]
ORIGINS: dict[Origin, type[Study]] = {
    "families": FamilyStudy,
    "module": ModuleStudy,
    "recordings": RecordingsStudy,
    "studies": JoinedStudy,
}

#: SLURM asks a training to stop before its time is over; it saves its state, and the next attempt goes on from there.
SIGNAL_BEFORE_END = f"--signal=TERM@{NOTICE_S}"


class Wildcards(Protocol):
    """Which job: the names in its paths, as far as it has them."""

    @property
    def study(self) -> str: ...
    @property
    def configuration(self) -> str: ...
    @property
    def dataset(self) -> str: ...
    @property
    def figure(self) -> str: ...
    @property
    def seed(self) -> str: ...
    @property
    def state(self) -> str: ...


@dataclass(frozen=True)
class Variation:
    """A rule whose outputs depend on the study, as it is for the studies that have the same.

    Attributes
    ----------
    rule : str
        Its name.
    tables : tuple of str
        The tables that it writes.
    studies : str
        The names of the studies: a wildcard constraint.
    """

    rule: str
    tables: tuple[str, ...]
    studies: str


class Workflow:
    """The checked config, and all that the rules take from it.

    Functions that take ``wildcards`` are input functions and functions of params and resources.

    Parameters
    ----------
    raw
        The config, as Snakemake or YAML gives it.
    files
        The files that it was read from.

    Raises
    ------
    ConfigError
        If it is not valid.
    """

    def __init__(self, raw: Mapping[str, Any], files: Iterable[str | Path] = ()) -> None:
        self.config = parse_config(raw, files)
        self.studies = {study.name: study for study in self.config.studies}
        self.configurations = {
            study.name: {configuration.identifier: configuration for configuration in configurations_of(study)}
            for study in self.config.studies
        }
        _check_ids(self.config.studies)
        self.datasets = {layout.prepared_name(study.dataset): study.dataset for study in self.config.studies}
        self._snakemake: Any = None
        self._started = time.time()

    @classmethod
    def of_snakemake(cls, config: Mapping[str, Any], workflow: Any) -> "Workflow":
        """For a Snakefile, from its globals of these names; what the user can mend ends Snakemake with a message alone.

        The process that the user started also looks at data and weights, so that mistakes end it before any job starts.
        """
        # Snakemake tells OpenMP and MKL how many threads a job has, but not polars; jobs that want more say so themselves.
        os.environ.setdefault("POLARS_MAX_THREADS", "1")
        try:
            flow = cls(config, workflow.configfiles)
            only_this(flow.config.model_dump_json())
            flow._snakemake = workflow
            if workflow.is_main_process:
                offer_server()
                flow.check_inputs()
            else:
                withdraw_server()
        except NodescopeError as error:
            _stop(error)
        return flow

    def check_inputs(self) -> None:
        """Find what would stop a job later: data sets that are missing, damaged or unfit for the networks, weights that do not fit.

        Raises
        ------
        NodescopeError
        """
        for source in self.datasets.values():
            if not isinstance(source, Recorded) and not self._is_prepared(source):
                from nodescope.datasets.preparing import check

                check(source, self.config.data_root, download=self.config.download)
        for study in self.config.studies:
            if isinstance(study, FamilyStudy) and (
                problem := problem_with_samples(study.dataset, self._sizes[study.name], study.model)
            ):
                raise ConfigError(problem)
            if isinstance(study, FamilyStudy) and study.layers != FamilyStudy.model_fields["layers"].default:
                size = self._sizes[study.name]
                for configuration in family_configurations(study):
                    recorded_layers(study, configuration, size.shape, size.classes)  # which says what is wrong
        self.check_packages()
        self.check_weights()
        self.look_at_modules()

    def check_packages(self) -> None:
        """Find options of analyses that need a package which is not installed.

        Raises
        ------
        ConfigError
        """
        missing = [
            f"Study '{study.name}', analyses.{name} needs the package {package}, which is not installed. "
            f"Hint: pip install {package}, or leave the option out"
            for study in self.config.studies
            for name, section in study.analyses.options(contents.analyses_of(study)).items()
            if isinstance(section, LayerOptions)
            for module, package in section.packages().items()
            if find_spec(module) is None
        ]
        if missing:
            raise ConfigError("\n\n".join(missing))

    def look_at_modules(self, results: str | Path = layout.RESULTS) -> None:
        """Find networks of the user's own that cannot be built, filled or recorded; and how large they are, for the plan.

        What was seen is kept, and looked at again when the user's sources, files of weights or settings have changed.

        Raises
        ------
        ConfigError
        """
        stale: dict[str, dict[str, str]] = {}
        for study in self.config.studies:
            if not isinstance(study, ModuleStudy):
                continue
            files = StudyFiles.of(study.name, results)
            for configuration in module_configurations(study):
                key = _key_of(study, configuration)
                if _known_key(files.look(configuration.identifier)) != key:
                    stale.setdefault(study.name, {})[configuration.identifier] = key
        if not stale:
            return
        given = {"config": self.config.model_dump(mode="json"), "keys": stale, "results": str(results)}
        if problems := _in_a_process_with_torch("nodescope.networks.brought.look", json.dumps(given)):
            raise ConfigError("\n\n".join(problems))

    def check_weights(self) -> None:
        """Find files of weights that do not fit their networks.

        Raises
        ------
        ConfigError
        """
        studies = [study for study in self.config.studies if isinstance(study, FamilyStudy)]
        if not any(each.network(study).weights for study in studies for each in family_configurations(study)):
            return
        config = self.config.model_dump_json()
        if problems := _in_a_process_with_torch("nodescope.networks.weights_check", config):
            raise ConfigError("\n\n".join(problems))

    def _is_prepared(self, source: DatasetSource) -> bool:
        """Whether the data set is prepared with these settings, and the user's files have not changed since."""
        from nodescope.datasets.preparing import current_description

        description = current_description(source, layout.description_path(source), _files_digest(source))
        return description is not None and layout.prepared_path(source).is_file()

    # --- settings, for params -------------------------------------------------------------------------------

    def setting(self, key: str) -> Any:
        """A setting of the config, by its dotted path: ``report.title``."""
        return _plain(attrgetter(key)(self.config))

    def study(self, key: str) -> Callable[[Wildcards], Any]:
        """A function of wildcards: a setting of the study, by its dotted path: ``dataset.name``."""
        return lambda wildcards: _plain(attrgetter(key)(self.studies[wildcards.study]))

    def study_settings(self, wildcards: Wildcards) -> dict[str, Any]:
        """All settings of the study."""
        return self.studies[wildcards.study].model_dump(mode="json")

    def states(self, wildcards: Wildcards) -> list[str]:
        """The states that are recorded of each network."""
        return list(self._configuration(wildcards).states)

    def seeds(self, wildcards: Wildcards) -> list[int]:
        """The seeds of the configuration."""
        return list(self._configuration(wildcards).seeds)

    def key_columns(self, wildcards: Wildcards) -> dict[str, Any]:
        """The key columns of the configuration."""
        return self._configuration(wildcards).keys()

    def training(self, wildcards: Wildcards) -> dict[str, Any]:
        """How the configuration is trained."""
        study, configuration = self._of_family(wildcards)
        return configuration.training(study).model_dump(mode="json")

    def objective(self, wildcards: Wildcards) -> str:
        """The loss that the configuration is trained with, of which gradients are measured."""
        study, configuration = self.studies[wildcards.study], self._configuration(wildcards)
        if isinstance(study, FamilyStudy) and isinstance(configuration, FamilyConfiguration):
            return configuration.training(study).loss
        return "cross_entropy"

    def batch_size(self, wildcards: Wildcards) -> int | Literal["all"] | None:
        """Samples per step of the configuration's training; None of networks that were trained elsewhere."""
        study, configuration = self.studies[wildcards.study], self._configuration(wildcards)
        if isinstance(study, FamilyStudy) and isinstance(configuration, FamilyConfiguration):
            return configuration.training(study).batch_size
        return None

    def network(self, wildcards: Wildcards) -> dict[str, Any]:
        """The settings of the configuration's networks."""
        study, configuration = self._of_family(wildcards)
        return configuration.network(study).model_dump(mode="json")

    def initialisation(self, wildcards: Wildcards) -> str | None:
        """The initialisation of the configuration; None for the one that suits its activation function."""
        return self._of_family(wildcards)[1].initialisation()

    def pattern_evolution(self, wildcards: Wildcards) -> dict[str, Any] | None:
        """How patterns are followed, with the threshold above which a node is on; None where they are not."""
        study, _ = self._of_family(wildcards)
        if study.pattern_evolution is None:
            return None
        return {"options": study.pattern_evolution.model_dump(mode="json"), "threshold": study.theta_threshold}

    def counted_above(self, wildcards: Wildcards) -> float:
        """The threshold at which a recording counts positions as on; 0 where it counts none, so that nothing depends on it."""
        study, configuration = self._of_family(wildcards)
        has_positions = FAMILIES[configuration.model].takes_images
        return study.theta_threshold if has_positions and study.positions == "summary" else 0.0

    def analyses(self, job: str) -> Callable[[Wildcards], dict[str, dict[str, Any]]]:
        """A function of wildcards: the analyses that a job makes, each with its options."""

        def options(wildcards: Wildcards) -> dict[str, dict[str, Any]]:
            study = self.studies[wildcards.study]
            sections = study.analyses.options(contents.analyses_of_job(study, job))
            return {name: section.model_dump(mode="json", exclude={"enabled"}) for name, section in sections.items()}

        return options

    def charts(self, wildcards: Wildcards) -> list[str]:
        """The charts of the study."""
        return [chart.name for chart in charts_of(self.studies[wildcards.study])]

    def left_out(self, wildcards: Wildcards) -> dict[str, str]:
        """The charts that the study cannot have, and why."""
        return left_out(self.studies[wildcards.study])

    def _configuration(self, wildcards: Wildcards) -> Configuration:
        return self.configurations[wildcards.study][wildcards.configuration]

    def _of_family(self, wildcards: Wildcards) -> tuple[FamilyStudy, FamilyConfiguration]:
        """For the rules of networks that are trained here, which their constraints hold to such studies."""
        study, configuration = self.studies[wildcards.study], self._configuration(wildcards)
        assert isinstance(study, FamilyStudy) and isinstance(configuration, FamilyConfiguration)
        return study, configuration

    def _of_module(self, wildcards: Wildcards) -> tuple[ModuleStudy, ModuleConfiguration]:
        """The same for networks of the user's own."""
        study, configuration = self.studies[wildcards.study], self._configuration(wildcards)
        assert isinstance(study, ModuleStudy) and isinstance(configuration, ModuleConfiguration)
        return study, configuration

    def _of_recordings(self, wildcards: Wildcards) -> tuple[RecordingsStudy, RecordedConfiguration]:
        """The same for recordings that were made elsewhere."""
        study, configuration = self.studies[wildcards.study], self._configuration(wildcards)
        assert isinstance(study, RecordingsStudy) and isinstance(configuration, RecordedConfiguration)
        return study, configuration

    def _of_studies(self, wildcards: Wildcards) -> tuple[JoinedStudy, JoinedConfiguration]:
        """The same for studies that are looked at together."""
        study, configuration = self.studies[wildcards.study], self._configuration(wildcards)
        assert isinstance(study, JoinedStudy) and isinstance(configuration, JoinedConfiguration)
        return study, configuration

    # --- the user's own files -------------------------------------------------------------------------------

    def source(self, wildcards: Wildcards) -> dict[str, Any]:
        """The settings of a data set."""
        return self.datasets[wildcards.dataset].model_dump(mode="json")

    def source_file(self, wildcards: Wildcards) -> str | list[str]:
        """The file that a data set is read from, which must be there; none where it is not one file."""
        source = self.datasets[wildcards.dataset]
        return source.path if isinstance(source, Npz) else []

    def source_digest(self, wildcards: Wildcards) -> str | None:
        """Changes when the files of a data set do."""
        return _files_digest(self.datasets[wildcards.dataset])

    def weights(self, wildcards: Wildcards) -> str | list[str]:
        """The file that the networks start from, which must be there; none where they start at random."""
        study, configuration = self._of_family(wildcards)
        return configuration.network(study).weights or []

    def weights_digest(self, wildcards: Wildcards) -> str | None:
        """Changes when that file does."""
        path = self.weights(wildcards)
        return file_stamp(path) if isinstance(path, str) else None

    def module(self, wildcards: Wildcards) -> dict[str, Any]:
        """How the networks of a study of the user's own are built."""
        return self._of_module(wildcards)[0].module.model_dump(mode="json")

    def axes(self, wildcards: Wildcards) -> dict[str, Any]:
        """The values of the axes of the configuration."""
        return dict(self._configuration(wildcards).axes)

    def checkpoint(self, wildcards: Wildcards) -> list[str]:
        """The file of weights of one network and state; none where it is as it was built."""
        _, configuration = self._of_module(wildcards)
        path = configuration.checkpoints.get((int(wildcards.seed), wildcards.state))
        return [] if path is None else [path.as_posix()]

    def epoch(self, wildcards: Wildcards) -> int | None:
        """After which epoch of training a network is in a state; None where that is not known."""
        _, configuration = self._of_module(wildcards)
        return configuration.epochs.get((int(wildcards.seed), wildcards.state))

    def checkpoints(self, wildcards: Wildcards) -> list[str]:
        """The files of weights of all networks and states of the configuration."""
        _, configuration = self._of_module(wildcards)
        return [path.as_posix() for path in configuration.checkpoints.values()]

    def checkpoint_of_network(self, wildcards: Wildcards) -> dict[str, str | None]:
        """The file of weights of each network and state, by ``seed/state``; None where it is as it was built."""
        _, configuration = self._of_module(wildcards)
        files = configuration.checkpoints
        return {
            f"{seed}/{state}": files[seed, state].as_posix() if (seed, state) in files else None
            for seed in configuration.seeds
            for state in configuration.states
        }

    def user_code(self, wildcards: Wildcards) -> list[str]:
        """The user's own source files that the networks of a study and what they take depend on."""
        module = self._of_module(wildcards)[0].module
        functions = [module.make, *([module.preprocess] if module.preprocess else [])]
        return [os.path.relpath(path) for path in sorted({path for text in functions for path in source_files(text)})]

    def recorded_files(self, wildcards: Wildcards) -> list[str]:
        """The user's files of the networks of a configuration."""
        return [file.path for file in self._of_recordings(wildcards)[1].files]

    def recordings(self, wildcards: Wildcards) -> dict[str, Any]:
        """The files of the networks of a configuration, and what they hold."""
        study, configuration = self._of_recordings(wildcards)
        return {
            "files": [asdict(file) for file in configuration.files],
            "values": study.recordings.values,
            "activation": study.recordings.activation_of(dict(configuration.axes)),
            "layer_order": study.recordings.layer_order,
        }

    def files_of_recordings(self, wildcards: Wildcards) -> list[str]:
        """The user's files that a data set of recordings stands for."""
        names = [study.name for study in self.config.studies if study.dataset == self.datasets[wildcards.dataset]]
        configurations = self.configurations[names[0]].values()
        return [file.path for each in configurations if isinstance(each, RecordedConfiguration) for file in each.files]

    def classes_of_recordings(self, wildcards: Wildcards) -> list[str] | None:
        """The names of the classes, where the study says them."""
        source = self.datasets[wildcards.dataset]
        return source.recordings.classes if isinstance(source, Recorded) else None

    @cached_property
    def prepared_datasets(self) -> str:
        """Data sets that are prepared."""
        return _one_of(name for name, source in self.datasets.items() if not isinstance(source, Recorded))

    @cached_property
    def recorded_datasets(self) -> str:
        """Those that recordings tell of."""
        return _one_of(name for name, source in self.datasets.items() if isinstance(source, Recorded))

    # --- inputs ---------------------------------------------------------------------------------------------

    def code(self, *modules: str) -> str:
        """The digest of the source files that modules depend on: a param, so that a job runs again when one of them changes.

        As inputs, a hundred to a job, Snakemake would look for rules that make them, and hash each anew for every output.
        """
        return _digest_of_code(modules)

    def activations(self, wildcards: Wildcards) -> list[str]:
        """The recordings of a configuration: one folder, or of a module one of each network and state."""
        configuration, folder = self._configuration(wildcards), StudyFiles.of(wildcards.study).activations
        if not isinstance(configuration, ModuleConfiguration):
            return [folder(configuration.identifier).as_posix()]
        return [
            (folder(configuration.identifier) / f"seed-{seed}" / state).as_posix()
            for seed in configuration.seeds
            for state in configuration.states
        ]

    def found(self, wildcards: Wildcards) -> list[str]:
        """What was found of each network and state of a configuration while it was recorded."""
        configuration, files = self._configuration(wildcards), StudyFiles.of(wildcards.study)
        return [
            str(files.found(configuration.identifier, seed, state))
            for seed in configuration.seeds
            for state in configuration.states
        ]

    def collect_code(self, wildcards: Wildcards) -> str:
        """The digest of the source files that the collected tables depend on."""
        study = self.studies[wildcards.study]
        families = study.model if isinstance(study, FamilyStudy) else []
        of_families = [f"nodescope.families.{name}" for name in families]
        across = [
            name for name in contents.analyses_of(study) if registered()[name].across or registered()[name].summaries
        ]
        of_analyses = [f"nodescope.analyses.{name}" for name in across]
        return self.code("nodescope.stages.collect", *of_families, *of_analyses)

    def chart_code(self, wildcards: Wildcards) -> str:
        """The digest of the source files that the charts of the study depend on."""
        return self.code(
            "nodescope.stages.draw", *(f"nodescope.charts.gallery.{name}" for name in self.charts(wildcards))
        )

    def analysis_code(self, tables: Iterable[str]) -> str:
        """The digest of the source files that tables of recorded layers depend on."""
        return self.code("nodescope.stages.measure_layers", *(f"nodescope.analyses.{name}" for name in makers(tables)))

    def network_code(self, stage: str, tables: Iterable[str] = ()) -> Callable[[Wildcards], str]:
        """A function of wildcards: the digest of the source files that a stage depends on which makes or reads networks."""
        modules = [f"nodescope.stages.{stage}", *(f"nodescope.analyses.{name}" for name in makers(tables))]
        return lambda wildcards: self.code(*modules, *family_modules(self._configuration(wildcards).model))

    def module_code(self, stage: str, tables: Iterable[str]) -> str:
        """The digest of the source files that a stage depends on which looks into networks of the user's own."""
        return self.code(f"nodescope.stages.{stage}", *(f"nodescope.analyses.{name}" for name in makers(tables)))

    def dataset(self, wildcards: Wildcards) -> str:
        """The study's prepared data set."""
        return layout.prepared_path(self.studies[wildcards.study].dataset).as_posix()

    def description(self, wildcards: Wildcards) -> str:
        """The description of the study's prepared data set."""
        return layout.description_path(self.studies[wildcards.study].dataset).as_posix()

    def tables_to_collect(self, wildcards: Wildcards) -> list[str]:
        """The tables of all configurations of the study."""
        return self._tables_of_configurations(self.studies[wildcards.study])

    def predictions(self, wildcards: Wildcards) -> list[str]:
        """What the kept networks of every configuration of the study predict."""
        files = StudyFiles.of(wildcards.study)
        return [str(files.predictions(identifier)) for identifier in self.configurations[wildcards.study]]

    def naming_tables(self, wildcards: Wildcards) -> list[str]:
        """The collected tables of the study that name single samples."""
        study = self.studies[wildcards.study]
        return [str(StudyFiles.of(study.name).table(name)) for name in contents.naming_tables(study)]

    def scored_tables(self, wildcards: Wildcards) -> list[str]:
        """What the scorecard is made from, as far as the study measures it."""
        return self._measured(wildcards, contents.SCORED_TABLES)

    def diagnosed_tables(self, wildcards: Wildcards) -> list[str]:
        """What the diagnosis is made from, as far as the study measures it."""
        return self._measured(wildcards, contents.DIAGNOSED_TABLES)

    def _measured(self, wildcards: Wildcards, names: Sequence[str]) -> list[str]:
        measured = contents.measured_tables(self.studies[wildcards.study])
        return [str(StudyFiles.of(wildcards.study).table(name)) for name in names if name in measured]

    def chart_tables(self, wildcards: Wildcards) -> list[str]:
        """The collected tables that the study's charts are drawn from."""
        study = self.studies[wildcards.study]
        names = tables_of(charts_of(study), study)
        return [str(StudyFiles.of(wildcards.study).table(name)) for name in sorted(names)]

    def finding_tables(self, wildcards: Wildcards) -> list[str]:
        """The collected tables that the study's findings are made from."""
        study = self.studies[wildcards.study]
        return [str(StudyFiles.of(study.name).table(name)) for name in _tables_of_findings(study)]

    def finding_code(self, wildcards: Wildcards) -> str:
        """The digest of the source files that the findings of the study depend on."""
        found = findings_of(contents.table_names(self.studies[wildcards.study]))
        return self.code("nodescope.stages.find", *(f"nodescope.findings.catalogue.{each.name}" for each in found))

    def comparisons(self) -> list[str]:
        """The tables of the studies that have several trained configurations."""
        compared = [study for study in self.config.studies if contents.is_compared(study)]
        return [str(StudyFiles.of(study.name).table(contents.COMPARISON_TABLE)) for study in compared]

    def joined(self, wildcards: Wildcards) -> dict[str, str]:
        """The tables of a configuration of joined studies, where it is from and here; predictions among them."""
        study, configuration = self._of_studies(wildcards)
        there, here = StudyFiles.of(configuration.study), StudyFiles.of(study.name)
        original, own = configuration.original.identifier, configuration.identifier
        names = contents.tables_of_configuration(study)
        tables = {there.table_of(name, original): here.table_of(name, own) for name in names}
        tables[there.predictions(original)] = here.predictions(own)
        return {str(source): str(target) for source, target in tables.items()}

    def descriptions(self, wildcards: Wildcards) -> dict[str, str]:
        """The descriptions of the data sets of joined studies, by the studies' names."""
        parts = self._of_studies(wildcards)[0].parts
        return {part.name: layout.description_path(part.dataset).as_posix() for part in parts}

    # --- targets --------------------------------------------------------------------------------------------

    def per_configuration(self, pattern: str) -> list[str]:
        """The pattern, filled in for every configuration of every study."""
        return [
            pattern.format(study=study, configuration=identifier)
            for study, configurations in self.configurations.items()
            for identifier in configurations
        ]

    def collected_tables(self) -> list[str]:
        """All collected tables of all studies."""
        return [
            str(StudyFiles.of(study.name).table(table, suffix))
            for study in self.config.studies
            for table in contents.table_names(study)
            for suffix in ("parquet", "csv")
        ]

    def tables_of_configurations(self) -> list[str]:
        """The tables of all configurations of all studies; targets, so that one that was deleted is made again."""
        return [path for study in self.config.studies for path in self._tables_of_configurations(study)]

    def _tables_of_configurations(self, study: Study) -> list[str]:
        files = StudyFiles.of(study.name)
        return [
            str(files.table_of(table, identifier))
            for table in contents.tables_of_configuration(study)
            for identifier in self.configurations[study.name]
        ]

    def custom_rules(self) -> list[str]:
        """The user's own files of rules, to be included."""
        missing = [path for path in self.config.custom_rules if not Path(path).is_file()]
        if missing:
            _stop(
                f"custom_rules: there is no file {', '.join(missing)} in {Path.cwd()}. Hint: paths are relative to "
                "the working directory (or --directory)."
            )
        return [str(Path(path).resolve()) for path in self.config.custom_rules]

    # --- which studies a rule is for: wildcard constraints, and rules whose outputs depend on the study -----

    @cached_property
    def _sizes(self) -> dict[str, DataSize]:
        """How large the data sets of the studies are; looked at once."""
        return {study.name: size_of(study) for study in self.config.studies}

    def keeps(self, study: Study) -> bool:
        """Whether the recorded activations of a study stay after their last analysis."""
        return keeps_activations(self.config, study, self._sizes[study.name])

    def kept(self, origin: Origin) -> str:
        """Studies with networks of an origin whose recorded activations stay."""
        return self._studies(origin, self.keeps)

    def temporary(self, origin: Origin) -> str:
        """Studies with networks of an origin whose recorded activations are deleted after their last analysis."""
        return self._studies(origin, lambda study: not self.keeps(study))

    @cached_property
    def followed(self) -> str:
        """Studies of families whose patterns are followed through training."""
        return self._studies("families", contents.follows_patterns)

    @cached_property
    def not_followed(self) -> str:
        """The other studies of families."""
        return self._studies("families", lambda study: not contents.follows_patterns(study))

    @cached_property
    def modules(self) -> str:
        """Studies of modules of the user's own."""
        return self._studies("module", lambda _: True)

    def _studies(self, origin: Origin, which: Callable[[Study], bool]) -> str:
        of_origin = [study for study in self.config.studies if isinstance(study, ORIGINS[origin])]
        return _one_of(study.name for study in of_origin if which(study))

    def measuring(self, job: str, *origins: Origin) -> list[Variation]:
        """The rules of a job that measures a configuration, of the studies with networks of some origins."""
        kinds = tuple(ORIGINS[origin] for origin in origins)
        rule = f"measure_{job}" if "module" not in origins or len(origins) > 1 else f"measure_{job}_of_modules"
        return self._variations(
            rule, lambda study: tables_made_by(contents.analyses_of_job(study, job)) if isinstance(study, kinds) else ()
        )

    def joining(self) -> list[Variation]:
        """The rules that take configurations into studies that look at several together."""
        return self._variations(
            "join_studies",
            lambda study: tuple(contents.tables_of_configuration(study)) if isinstance(study, JoinedStudy) else (),
        )

    def collecting(self) -> list[Variation]:
        """The rules that collect tables."""
        return self._variations("collect_tables", lambda study: tuple(contents.measured_tables(study)))

    def _variations(self, rule: str, tables_of: Callable[[Study], tuple[str, ...]]) -> list[Variation]:
        studies: dict[tuple[str, ...], list[str]] = {}
        for study in self.config.studies:
            studies.setdefault(tables_of(study), []).append(study.name)
        studies.pop((), None)
        return [
            Variation(f"{rule}_{number}" if number else rule, tables, _one_of(names))
            for number, (tables, names) in enumerate(studies.items())
        ]

    # --- resources ------------------------------------------------------------------------------------------

    def memory_mb(self, stage: Stage) -> Callable[[Wildcards, int], int]:
        """A function of wildcards and attempt: the memory that a job asks a cluster for."""
        return lambda wildcards, attempt: self._job_size(stage, wildcards, attempt).memory_mb

    def minutes(self, stage: Stage) -> Callable[[Wildcards, int], int]:
        """A function of wildcards and attempt: the time that a job asks a cluster for."""
        return lambda wildcards, attempt: self._job_size(stage, wildcards, attempt).minutes

    def _job_size(self, stage: Stage, wildcards: Wildcards, attempt: int) -> Any:
        study = self.studies[wildcards.study]
        assert not isinstance(study, JoinedStudy)
        device = "cuda" if self.gpus else "cpu"
        return job_size(study, self._configuration(wildcards), stage, self._sizes[study.name], device, attempt)

    @cached_property
    def gpus(self) -> int:
        """GPUs of a training. On a cluster the head node may have none: there, say ``device: cuda``."""
        wanted = self.config.device
        return 1 if wanted == "cuda" or (wanted == "auto" and visible_gpus()) else 0

    def cores(self, _: Wildcards) -> int:
        """Cores of this machine, or as many as there are jobs at a time on a cluster."""
        settings = self._snakemake.resource_settings
        return settings.cores or settings.nodes or 1

    # --- Snakemake's own report, and the end of a run -------------------------------------------------------

    def captions(self, wildcards: Wildcards) -> FigureTexts:
        """The captions of the study's figures, by file name."""
        return FigureTexts(str(StudyFiles.of(wildcards.study).figure_index))

    def section(self, wildcards: Wildcards) -> str:
        """The section of the report that a figure stands in."""
        section: str = self.captions(wildcards).entry(wildcards.figure)["section"]
        return section

    def labels(self, wildcards: Wildcards) -> dict[str, str]:
        """How a figure is labelled."""
        texts = self.captions(wildcards)
        published = (
            {"published as": texts.published_as(wildcards.figure)} if self.studies[wildcards.study].works else {}
        )
        return {"figure": texts.title(wildcards.figure), **published}

    def on_success(self) -> None:
        """Print where the page is, and which networks diverged."""
        page = layout.page_path()
        is_new = page.is_file() and page.stat().st_mtime >= self._started - 1
        divergence = divergence_report(self.config.studies, layout.RESULTS, 0 if is_new else self._started - 1)
        if said := run_end.on_success(page, divergence, is_new=is_new):
            print(said)

    def on_error(self, log: Iterable[str]) -> None:
        """Print where to look, and that a page of an earlier run shows nothing of this one."""
        print(run_end.on_failure(layout.page_path(), self._started, list(log)))


@dataclass(frozen=True)
class Job:
    """A job by the names in its paths, as Snakemake's wildcards have them."""

    study: str
    configuration: str = ""
    dataset: str = ""
    figure: str = ""
    seed: str = ""
    state: str = ""


def run(
    config: str | Path | Mapping[str, Any],
    results: str | Path = layout.RESULTS,
    reports: str | Path = layout.REPORTS,
    *,
    page: bool = True,
) -> Path:
    """Run the studies of a config in this process, without Snakemake: for tests, notebooks and a debugger.

    The same functions in the same order give the same tables, bit for bit. Everything is made anew, one job after another;
    only a training that was stopped goes on where it was.

    Parameters
    ----------
    config
        The config, or the path of its YAML file.
    results
        The folder that gets the results.
    reports
        The folder that gets the page.
    page
        Whether to draw the charts and build the page.

    Returns
    -------
    Path
        The folder of results; the tables of a study lie in ``STUDY/tables``.

    Raises
    ------
    NodescopeError
        If the config is not valid, or the data or weights that it names are not usable.
    """
    from nodescope.stages.import_recordings import look_at_recordings
    from nodescope.stages.prepare import prepare
    from nodescope.stages.report import report
    from nodescope.stages.write_findings import write_findings

    files = [] if isinstance(config, Mapping) else [config]
    flow = Workflow(config if isinstance(config, Mapping) else read_config(config), files)
    results = Path(results)
    for name, source in flow.datasets.items():
        path = layout.prepared_path(source, results)
        if isinstance(source, Recorded):
            look_at_recordings(flow.config, name, layout.description_path(source, results))
        else:
            prepare(source, flow.config.data_root, path, download=flow.config.download)
    flow.check_packages()
    flow.check_weights()
    flow.look_at_modules(results)
    for study in sorted(flow.config.studies, key=lambda study: isinstance(study, JoinedStudy)):
        run_study(flow, study, results, draws=page)
    if page:
        report(
            layout.page_path(reports),
            title=flow.config.report.title,
            studies=list(flow.studies),
            options=flow.setting("charts"),
            results=results,
        )
        write_findings(
            layout.findings_path(reports), title=flow.config.report.title, studies=list(flow.studies), results=results
        )
    return results


def run_study(flow: Workflow, study: Study, results: str | Path, *, draws: bool) -> None:
    """Train, record, measure and collect a study whose data set is prepared.

    Parameters
    ----------
    draws
        Whether to draw its charts.
    """
    results = Path(results)
    with _one_thread():
        for identifier in flow.configurations[study.name]:
            if isinstance(study, JoinedStudy):
                _join(flow, study, Job(study.name, identifier), results)
            else:
                _run_configuration(flow, study, identifier, results)
    _finish_study(flow, study, results, draws=draws)


def _join(flow: Workflow, study: JoinedStudy, job: Job, results: Path) -> None:
    """Take a configuration of another study into one that looks at several together."""
    from nodescope.stages.join import join

    def below(path: str) -> Path:
        return results / Path(path).relative_to(layout.RESULTS)

    join(
        {name: below(path) for name, path in flow.descriptions(job).items()},
        {below(source): below(target) for source, target in flow.joined(job).items()},
        study=study.name,
        configuration=job.configuration,
    )


def _run_configuration(flow: Workflow, study: Part, identifier: str, results: Path) -> None:
    """Make and measure the networks of a configuration, wherever they come from."""
    from nodescope.stages.measure_layers import measure_layers

    job, files = Job(study.name, identifier), StudyFiles.of(study.name, results)
    make = {FamilyStudy: _train_and_record, ModuleStudy: _record_modules, RecordingsStudy: _import_recordings}
    make[type(study)](flow, study, job, files, layout.prepared_path(study.dataset, results))
    tables = {name: files.table_of(name, identifier) for name in contents.measured_tables(study)}
    activations = files.activations(identifier)
    of_nets: dict[str, Any] = {"configuration": identifier, "seeds": flow.seeds(job), "states": flow.states(job)}
    for name in contents.analysis_jobs(study):
        analyses = flow.analyses(name)(job)
        if name == "networks":
            _measure_networks(flow, study, job, files, layout.prepared_path(study.dataset, results), tables)
        else:
            threshold = study.theta_threshold
            accuracy = files.table_of("accuracy", identifier)
            measure_layers(
                activations,
                tables,
                analyses=analyses,
                theta_threshold=threshold,
                accuracy=accuracy,
                batch_size=flow.batch_size(job),
                **of_nets,
            )
    if not flow.keeps(study):
        shutil.rmtree(activations, ignore_errors=True)


def _train_and_record(flow: Workflow, study: Part, job: Job, files: StudyFiles, dataset: Path) -> None:
    """Networks of the built-in families."""
    from nodescope.jobs.devices import training_device
    from nodescope.stages.record import record
    from nodescope.stages.train import train

    identifier, models = job.configuration, files.models(job.configuration)
    tables = {name: files.table_of(name, identifier) for name in contents.training_tables(study)}
    with training_device(flow.config.device) as device:
        train(
            dataset,
            {**tables, "models": models, "predictions": files.predictions(identifier)},
            configuration=identifier,
            key_columns=flow.key_columns(job),
            seeds=flow.seeds(job),
            training=flow.training(job),
            network=flow.network(job),
            initialisation=flow.initialisation(job),
            pattern_evolution=flow.pattern_evolution(job),
            device=device,
            progress_folder=files.progress(identifier),
            title=f"{study.name}/{identifier}",
        )
    if contents.is_recorded(study):
        record(
            models,
            dataset,
            files.activations(identifier),
            dataset_name=study.dataset.name,
            layers=study.layers,
            positions=study.positions,
            positions_per_sample=study.positions_per_sample,
            random_inputs=study.random_inputs,
            theta_threshold=flow.counted_above(job),
            seeds=flow.seeds(job),
            states=flow.states(job),
        )


def _record_modules(flow: Workflow, study: Part, job: Job, files: StudyFiles, dataset: Path) -> None:
    """Networks that a function of the user's builds."""
    from nodescope.stages.describe import describe
    from nodescope.stages.record_module import record_module

    identifier = job.configuration
    found = []
    for seed in flow.seeds(job):
        for state in flow.states(job):
            of_state = Job(study.name, identifier, seed=str(seed), state=state)
            found.append(files.found(identifier, seed, state))
            record_module(
                dataset,
                next(iter(flow.checkpoint(of_state)), None),
                {"activations": files.activations(identifier) / f"seed-{seed}" / state, "found": found[-1]},
                seed=seed,
                state=state,
                sources=flow.user_code(job),
                dataset_name=study.dataset.name,
                module=flow.module(job),
                axes=flow.axes(job),
                epoch=flow.epoch(of_state),
                layers=study.layers,
                positions=study.positions,
                positions_per_sample=study.positions_per_sample,
                random_inputs=study.random_inputs,
                theta_threshold=study.theta_threshold,
                device=flow.config.device,
            )
    describe(found, _outputs(study, identifier, files), configuration=identifier)


def _import_recordings(flow: Workflow, study: Part, job: Job, files: StudyFiles, dataset: Path) -> None:
    """Networks that were recorded elsewhere."""
    from nodescope.stages.import_recordings import import_recordings

    identifier = job.configuration
    outputs = _outputs(study, identifier, files) | {"activations": files.activations(identifier)}
    shutil.rmtree(files.activations(identifier), ignore_errors=True)
    import_recordings(dataset.with_suffix(".json"), outputs, configuration=identifier, **flow.recordings(job))


def _outputs(study: Study, identifier: str, files: StudyFiles) -> dict[str, Path]:
    """What is written of a configuration of networks that were trained elsewhere."""
    tables = {name: files.table_of(name, identifier) for name in contents.training_tables(study)}
    return {**tables, "description": files.network(identifier), "predictions": files.predictions(identifier)}


def _measure_networks(
    flow: Workflow, study: Part, job: Job, files: StudyFiles, dataset: Path, tables: Mapping[str, Path]
) -> None:
    """What is measured on the networks of a configuration themselves."""
    from nodescope.stages.measure_networks import measure_modules, measure_networks

    settings: dict[str, Any] = {
        "analyses": flow.analyses("networks")(job),
        "configuration": job.configuration,
        "seeds": flow.seeds(job),
        "states": flow.states(job),
        "objective": flow.objective(job),
        "theta_threshold": study.theta_threshold,
    }
    if isinstance(study, FamilyStudy):
        measure_networks(files.models(job.configuration), dataset, tables, layers=study.layers, **settings)
    else:
        measure_modules(
            dataset,
            tables,
            module=flow.module(job),
            axes=flow.axes(job),
            files=flow.checkpoint_of_network(job),
            layers=study.layers,
            **settings,
        )


def _tables_of_findings(study: Study) -> list[str]:
    """The collected tables that a study's findings are made from."""
    names = contents.table_names(study)
    needed = {table for finding in findings_of(names) for table in finding.tables}
    return [name for name in names if name in needed]


def _finish_study(flow: Workflow, study: Study, results: Path, *, draws: bool) -> None:
    """What is made from the tables of all configurations of a study, as far as it has it."""
    from nodescope.stages.collect import collect
    from nodescope.stages.compare import compare
    from nodescope.stages.diagnose import diagnose
    from nodescope.stages.draw import draw
    from nodescope.stages.find import find
    from nodescope.stages.samples import draw_samples
    from nodescope.stages.score import score

    job, files = Job(study.name), StudyFiles.of(study.name, results)
    description = layout.description_path(study.dataset, results)
    collect(study, description, files)
    if contents.has_samples(study):
        draw_samples(files, layout.prepared_path(study.dataset, results), contents.naming_tables(study))
    if contents.is_compared(study):
        compare(files)
    measured = contents.measured_tables(study)
    if contents.is_diagnosed(study):
        names = [name for name in contents.DIAGNOSED_TABLES if name in measured]
        diagnose(files, measured=names, thresholds=flow.study("diagnosis")(job))
    if study.works:
        score(files, measured=[name for name in contents.SCORED_TABLES if name in measured])
    find(files, description, tables=_tables_of_findings(study), charts=flow.charts(job))
    if draws:
        draw(
            files,
            description,
            charts=flow.charts(job),
            options=flow.setting("charts"),
            left_out=flow.left_out(job),
        )


@contextmanager
def _one_thread() -> Iterator[None]:
    """PyTorch on one thread, as the workflow's jobs have it: sums of another number of threads differ in their last bits."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _stop(error: object) -> NoReturn:
    """End Snakemake with a message alone: the mistake is the user's to mend, not in a rule."""
    print(f"\n{error}\n", file=sys.stderr)
    raise SystemExit(1)


def _check_ids(studies: Iterable[Study]) -> None:
    """Refuse studies in which an id stands for several configurations: a variant may set an axis that varies."""
    for study in studies:
        ids = Counter(configuration.identifier for configuration in configurations_of(study))
        repeated = [identifier for identifier, count in ids.items() if count > 1]
        if repeated:
            raise ConfigError(
                f"Study '{study.name}', grid: each of these ids stands for several configurations: {', '.join(repeated)}. "
                "Hint: a variant that sets activation, batch_norm or initialisation needs a grid with one value of it; "
                "rename a variant whose name looks like another's setting"
            )


def _in_a_process_with_torch(module: str, given: str) -> list[str]:
    """What a module finds wrong; in a process of its own, since this one does without torch."""
    done = subprocess.run([sys.executable, "-m", module], input=given, stdout=subprocess.PIPE, text=True, check=True)
    problems: list[str] = json.loads(done.stdout)
    return problems


def _key_of(study: ModuleStudy, configuration: ModuleConfiguration) -> str:
    """Changes when what the networks of a configuration are made from does."""
    functions = [study.module.make, *([study.module.preprocess] if study.module.preprocess else [])]
    seen = [
        study.module.model_dump_json(),
        study.dataset.model_dump_json(),
        _files_digest(study.dataset),
        study.layers,
        configuration.axes,
        [file_stamp(path) for path in configuration.checkpoints.values()],
        sources_digest(functions),
    ]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()


def _known_key(path: Path) -> str | None:
    try:
        key: str | None = read_json(path).get("key")
    except DamagedFileError:
        return None
    return key


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _one_of(names: Iterable[str]) -> str:
    """A wildcard constraint: one of the names; without names one that nothing fits."""
    return "|".join(names) or "(?!)"


@cache
def _digest_of_code(modules: tuple[str, ...]) -> str:
    """Computed once per process, since every job of a rule asks."""
    return code_digest(*modules)


def _files_digest(source: DatasetSource) -> str | None:
    """Looked at once per process, since a folder of images may be large."""
    return _digest_by_settings(type(source), source.model_dump_json())


@cache
def _digest_by_settings(kind: type[DatasetSource], settings: str) -> str | None:
    from nodescope.datasets.sources import files_digest

    return files_digest(kind.model_validate_json(settings))
