"""What every job of the workflow does first and last: logging, and errors that people can read.

The job's log also says to others how the job is (`nodescope.jobs.status`): its first line names the machine and the
process, its time of change is renewed while the job lives, and it ends with ``done`` or with an error.
"""

import logging
import os
import platform
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nodescope.jobs import progress
from nodescope.jobs.interruption import interruptible
from nodescope.jobs.records import write_record
from nodescope.jobs.warm import run_in_server
from nodescope.messages.errors import NodescopeError

LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"
STARTED = "started on {host}, process {process}"
DONE = "done"

SECONDS_BETWEEN_SIGNS_OF_LIFE = 20.0


@contextmanager
def job(log_path: str, title: str) -> Iterator[None]:
    """Run a job's work: log to the terminal and to its log file; say what went wrong in words.

    Where another process has the large libraries loaded, the job runs there (`nodescope.jobs.warm`), and this one waits for
    it and ends. What the job took is written beside the results (`nodescope.jobs.records`).

    A job whose Snakemake has died stops as if it were asked to, since the next Snakemake would start it beside itself.

    Parameters
    ----------
    log_path
        The job's log file; a traceback goes there.
    title
        What the job does, for messages.
    """
    if (status := run_in_server()) is not None:
        if status < 0:
            with suppress(OSError):  # of signals that cannot be handled
                signal.signal(-status, signal.SIG_DFL)
            os.kill(os.getpid(), -status)
        sys.exit(status)
    # A log that cannot be written (a full disk) must not hide what else there is to say.
    logging.raiseExceptions = False
    Path(log_path).parent.mkdir(parents=True, exist_ok=True)
    to_file = logging.FileHandler(log_path, mode="w", encoding="utf-8")
    to_file.setFormatter(logging.Formatter(LOG_FORMAT))
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger("nodescope")
    root.setLevel(logging.INFO)

    def note(text: str) -> None:
        """A line for the log alone."""
        to_file.handle(root.makeRecord(root.name, logging.INFO, __file__, 0, text, (), None))

    note(STARTED.format(host=platform.node(), process=os.getpid()))
    # Where lines are drawn in place, they are made from the logs.
    root.handlers = [to_file] if os.environ.get(progress.VARIABLE) == progress.LIVE else [to_file, to_terminal]
    ended, began = threading.Event(), time.perf_counter()
    threading.Thread(target=_show_life, args=(log_path, os.getppid(), ended), daemon=True).start()
    try:
        with interruptible():
            yield
        note(DONE)
        write_record(log_path, time.perf_counter() - began)
    except NodescopeError as error:
        root.error("%s failed.\n%s", title, error)
        sys.exit(1)
    except Exception as error:
        with suppress(OSError):
            print(traceback.format_exc(), file=to_file.stream, flush=True)
        root.error("%s failed: %s: %s\nThe traceback is in %s.", title, type(error).__name__, error, log_path)
        sys.exit(1)
    finally:
        ended.set()
        with suppress(OSError):
            to_file.close()


def settings(params: Mapping[str, Any]) -> dict[str, Any]:
    """The params of a rule that its stage takes: all but ``code``, which only tells Snakemake when to run the job again."""
    return {name: value for name, value in params.items() if name != "code"}


def _show_life(log_path: str, parent: int, ended: threading.Event) -> None:
    """Renew the log's time of change now and then; stop the job when its parent has died."""
    beats = 0
    while not ended.wait(1.0):
        beats += 1
        if beats % SECONDS_BETWEEN_SIGNS_OF_LIFE == 0:
            with suppress(OSError):
                os.utime(log_path)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
            return
