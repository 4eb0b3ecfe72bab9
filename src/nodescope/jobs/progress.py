"""What a run says while it runs: how far it is, what each running job does, and what failed.

On a terminal a block of lines is drawn anew in place, one for each running job; elsewhere a line is written now and then.
Snakemake calls it through its logger plugin ``nodescope`` (``snakemake --logger nodescope``). What a job does is read from the end
of its log, so that it is known of jobs on other machines too.
"""

import os
import re
import shutil
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

#: Set while the lines of a terminal are drawn: jobs then write to their logs alone.
VARIABLE = "NODESCOPE_PROGRESS"
LIVE = "live"

SECONDS_BETWEEN_DRAWINGS = 0.5
#: Where lines are not drawn in place, one is written for each such share of the jobs.
SHARE_BETWEEN_LINES = 0.1
#: Jobs that have a line of their own, at most.
MOST_JOBS = 12
#: Bytes at the end of a log that are looked at, and lines of an error that are shown.
TAIL, ERROR_LINES = 8192, 12

#: A line of a log, see `nodescope.jobs.job.LOG_FORMAT`.
LOGGED = re.compile(r"^\d{4}-\d\d-\d\d [\d:,]+ ([A-Z]+) (.*)$")

ERASE_BLOCK = "\x1b[{lines}A\x1b[0J"


@dataclass
class RunningJob:
    """A job that runs."""

    rule: str
    name: str
    log: str
    began: float


@dataclass
class RunProgress:
    """How far a run is.

    Attributes
    ----------
    planned : counter
        Jobs by rule.
    began : float
        When, as all times here in seconds of one clock.
    """

    planned: Counter[str] = field(default_factory=Counter)
    began: float = 0.0
    running: dict[int, RunningJob] = field(default_factory=dict)
    failed: dict[int, RunningJob] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def start(self, number: int, rule: str, wildcards: Mapping[str, str], log: Sequence[str], now: float) -> None:
        """A job begins."""
        name = "/".join(str(value) for value in wildcards.values())
        self.failed.pop(number, None)  # which is tried again
        self.running[number] = RunningJob(rule, name, log[0] if log else "", now)

    def finish(self, number: int, now: float) -> None:
        """A job has ended well."""
        job = self.running.pop(number, None)
        if job is not None:
            self.done[job.rule] += 1
            self.seconds[job.rule] += now - job.began

    def fail(self, number: int) -> RunningJob | None:
        """A job has failed; None where it is not known, or was said before."""
        job = self.running.pop(number, None)
        if job is not None:
            self.failed[number] = job
        return job

    @property
    def total(self) -> int:
        """All jobs that are planned."""
        return sum(self.planned.values())

    def seconds_left(self, now: float) -> float | None:
        """A guess from how long jobs of the same rule took; None until half of the rules were seen."""
        known = {rule for rule in self.planned if self.done[rule]}
        if not self.running or not known or 2 * len(known) < len(self.planned):
            return None
        mean = sum(self.seconds.values()) / sum(self.done.values())
        left = 0.0
        for rule, planned in self.planned.items():
            each = self.seconds[rule] / self.done[rule] if rule in known else mean
            begun = [min(now - job.began, each) for job in self.running.values() if job.rule == rule]
            left += max(0.0, (planned - self.done[rule]) * each - sum(begun))
        return left / len(self.running)

    def headline(self, now: float) -> str:
        """The run in one line."""
        parts = [f"{sum(self.done.values())} of {self.total} jobs done"]
        if self.failed:
            parts.append(f"{len(self.failed)} failed")
        if self.running:
            parts.append(f"{len(self.running)} running")
        parts.append(duration(now - self.began))
        left = self.seconds_left(now)
        if left is not None:
            parts.append(f"about {duration(left)} left")
        return ", ".join(parts)

    def lines(self, now: float, width: int) -> list[str]:
        """The run, and each running job: what it is, for how long it runs, and what its log says last."""
        jobs = sorted(self.running.values(), key=lambda job: job.began)
        shown = jobs[:MOST_JOBS]
        names = max((len(f"{words(job.rule)} {job.name}".rstrip()) for job in shown), default=0)
        lines = [self.headline(now)]
        for job in shown:
            name = f"{words(job.rule)} {job.name}".rstrip()
            lines.append(
                f"  {name:{names}}  {duration(now - job.began):>6}  {_without_name(last_message(job.log), job.name)}"
            )
        if len(jobs) > len(shown):
            lines.append(f"  and {len(jobs) - len(shown)} more")
        return [line if len(line) < width else line[: max(0, width - 2)] + "…" for line in lines]


