"""What a run says while it runs."""

import io
import logging
import re

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from nodescope.jobs import progress
from nodescope.jobs.progress import Display, RunProgress
from snakemake_logger_plugin_nodescope import LogHandler

LOG = """2026-11-27 12:00:00,001 INFO started on here, process 7
2026-11-27 12:00:01,001 INFO digits/relu-2x100, round 1 of 2 (9 nets): epoch 3 of 30, 20 s left
"""
FAILED = (
    LOG
    + """2026-11-27 12:00:02,001 ERROR Training failed.
The data set has no samples.
Hint: choose another one.
"""
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "relu-2x100.log"
    path.write_text(LOG, encoding="utf-8")
    return path


def begun(log, planned=("train", "train", "record", "all")):
    run = RunProgress(began=100.0)
    run.planned.update(planned)
    run.start(1, "train", {"study": "digits", "configuration": "relu-2x100"}, [str(log)], 100.0)
    return run


def test_a_running_job_has_a_line_with_what_its_log_says_last(log):
    headline, line = begun(log).lines(105.0, 120)
    assert headline == "0 of 4 jobs done, 1 running, 5 s"
    assert re.split(" {2,}", line)[1:] == [
        "train digits/relu-2x100",
        "5 s",
        "round 1 of 2 (9 nets): epoch 3 of 30, 20 s left",
    ]


def test_a_job_that_has_not_said_anything_or_has_no_log_has_a_line_too(log):
    log.write_text(LOG.splitlines()[0] + "\n", encoding="utf-8")
    run = begun(log)
    run.start(2, "all", {}, [], 101.0)
    assert [line.split() for line in run.lines(102.0, 120)[1:]] == [
        ["train", "digits/relu-2x100", "2", "s"], ["all", "1", "s"]
    ]  # fmt: skip


def test_lines_fit_the_terminal_and_many_jobs_are_counted(log):
    run = begun(log)
    for number in range(2, 30):
        run.start(number, "record", {"study": "digits"}, [str(log)], 101.0)
    lines = run.lines(200.0, 40)
    assert max(map(len, lines)) < 40 and len(lines) == progress.MOST_JOBS + 2
    assert lines[-1] == f"  and {29 - progress.MOST_JOBS} more"


def test_the_time_that_is_left_comes_from_jobs_of_the_same_rule(log):
    run = begun(log, ["train"] * 4 + ["record"] * 2)
    assert run.seconds_left(105.0) is None  # nothing is known yet
    run.finish(1, 110.0)
    run.start(2, "train", {}, [], 110.0)
    run.start(3, "record", {}, [], 110.0)
    # Three trainings of 10 s and two recordings, which may take as long; one of each has run 4 s, two run at a time
    assert run.seconds_left(114.0) == pytest.approx((3 * 10 - 4 + 2 * 10 - 4) / 2)
    run.finish(3, 112.0)
    assert run.seconds_left(114.0) == pytest.approx(3 * 10 - 4 + 2)


def test_a_failed_job_is_said_once_with_its_error_and_log(log):
    log.write_text(FAILED, encoding="utf-8")
    run = begun(log)
    said = progress.failure(run.fail(1))
    assert said.splitlines() == [
        "train digits/relu-2x100 failed",
        "    Training failed.",
        "    The data set has no samples.",
        "    Hint: choose another one.",
        f"    log: {log}",
    ]
    assert run.fail(1) is None and "1 failed" in run.headline(101.0)


def test_on_a_terminal_lines_are_drawn_in_place_and_gone_at_the_end(log, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_DRAWINGS", 60.0)
    stream = Terminal()
    display = Display(stream)
    display.begin({"train": 1, "all": 1}, 0.0)
    display.progress.start(1, "train", {"study": "digits"}, [str(log)], 0.0)
    display.update(0.0)
    display.say("something that stays")
    display.end()
    screen = shown(stream.getvalue())
    assert screen == ["something that stays"]


def shown(written):
    """What a terminal shows of lines that may be erased again."""
    lines = []
    for part in re.split(r"(\x1b\[\d+A\x1b\[0J)", written):
        if match := re.fullmatch(r"\x1b\[(\d+)A\x1b\[0J", part):
            del lines[len(lines) - int(match[1]) :]
        else:
            lines += part.splitlines()
    return lines


def test_without_a_terminal_a_line_is_written_for_each_tenth(log):
    stream = io.StringIO()
    display = Display(stream)
    display.begin({"train": 40}, 0.0)
    for number in range(40):
        display.progress.start(number, "train", {}, [], 0.0)
        display.progress.finish(number, 1.0)
        display.update(1.0)
    first, *lines = stream.getvalue().splitlines()
    assert first == "40 jobs" and len(lines) == 10
    assert lines[-1].startswith("40 of 40 jobs done")


class Settings:
    stdout, dryrun, quiet, show_failed_logs = False, False, None, False


def test_the_plugin_shows_a_run_from_snakemakes_messages(log, monkeypatch):
    log.write_text(FAILED, encoding="utf-8")
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    handler = LogHandler(Settings(), None)

    def emit(event, level=logging.INFO, text="", **fields):
        record = logging.LogRecord("snakemake", level, "", 0, text, (), None)
        record.__dict__.update(event=event, **fields)
        handler.emit(record)

    emit(LogEvent.WORKFLOW_STARTED, text="Snakemake ...")
    emit(LogEvent.RUN_INFO, stats={"train": 1, "all": 1, "total": 2})
    emit(LogEvent.JOB_INFO, jobid=1, rule_name="train", wildcards={"study": "digits"}, log=[str(log)])
    emit(LogEvent.JOB_ERROR, logging.ERROR, jobid=1)
    emit(None, logging.WARNING, "A word of warning")
    emit(None, logging.INFO, "Select jobs to execute...")
    handler.close()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "2 jobs" and "train digits failed" in lines and lines[-1] == "A word of warning"
    assert "    The data set has no samples." in lines and not any("Select" in line for line in lines)
