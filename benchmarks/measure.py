"""Run each side of a comparison in a process of its own, and say how long it took and how much memory."""

import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: As the workflow's jobs have it; libraries read it when they are loaded. PyTorch's threads are set by each side.
ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Measured:
    """What one side took.

    Attributes
    ----------
    seconds : float
        The shortest of the repetitions.
    peak_mb : float
        Largest resident memory of the process, with its imports and data, and of its largest child.
    result : Any
        What the work gave, to be held against the other side's.
    """

    seconds: float
    peak_mb: float
    result: Any


@dataclass(frozen=True)
class Row:
    """One line of the table: ours against a rival on the same work."""

    name: str
    what: str
    rival: str
    reach: str
    ours: Measured
    theirs: Measured
    reached: bool | None
    remark: str = ""

    @property
    def ratio(self) -> float:
        """How many times faster ours is; not a number if the rival is not installed."""
        return self.theirs.seconds / self.ours.seconds


#: Of a rival that is not installed.
NOT_MEASURED = Measured(float("nan"), float("nan"), None)


def side(work: Callable[..., tuple[Callable[[], Any], Callable[[Any], Any]]], *args: Any, repeat: int = 3) -> Measured:
    """Measure one side in a fresh process with one thread.

    Parameters
    ----------
    work
        A module-level function; it prepares and gives the function to be timed, and one that makes a small result
        of what that gives (not timed).
    repeat
        Repetitions; with more than one, a first run that does not count goes before them.
    """
    context = multiprocessing.get_context("spawn")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=_in_process, args=(send, work, args, repeat))
    os.environ.update(ONE_THREAD)
    process.start()
    send.close()
    try:
        measured: Measured = receive.recv()
    except EOFError:
        raise RuntimeError(f"{work.__name__}{args} failed; its message stands above") from None
    finally:
        process.join()
    return measured


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_process(send: Any, work: Callable[..., Any], args: tuple[Any, ...], repeat: int) -> None:
    timed, summarise = work(*args)
    if repeat > 1:
        timed()
    seconds, made = float("inf"), None
    for _ in range(repeat):
        started = time.perf_counter()
        made = timed()
        seconds = min(seconds, time.perf_counter() - started)
    send.send(Measured(seconds, _peak_mb(), summarise(made)))
    send.close()


def _peak_mb() -> float:
    """Peak memory of this process and of its largest child; ``ru_maxrss`` of a process itself begins at its parent's."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
        own = float(line.split()[1])
    else:
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024
