"""The checked configuration, and functions that the rules share. Evaluated in every job: nothing heavy is imported."""

import json
import os
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import nodescope
from nodescope.datasets import preparing, sources
from nodescope.study import contents, layout
from nodescope.study.configurations import configurations_of
from nodescope.study import configurations
from nodescope.jobs import run_end
from nodescope.families import FAMILIES
from nodescope.charts.registry import CHARTS, INSPECTOR_TABLE, charts_of, has_inspector_table
from nodescope.charts.texts import FigureTexts
from nodescope.config.loading import only_this, parse_config
from nodescope.jobs.devices import visible_gpus
from nodescope.findings.divergence import divergence_report
from nodescope.messages.errors import NodescopeError
from nodescope.storage.files import file_stamp
from nodescope.estimates.costs import NOTICE_S, job_size, keeps_activations, size_of

# Snakemake tells OpenMP and MKL how many threads a job has, but not polars; jobs that want more say so themselves.
os.environ.setdefault("POLARS_MAX_THREADS", "1")


def stop(error):
    """End Snakemake with a message for people, and nothing else: the mistake is theirs to mend, not in a rule."""
    print(f"\n{error}\n", file=sys.stderr)
    raise SystemExit(1)


try:
    CONFIG = parse_config(config, workflow.configfiles)
    only_this(CONFIG.model_dump_json())
except NodescopeError as error:
    stop(error)

STUDIES = {study.name: study for study in CONFIG.studies}
CONFIGURATIONS = {study.name: {c.identifier: c for c in configurations_of(study)} for study in CONFIG.studies}
DATASETS = {layout.prepared_name(study.dataset): study.dataset for study in CONFIG.studies}

# How large their data sets are, looked at once.
SIZES = {study.name: size_of(study) for study in CONFIG.studies}

# Studies whose recorded activations stay, and those whose are deleted after use.
KEPT = [study.name for study in CONFIG.studies if keeps_activations(CONFIG, study, SIZES[study.name])]
TEMPORARY = [study.name for study in CONFIG.studies if study.name not in KEPT]

# Studies whose patterns are followed through training.
FOLLOWED = [study.name for study in CONFIG.studies if study.pattern_evolution]
NOT_FOLLOWED = [study.name for study in CONFIG.studies if not study.pattern_evolution]

PACKAGE = Path(os.path.relpath(Path(nodescope.__file__).parent))


def code(*patterns):
    """Source files of the package as inputs, so that an edit re-runs what it affects (they are compared by content).

    They lie here also where results are kept in a storage.
    """
    return [local(path) for path in sorted(str(path) for pattern in patterns for path in PACKAGE.glob(pattern))]


def chart_code(wildcards):
    """The sources of the charts of a study, and those that they share."""
    others = {f"{PACKAGE}/charts/gallery/{name}.py" for name in CHARTS} - {
        f"{PACKAGE}/charts/gallery/{name}.py" for name in chart_names(wildcards)
    }
    shared = (
        "numerics/activation_functions.py",
        "findings/divergence.py",
        "numerics/intervals.py",
        "works/works.py",
        "storage/tables.py",
        "study/words.py",
        "messages/words.py",
    )
    return [path for path in code("charts/*.py", "charts/gallery/*.py", *shared) if path not in others]


def analysis_code(analyses):
    """The sources of the analyses that one job makes, and those that the analyses share."""
    others = {name for job in contents.ANALYSIS_JOBS.values() for name in job} - set(analyses)
    shared = (
        "numerics/pattern_*.py",
        "recording/parquet.py",
        "recording/values.py",
        "numerics/activation_functions.py",
        "storage/tables.py",
    )
    return [
        path
        for path in code("analyses/*.py", "measuring/*.py", "numerics/*.py", *shared)
        if Path(path).stem not in others
    ]


@cache
def files_of(source):
    """What stands for the user's own files (see `nodescope.datasets.sources.files_digest`); looked at once."""
    return sources.files_digest(source)


def stands_prepared(source):
    """Whether the data set is prepared with these settings, and the user's files have not changed since."""
    found = preparing.current_description(source, layout.description_path(source), files_of(source))
    return found is not None and layout.prepared_path(source).is_file()


# Mistakes in the data are found before any job starts (a job of its own process need not look again).
for source in DATASETS.values():
    if workflow.is_main_process and not stands_prepared(source):
        try:
            preparing.check(source, CONFIG.data_root, download=CONFIG.download)
        except NodescopeError as error:
            stop(error)