def words(rule: str) -> str:
    """A rule in words.

    >>> words("draw_charts")
    'draw charts'
    """
    return rule.replace("_", " ")


def duration(seconds: float) -> str:
    """A time in few letters.

    >>> duration(5.4), duration(192), duration(7260)
    ('5 s', '3 min', '2 h 1')
    """
    whole = round(max(0.0, seconds))
    if whole < 100:
        return f"{whole} s"
    if whole < 6000:
        return f"{round(whole / 60)} min"
    return f"{whole // 3600} h {whole % 3600 // 60}"


def _tail(path: str) -> list[str]:
    if not path:
        return []
    with suppress(OSError), Path(path).open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
        return file.read().decode("utf-8", errors="replace").splitlines()
    return []


def last_message(log: str) -> str:
    """What a job's log says last; empty where it says nothing yet."""
    found = [match[2] for line in _tail(log) if (match := LOGGED.match(line))]
    return "" if not found or found[-1].startswith("started on ") else found[-1]


def error_in(log: str) -> list[str]:
    """The last error in a job's log, as people read it."""
    lines = _tail(log)
    places = [place for place, line in enumerate(lines) if (match := LOGGED.match(line)) and match[1] == "ERROR"]
    if not places:
        return []
    first = LOGGED.match(lines[places[-1]])
    assert first is not None
    return [first[2], *lines[places[-1] + 1 :]][:ERROR_LINES]


def _without_name(message: str, name: str) -> str:
    """A message without the name of its job, which stands before it."""
    return message.removeprefix(f"{name}: ").removeprefix(f"{name}, ")


def failure(job: RunningJob) -> str:
    """What is said of a job that failed."""
    said = [f"{words(job.rule)} {job.name}".rstrip() + " failed", *(f"    {line}" for line in error_in(job.log))]
    return "\n".join([*said, *([f"    log: {job.log}"] if job.log else [])])


class Display:
    """Writes the progress of a run to a stream.

    Parameters
    ----------
    stream
        What is drawn in place, where it is a terminal.
    """

    def __init__(self, stream: TextIO) -> None:
        self.progress = RunProgress()
        self._stream = stream
        self._is_live = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._drawn = 0
        self._written = 0
        self._lock = threading.RLock()
        self._ended = threading.Event()

    def begin(self, planned: Mapping[str, int], now: float) -> None:
        """The run begins; jobs are counted by rule."""
        with self._lock:
            self.progress.planned, self.progress.began = Counter(planned), now
            if self._is_live:
                os.environ[VARIABLE] = LIVE
                threading.Thread(target=self._keep_drawing, daemon=True).start()
            else:
                self.say(f"{self.progress.total} jobs")

    def say(self, text: str) -> None:
        """Write something that stays."""
        with self._lock:
            self._erase()
            print(text, file=self._stream, flush=True)
            self._draw()

    def update(self, now: float) -> None:
        """Something has changed."""
        with self._lock:
            progress = self.progress
            done = sum(progress.done.values())
            if self._is_live:
                self._erase()
                self._draw()
            elif done >= self._written + max(1.0, SHARE_BETWEEN_LINES * progress.total) or done == progress.total:
                self._written = done
                self.say(progress.headline(now))

    def end(self) -> None:
        """Nothing is drawn any more."""
        with self._lock:
            self._ended.set()
            self._erase()
            os.environ.pop(VARIABLE, None)

    def _keep_drawing(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_DRAWINGS):
            with self._lock:
                if not self._ended.is_set():
                    self._erase()
                    self._draw()

    def _erase(self) -> None:
        if self._drawn:
            self._stream.write(ERASE_BLOCK.format(lines=self._drawn))
            self._drawn = 0

    def _draw(self) -> None:
        if self._is_live and not self._ended.is_set() and self.progress.total:
            lines = self.progress.lines(time.monotonic(), shutil.get_terminal_size().columns)
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
            self._drawn = len(lines)
