"""Keep what was made last, within a limit of memory."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Knows how much memory it takes."""

    @property
    def nbytes(self) -> int:
        """Bytes."""
        ...


HeldT = TypeVar("HeldT", bound=Sized)


class Held(Generic[HeldT]):
    """What was made last; what is beyond the limit is made again when it is asked for.

    Parameters
    ----------
    make
        From a key.
    limit
        Bytes. The last one made is kept however large it is.

    Examples
    --------
    >>> import numpy as np
    >>> zeros = Held(lambda n: print("made", n) or np.zeros(n), limit=100)
    >>> sum(len(zeros(n)) for n in (10, 2, 10, 3, 2))
    made 10
    made 2
    made 3
    made 2
    27
    """

    def __init__(self, make: Callable[..., HeldT], limit: int) -> None:
        self._make = make
        self._limit = limit
        self._held: OrderedDict[Hashable, HeldT] = OrderedDict()

    def __call__(self, *key: Hashable) -> HeldT:
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key]
        made = self._held[key] = self._make(*key)
        total = sum(one.nbytes for one in self._held.values())
        while total > self._limit and len(self._held) > 1:
            total -= self._held.popitem(last=False)[1].nbytes
        return made
