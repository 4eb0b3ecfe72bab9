"""Snakemake's logger plugin ``nodescope``: what `nodescope.jobs.progress` shows, in place of Snakemake's lists of jobs.

Snakemake finds plugins by the name of their package.
"""

import logging
import sys
import time

from snakemake.logging import DefaultFormatter
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

from nodescope.jobs.progress import Display, failure

#: What Snakemake says between jobs that helps nobody who looks at a run.
UNSAID = frozenset(
    {
        LogEvent.SHELLCMD, LogEvent.GROUP_INFO, LogEvent.RESOURCES_INFO, LogEvent.DEBUG_DAG, LogEvent.RULEGRAPH,
        LogEvent.WORKFLOW_STARTED, LogEvent.JOB_STARTED,
    }
)  # fmt: skip


class LogHandler(LogHandlerBase):
    """Snakemake's messages as the progress of a run; those of a dry run as Snakemake writes them."""

    def __post_init__(self) -> None:
        self._stream = sys.stdout if self.common_settings.stdout else sys.stderr
        self._display = Display(self._stream)
        self._as_usual = DefaultFormatter(self.common_settings.quiet, self.common_settings.show_failed_logs)

    def emit(self, record: logging.LogRecord) -> None:
        """Show a message of Snakemake."""
        try:
            if self.common_settings.dryrun:
                if record.levelno >= logging.INFO and (text := self._as_usual.format(record)):
                    print(text, file=self._stream, flush=True)
            else:
                self._show(record)
        except Exception:
            self.handleError(record)

    def _show(self, record: logging.LogRecord) -> None:
        event, display, now = getattr(record, "event", None), self._display, time.monotonic()
        said = record.__dict__
        if event == LogEvent.RUN_INFO:
            display.begin({rule: n for rule, n in said["stats"].items() if rule != "total"}, now)
        elif event == LogEvent.JOB_INFO:
            display.progress.start(said["jobid"], said["rule_name"], said["wildcards"] or {}, said["log"] or [], now)
            display.update(now)
        elif event == LogEvent.JOB_FINISHED:
            display.progress.finish(said["job_id"], now)
            display.update(now)
        elif event == LogEvent.JOB_ERROR:
            if (job := display.progress.fail(said["jobid"])) is not None:
                display.say(failure(job))
        elif event == LogEvent.PROGRESS:
            if said["done"] == said["total"]:
                display.end()
        elif event not in UNSAID and record.levelno >= logging.WARNING and (text := self._as_usual.format(record)):
            display.say(text)

    def close(self) -> None:
        """The run has ended."""
        self._display.end()
        super().close()

    @property
    def writes_to_stream(self) -> bool:
        """It takes the place of what Snakemake writes."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """Snakemake keeps its own log."""
        return False

    @property
    def has_filter(self) -> bool:
        """It chooses by itself."""
        return True

    @property
    def has_formatter(self) -> bool:
        """It writes by itself."""
        return True

    @property
    def needs_rulegraph(self) -> bool:
        """It counts jobs alone."""
        return False
