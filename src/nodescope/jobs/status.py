"""How far a study is: which jobs are done, running, failed (why, and where the log is) or missing.

Read from the files that jobs leave: their outputs and their logs (`nodescope.jobs.job`). Whether an output is still up to
date after a change of the configuration is Snakemake's to say (``snakemake -n``).
"""

import os
import platform
import re
import time
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nodescope.jobs.job import DONE, SECONDS_BETWEEN_SIGNS_OF_LIFE, STARTED
from nodescope.study.configurations import configurations_of
from nodescope.study.contents import jobs_done
from nodescope.study.layout import RESULTS, dataset_log_path, log_path

if TYPE_CHECKING:
    from nodescope.config.root import Config
    from nodescope.config.study import Study

State = Literal["done", "running", "failed", "missing"]
STATES: tuple[State, ...] = ("done", "running", "failed", "missing")

#: Jobs of a whole study, after those of its configurations.
STAGES_OF_STUDY = ("collect", "compare", "diagnose", "score", "find", "charts")

#: A log of another machine that is older than this is that of a job that is no more; file systems show changes late.
SECONDS_TO_SILENCE = 6 * SECONDS_BETWEEN_SIGNS_OF_LIFE

_STAMP = r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ "
_STARTED = re.compile(
    _STAMP + "INFO " + STARTED.format(host="(?P<host>.*)", process=r"(?P<process>\d+)") + "$", re.MULTILINE
)
_DONE = re.compile(_STAMP + f"INFO {DONE}$", re.MULTILINE)
_ERROR = re.compile(
    _STAMP + r"ERROR .*? failed(?:\.\n|: )(?P<cause>.*?)(?:\nThe traceback is in .*)?\Z", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class JobStatus:
    """One job of a study.

    Attributes
    ----------
    study : str
    configuration : str
        Its identifier; empty for jobs of the whole study, of which only those that failed are listed.
    stage : str
        ``train``, ``record``, or of `nodescope.analyses.JOBS`; for the whole study also ``datasets`` and
        `STAGES_OF_STUDY`.
    state : {'done', 'running', 'failed', 'missing'}
    cause : str
        Why it failed, else empty.
    log : str
        Path of its log where there is one, else empty.
    """

    study: str
    configuration: str
    stage: str
    state: State
    cause: str
    log: str


def study_status(study: "Study", project: str | Path = ".") -> list[JobStatus]:
    """Every job of a study's configurations, and the failed ones of the study as a whole.

    Parameters
    ----------
    study
        As configured.
    project
        The folder that holds ``results`` and ``logs``.
    """
    project = Path(project)
    found = []
    for configuration in configurations_of(study):
        identifier = configuration.identifier
        outputs = jobs_done(study, identifier, project / RESULTS)
        for stage, there in outputs.items():
            log = log_path(project, study.name, stage, identifier)
            found.append(_status(study.name, identifier, stage, log, there, project))
    whole = [("datasets", dataset_log_path(project, study.dataset))]
    whole += [(stage, log_path(project, study.name, stage)) for stage in STAGES_OF_STUDY]
    of_whole = [_status(study.name, "", stage, path, False, project) for stage, path in whole]
    return [status for status in of_whole if status.state == "failed"] + found


def describe_status(config: "Config", project: str | Path = ".") -> str:
    """The status of all studies in words."""
    lines = []
    for study in config.studies:
        jobs = study_status(study, project)
        counts = Counter(job.state for job in jobs)
        total = sum(counts.values())
        lines.append(
            f"Study {study.name}: {counts['done']} of {total} jobs done"
            + "".join(f", {counts[state]} {state}" for state in STATES[1:] if counts[state])
        )
        for identifier, of_one in groupby(jobs, key=lambda job: job.configuration):
            by_state: dict[str, list[str]] = {}
            for job in of_one:
                by_state.setdefault(job.state, []).append(job.stage)
            if identifier and set(by_state) != {"done"}:
                parts = [
                    f"{state}: {', '.join(by_state[state]) if len(by_state) > 1 else 'all'}"
                    for state in STATES
                    if state in by_state
                ]
                lines.append(f"  {identifier}  {'; '.join(parts)}")
        for job in jobs:
            if job.state == "failed":
                lines += [f"  failed: {job.stage} {job.configuration}".rstrip(), f"    cause  {_indented(job.cause)}"]
                lines += [f"    log    {job.log}"]
        lines.append("")
    lines.append(
        "Done means that the result exists. `snakemake -n` lists results that are outdated by a change of the "
        "configuration."
    )
    return "\n".join(lines)


def _indented(text: str) -> str:
    return text.replace("\n", "\n           ")


def _status(study: str, configuration: str, stage: str, log: Path, there: bool, project: Path) -> JobStatus:  # noqa: FBT001
    state, cause = _read_log(log)
    if there and state != "running" and (stage != "record" or state in ("done", "missing")):
        state, cause = "done", ""
    elif state == "done":  # its output was deleted since
        state = "missing"
    shown = log.relative_to(project).as_posix() if log.is_file() else ""
    return JobStatus(study, configuration, stage, state, cause, shown)


def _read_log(path: Path) -> tuple[State, str]:
    """What a job's log says of it; a job that left no last word was killed."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        silent_s = abs(time.time() - path.stat().st_mtime)
    except OSError:
        return "missing", ""
    if _DONE.search(text):
        return "done", ""
    error = _ERROR.search(text)
    if error:
        return "failed", error["cause"].strip()
    started = _STARTED.search(text)
    here = started is not None and started["host"] == platform.node()
    if started and silent_s < SECONDS_TO_SILENCE and (not here or _is_alive(int(started["process"]))):
        return "running", ""
    return "failed", "It ended without a message: it was killed, ran out of memory or time, or its machine is gone."


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
