"""What a study has: its tables, and the jobs that make them. Imports nothing heavy."""

from pathlib import PurePath
from typing import TYPE_CHECKING

from nodescope.analyses import JOBS, registered
from nodescope.study.configurations import configurations_of
from nodescope.study.layout import RESULTS, StudyFiles
from nodescope.works.registry import WORKS

if TYPE_CHECKING:
    from nodescope.config.study import Study

#: Tables that training gives, and the one that it gives where it is asked for.
TRAINING_TABLES = ("learning_curves", "accuracy", "replicas")
PATTERN_EVOLUTION_TABLE = "pattern_evolution"
#: The names of the classes, which other tables know by their numbers.
CLASSES_TABLE = "classes"
#: Tables that compare the others with the published works, and those that they are made from.
SCORE_TABLES = ("scorecard", "claims", "differences")
SCORED_TABLES = tuple(dict.fromkeys(table for work in WORKS.values() for table in work.tables))
#: Tables that say what ails the layers and what helps, and those that they are made from.
DIAGNOSIS_TABLES = ("diagnosis", "remedies")
DIAGNOSED_TABLES = ("gradients", "dead_nodes", "statistics")
#: Table that holds every configuration against the best.
COMPARISON_TABLE = "comparisons"


def analyses_of_job(study: "Study", job: str) -> tuple[str, ...]:
    """What the study wants of a job of `nodescope.analyses.JOBS`."""
    return tuple(name for name in study.analyses.enabled() if registered()[name].job == job)


def analysis_jobs(study: "Study") -> dict[str, tuple[str, ...]]:
    """The jobs that measure a configuration of the study, and what each makes."""
    wanted = {job: analyses_of_job(study, job) for job in JOBS}
    return {job: analyses for job, analyses in wanted.items() if analyses}


def jobs_done(study: "Study", configuration: str, results: str | PurePath = RESULTS) -> dict[str, bool]:
    """For each job of a configuration whether its outputs are there."""
    files = StudyFiles.of(study.name, results)
    measured = {
        job: all(files.table_of(name, configuration).is_file() for name in analyses)
        for job, analyses in analysis_jobs(study).items()
    }
    done = {"train": files.table_of(TRAINING_TABLES[-1], configuration).is_file()}
    if is_recorded(study):
        # Recordings may be deleted after the last analysis.
        done["record"] = files.activations(configuration).is_dir() or all(measured.values())
    return {**done, **measured}


def is_recorded(study: "Study") -> bool:
    """Whether any analysis of the study looks at recorded activations."""
    return any(not registered()[name].of_networks for name in study.analyses.enabled())


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
    return study.training.epochs > 0 and len(configurations_of(study)) > 1


def is_diagnosed(study: "Study") -> bool:
    """Whether the study has what the diagnosis is made from, and wants it."""
    return study.diagnosis.enabled and not set(DIAGNOSED_TABLES).isdisjoint(study.analyses.enabled())


def measured_tables(study: "Study") -> list[str]:
    """The collected tables that training and analyses give."""
    analyses = study.analyses.enabled()
    of_analyses = [summary.table.name for name in analyses for summary in registered()[name].summaries]
    return [*training_tables(study), *analyses, *of_analyses]
