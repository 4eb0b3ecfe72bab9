"""A job that is asked to stop may first put its work away.

SLURM sends SIGTERM before it kills (at the end of a job's time, on scancel), Ctrl-C sends SIGINT.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from nodescope.messages.errors import NodescopeError

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Interrupted(NodescopeError):
    """The job was asked to stop."""


class StopRequest:
    """Whether the job has been asked to stop."""

    def __init__(self) -> None:
        self.signal_name: str | None = None

    def __bool__(self) -> bool:
        return self.signal_name is not None


def _interrupt(number: int, _: FrameType | None) -> None:
    # Only once: what follows is cleaning up, which a second request must not break off half-way.
    for number_of_signal in SIGNALS:
        signal.signal(number_of_signal, signal.SIG_IGN)
    raise Interrupted(f"The job was interrupted ({signal.Signals(number).name}). The next run repeats it.")


@contextmanager
def interruptible() -> Iterator[None]:
    """End the block with `Interrupted` when the job is asked to stop, so that nothing half-written stays behind."""
    previous = {number: signal.signal(number, _interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def stopping_politely() -> Iterator[StopRequest]:
    """Take note of the first request to stop instead of ending at once; a second one ends the block."""
    request = StopRequest()
    previous = {number: signal.getsignal(number) for number in SIGNALS}

    def take_note(number: int, _: FrameType | None) -> None:
        request.signal_name = signal.Signals(number).name
        for number_of_signal, handler in previous.items():
            signal.signal(number_of_signal, handler)

    for number in SIGNALS:
        signal.signal(number, take_note)
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