# So are files of weights that do not fit; by a process of its own, since this one does without torch.
def check_weights():
    done = subprocess.run(
        [sys.executable, "-m", "nodescope.networks.weights_check"],
        input=CONFIG.model_dump_json(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    problems = json.loads(done.stdout)
    if problems:
        stop("\n\n".join(problems))


if workflow.is_main_process and any(
    configuration.network(study).weights for study in CONFIG.studies for configuration in configurations_of(study)
):
    check_weights()

# --- of wildcards ---


def study_of(wildcards):
    return STUDIES[wildcards.study]


def configuration_of(wildcards):
    return CONFIGURATIONS[wildcards.study][wildcards.configuration]


def configuration_keys(wildcards):
    return configuration_of(wildcards).keys()


def seeds_of(wildcards):
    return study_of(wildcards).seeds


def states_of(wildcards):
    return configurations.states_of(study_of(wildcards))


def works_of(wildcards):
    return study_of(wildcards).works


def dataset_of(wildcards):
    return layout.prepared_path(study_of(wildcards).dataset).as_posix()


def dataset_name_of(wildcards):
    return study_of(wildcards).dataset.name


def theta_threshold_of(wildcards):
    return study_of(wildcards).theta_threshold


def analysis_options(job):
    """What a job measures: for each analysis its options, less the switch that turns it on."""

    def options(wildcards):
        study = study_of(wildcards)
        sections = {name: getattr(study.analyses, name) for name in contents.analyses_of_job(study, job)}
        return {name: section.model_dump(mode="json", exclude={"enabled"}) for name, section in sections.items()}

    return options


def studies_by_analyses(job):
    """For a job: each set of analyses that a study wants of it, and which studies do."""
    found = {}
    for study in CONFIG.studies:
        found.setdefault(contents.analyses_of_job(study, job), []).append(study.name)
    found.pop((), None)
    return found


def dataset_source(wildcards):
    return DATASETS[wildcards.dataset].model_dump(mode="json")


def dataset_file(wildcards):
    """The user's own file, which must be there."""
    source = DATASETS[wildcards.dataset]
    return source.path if source.source == "npz" else []


def dataset_files(wildcards):
    """What stands for the user's own files, so that one added, removed or changed is noticed."""
    return files_of(DATASETS[wildcards.dataset])


def training_params(wildcards):
    return configuration_of(wildcards).training(study_of(wildcards)).model_dump(mode="json")


def objective_of(wildcards):
    """The loss that a configuration is trained with, of which gradients are measured."""
    return configuration_of(wildcards).training(study_of(wildcards)).loss


def network_params(wildcards):
    return configuration_of(wildcards).network(study_of(wildcards)).model_dump(mode="json")


def initialisation_of(wildcards):
    return configuration_of(wildcards).initialisation()


def positions_of(wildcards):
    return study_of(wildcards).positions


def counted_above(wildcards):
    """The threshold at which a recording counts positions as on; no recording without positions depends on it."""
    study = study_of(wildcards)
    has_positions = FAMILIES[configuration_of(wildcards).model].takes_images
    return study.theta_threshold if has_positions and study.positions == "summary" else 0.0


def random_inputs_of(wildcards):
    return study_of(wildcards).random_inputs


def pattern_evolution_params(wildcards):
    """With the threshold of a node, on which no other training depends."""
    study = study_of(wildcards)
    if study.pattern_evolution is None:
        return None
    return {"options": study.pattern_evolution.model_dump(mode="json"), "threshold": study.theta_threshold}


def weights_file(wildcards):
    """The file that the networks start from, which must be there."""
    return configuration_of(wildcards).network(study_of(wildcards)).weights or []


def weights_digest(wildcards):
    """What stands for that file, so that a change of it is noticed."""
    path = configuration_of(wildcards).network(study_of(wildcards)).weights
    return file_stamp(path) if path else None


def trains_on_gpu():
    """On a cluster the head node may have none: there, say `device: cuda`."""
    return CONFIG.device == "cuda" or (CONFIG.device == "auto" and bool(visible_gpus()))


def cores_at_a_time(_):
    """Cores of this machine, or as many as there are jobs at a time on a cluster."""
    settings = workflow.resource_settings
    return settings.cores or settings.nodes or 1


def job_size_of(stage, wildcards, attempt):
    study = study_of(wildcards)
    device = "cuda" if trains_on_gpu() else "cpu"
    return job_size(study, configuration_of(wildcards), stage, SIZES[study.name], device, attempt)


def memory_mb_of(stage):
    """What a job asks of a cluster for, more at each attempt."""

    def memory_mb(wildcards, attempt):
        return job_size_of(stage, wildcards, attempt).memory_mb

    return memory_mb


def minutes_of(stage):
    """As `memory_mb_of`."""

    def minutes(wildcards, attempt):
        return job_size_of(stage, wildcards, attempt).minutes

    return minutes


def one_of(names):
    """A wildcard constraint: one of the names (nothing where there are none)."""
    return "|".join(names) if names else "(?!)"


def studies_by_tables():
    """The names of the studies that measure the same tables."""
    found = {}
    for study in CONFIG.studies:
        found.setdefault(tuple(contents.measured_tables(study)), []).append(study.name)
    return found


def tables_of_configurations(wildcards):
    study = study_of(wildcards)
    files = layout.StudyFiles.of(study.name)
    return [
        str(files.table_of(table, identifier))
        for table in [*contents.TRAINING_TABLES, *study.analyses.enabled()]
        for identifier in identifiers(study)
    ]


def predictions_of_configurations(wildcards):
    """What the kept nets of every configuration predict for the test samples."""
    study = study_of(wildcards)
    return [str(layout.StudyFiles.of(study.name).predictions(identifier)) for identifier in identifiers(study)]


def table_of(wildcards, name):
    """A collected table."""
    return layout.StudyFiles.of(wildcards.study).table(name)


def scored_tables(wildcards):
    """What the scorecard is made from, as far as the study measures it."""
    measured = contents.measured_tables(study_of(wildcards))
    return [str(table_of(wildcards, table)) for table in contents.SCORED_TABLES if table in measured]


def diagnosed_tables(wildcards):
    """What the diagnosis is made from, as far as the study measures it."""
    measured = study_of(wildcards).analyses.enabled()
    return [str(table_of(wildcards, table)) for table in contents.DIAGNOSED_TABLES if table in measured]


def diagnosis_thresholds(wildcards):
    return study_of(wildcards).diagnosis.model_dump(mode="json", exclude={"enabled"})


def study_settings(wildcards):
    return study_of(wildcards).model_dump(mode="json")


def chart_names(wildcards):
    return [chart.name for chart in charts_of(study_of(wildcards))]


def chart_tables(wildcards):
    names = {"accuracy"} | {table for chart in charts_of(study_of(wildcards)) for table in chart.tables}
    return [str(table_of(wildcards, table)) for table in sorted(names)]


def inspector_table(wildcards):
    """The table behind the page's look into a node, where the study has it."""
    has = has_inspector_table(study_of(wildcards))
    return [str(table_of(wildcards, INSPECTOR_TABLE))] if has else []


def chart_options(_):
    return CONFIG.charts.model_dump(mode="json")


def dataset_description(wildcards):
    return layout.description_path(study_of(wildcards).dataset).as_posix()


# --- of Snakemake's own report ---


def figure_captions(wildcards):
    return FigureTexts(str(layout.StudyFiles.of(wildcards.study).figure_index))


def figure_section(wildcards):
    return figure_captions(wildcards).entry(wildcards.figure)["section"]


def figure_labels(wildcards):
    texts = figure_captions(wildcards)
    return {"figure": texts.title(wildcards.figure), "published as": texts.entry(wildcards.figure)["reference"]}


# --- targets ---


def identifiers(study):
    return [configuration.identifier for configuration in configurations_of(study)]


def all_tables(_):
    return [
        str(layout.StudyFiles.of(study.name).table(table, suffix))
        for study in CONFIG.studies
        for table in contents.table_names(study)
        for suffix in ("parquet", "csv")
    ]


def all_tables_of_configurations(_):
    """Targets too, so that one that was deleted is measured again."""
    return [
        str(layout.StudyFiles.of(study.name).table_of(table, identifier))
        for study in CONFIG.studies
        for table in [*contents.training_tables(study), *study.analyses.enabled()]
        for identifier in identifiers(study)
    ]


def per_configuration(pattern):
    """A target function: the pattern for every configuration of every study."""

    def targets(_):
        return [
            pattern.format(study=study.name, configuration=identifier)
            for study in CONFIG.studies
            for identifier in identifiers(study)
        ]

    return targets


# --- how a run ends ---


STARTED = time.time()


PAGE = layout.page_path()


def report_success():
    is_new = PAGE.is_file() and PAGE.stat().st_mtime >= STARTED - 1
    divergence = divergence_report(CONFIG.studies, "results", 0 if is_new else STARTED - 1)
    if said := run_end.on_success(PAGE, divergence, is_new=is_new):
        print(said)


def report_failure(log_file):
    print(run_end.on_failure(PAGE, STARTED, list(log_file)))
