"""What every job of the workflow does first and last: logging, and errors that people can read."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nodescope.errors import NodescopeError
from nodescope.interruption import interruptible


@contextmanager
def job(log_path: str, title: str) -> Iterator[None]:
    """Run a job's work: log to the terminal and to its log file; say what went wrong in words.

    Parameters
    ----------
    log_path
        The job's log file; a traceback goes there.
    title
        What the job does, for messages.
    """
    # A log that cannot be written (a full disk) must not hide what else there is to say.
    logging.raiseExceptions = False
    Path(log_path).parent.mkdir(parents=True, exist_ok=True)
    to_file = logging.FileHandler(log_path, mode="w", encoding="utf-8")
    to_file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    to_terminal = logging.StreamHandler(sys.stderr)
    to_terminal.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger("nodescope")
    root.setLevel(logging.INFO)
    root.handlers = [to_file, to_terminal]
    try:
        with interruptible():
            yield
    except NodescopeError as error:
        root.error("%s failed.\n%s", title, error)
        sys.exit(1)
    except Exception as error:
        with suppress(OSError):
            print(traceback.format_exc(), file=to_file.stream, flush=True)
        root.error("%s failed: %s: %s\nThe traceback stands in %s.", title, type(error).__name__, error, log_path)
        sys.exit(1)
    finally:
        with suppress(OSError):
            to_file.close()
