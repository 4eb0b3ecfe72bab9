"""Hooks that are there for a while."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from torch.utils.hooks import RemovableHandle


@contextmanager
def hooked(handles: Iterable[RemovableHandle]) -> Iterator[None]:
    """Keep hooks for the length of a block; afterwards they are removed, whatever happens.

    Parameters
    ----------
    handles
        What registering them gives. From a generator, which registers them one by one, those before one that fails are
        removed too.
    """
    with ExitStack() as stack:
        for handle in handles:
            stack.callback(handle.remove)
        yield
