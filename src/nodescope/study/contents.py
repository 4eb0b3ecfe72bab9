"""What a study has: its tables, and the jobs that make them. Imports nothing heavy."""

from pathlib import PurePath
from typing import TYPE_CHECKING

from nodescope.analyses import EVERYTHING, JOBS, reason_to_leave_out, registered, tables_made_by
from nodescope.config.dataset import Recorded
from nodescope.config.study import FamilyStudy, JoinedStudy, ModuleStudy, RecordingsStudy
from nodescope.study.configurations import configurations_of, is_trained
from nodescope.study.layout import RESULTS, StudyFiles
from nodescope.works.registry import WORKS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from nodescope.config.study import Study

#: Tables that training gives, and the one that it gives where it is asked for.
TRAINING_TABLES = ("learning_curves", "accuracy", "replicas")
PATTERN_EVOLUTION_TABLE = "pattern_evolution"
#: The names of the classes, which other tables know by their numbers.
CLASSES_TABLE = "classes"
#: The job that gives them: training, or a summary of what was found of each network while it was recorded.
MAKING_JOBS = {FamilyStudy: "train", ModuleStudy: "describe", RecordingsStudy: "describe", JoinedStudy: "join"}
#: Tables that compare the others with the published works, and those that they are made from.
SCORE_TABLES = ("scorecard", "claims", "differences")
SCORED_TABLES = tuple(dict.fromkeys(table for work in WORKS.values() for table in work.tables))
#: Tables that say what ails the layers and what helps, and those that they are made from.
DIAGNOSIS_TABLES = ("diagnosis", "remedies")
DIAGNOSED_TABLES = ("gradients", "dead_nodes", "statistics")
#: Table that holds every configuration against the best.
COMPARISON_TABLE = "comparisons"
#: Table of what samples look like that other tables name.
SAMPLES_TABLE = "samples"


def analyses_of_job(study: "Study", job: str) -> tuple[str, ...]:
    """What the study wants of a job of `nodescope.analyses.JOBS`."""
    return tuple(name for name in analyses_of(study) if registered()[name].job == job)


def analyses_of(study: "Study", dataset: "Mapping[str, Any] | None" = None) -> list[str]:
    """The analyses that the study wants and can have; parameters as of `analyses_left_out`."""
    missing = analyses_left_out(study, dataset)
    return [name for name in study.analyses.enabled() if name not in missing]


def analyses_left_out(study: "Study", dataset: "Mapping[str, Any] | None" = None) -> dict[str, str]:
    """The analyses that the study wants and cannot have, and why; of joined studies, those that any of them has not.

    Parameters
    ----------
    dataset
        The description of its prepared data: before that is known, the data may have all that any has.
    """
    if isinstance(study, JoinedStudy):
        lacking = [analyses_left_out(part, dataset) for part in study.parts]
        unwanted = dict.fromkeys(
            (name for part in study.parts for name in study.analyses.enabled() if name not in part.analyses.enabled()),
            "not all of the joined studies have it",
        )
        reasons = {name: reason for missing in (*lacking, unwanted) for name, reason in missing.items()}
        return {name: reason for name, reason in reasons.items() if name in study.analyses.enabled()}
    has = {*EVERYTHING}
    if isinstance(study, RecordingsStudy):
        has.discard("network")
    if dataset is not None and len(dataset["classes"]) < 2:
        has.discard("classes")
    if dataset is not None and "train" not in dataset["splits"]:
        has.discard("training samples")
    reasons = {name: reason_to_leave_out(registered()[name], has) for name in study.analyses.enabled()}
    return {name: reason for name, reason in reasons.items() if reason}


def follows_patterns(study: "Study") -> bool:
    """Whether patterns are followed through training."""
    if isinstance(study, JoinedStudy):
        return all(map(follows_patterns, study.parts))
    return isinstance(study, FamilyStudy) and study.pattern_evolution is not None


def analysis_jobs(study: "Study") -> dict[str, tuple[str, ...]]:
    """The jobs that measure a configuration of the study, and what each makes."""
    if isinstance(study, JoinedStudy):
        return {}
    wanted = {job: analyses_of_job(study, job) for job in JOBS}
    return {job: analyses for job, analyses in wanted.items() if analyses}


def jobs_done(study: "Study", configuration: str, results: str | PurePath = RESULTS) -> dict[str, bool]:
    """For each job of a configuration whether its outputs are there."""
    files = StudyFiles.of(study.name, results)
    measured = {
        job: all(files.table_of(name, configuration).is_file() for name in tables_made_by(analyses))
        for job, analyses in analysis_jobs(study).items()
    }
    made = {MAKING_JOBS[type(study)]: files.table_of(TRAINING_TABLES[-1], configuration).is_file()}
    if isinstance(study, JoinedStudy):
        return made
    # Recordings may be deleted after the last analysis.
    recorded = {"record": files.activations(configuration).is_dir() or all(measured.values())}
    if not isinstance(study, FamilyStudy):
        return {**recorded, **made, **measured}
    return {**made, **(recorded if is_recorded(study) else {}), **measured}


def is_recorded(study: "Study") -> bool:
    """Whether any analysis of the study looks at recorded activations."""
    return any(not registered()[name].of_networks for name in analyses_of(study))


def training_tables(study: "Study") -> list[str]:
    """The tables that training gives; of networks that users bring, what is known of their training."""
    return [*TRAINING_TABLES, *([PATTERN_EVOLUTION_TABLE] if follows_patterns(study) else [])]


def table_names(study: "Study") -> list[str]:
    """The collected tables of a study."""
    return [
        CLASSES_TABLE,
        *measured_tables(study),
        *((SAMPLES_TABLE,) if has_samples(study) else ()),
        *((COMPARISON_TABLE,) if is_compared(study) else ()),
        *(DIAGNOSIS_TABLES if is_diagnosed(study) else ()),
        *(SCORE_TABLES if study.works else ()),
    ]


def is_compared(study: "Study") -> bool:
    """Whether the study has networks whose accuracies can be compared: trained ones, of more than one configuration.

    They must have been tested on the same samples.
    """
    if isinstance(study, JoinedStudy) and any(part.dataset != study.dataset for part in study.parts):
        return False
    return is_trained(study) and len(configurations_of(study)) > 1


def naming_tables(study: "Study") -> list[str]:
    """The collected tables that name single samples, in a column ``sample``."""
    tables = [table for name in analyses_of(study) for table in registered()[name].tables]
    return [table.name for table in tables if any(column.name == "sample" for column in table.columns)]


def has_samples(study: "Study") -> bool:
    """Whether tables name samples that can be looked at: of one data set, which was prepared here."""
    parts = study.parts if isinstance(study, JoinedStudy) else (study,)
    is_prepared = all(part.dataset == study.dataset and not isinstance(part.dataset, Recorded) for part in parts)
    return is_prepared and bool(naming_tables(study))


def is_diagnosed(study: "Study") -> bool:
    """Whether the study has what the diagnosis is made from, and wants it."""
    return study.diagnosis.enabled and not set(DIAGNOSED_TABLES).isdisjoint(analyses_of(study))


def tables_of_configuration(study: "Study") -> list[str]:
    """The tables that training and analyses give of each configuration of a study."""
    return [*training_tables(study), *tables_made_by(analyses_of(study))]


def measured_tables(study: "Study") -> list[str]:
    """The collected tables that training and analyses give."""
    analyses = analyses_of(study)
    of_analyses = [summary.table.name for name in analyses for summary in registered()[name].summaries]
    return [*tables_of_configuration(study), *of_analyses]
