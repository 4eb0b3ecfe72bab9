"""The families of networks that a study may use, with what can be checked of them before anything runs.

Imports no torch: the configuration and the plan look here, `nodescope.models` builds the networks.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """One family of networks.

    Attributes
    ----------
    name : str
        Its name in the configuration, in paths and in tables.
    title : str
        For the reader of a figure.
    takes_images : bool
        Whether a sample must have the shape (channel, row, column).
    depths : str
        Which depths there are, in words.
    has_depth : callable
        Whether a depth is one of them.
    """

    name: str
    title: str
    takes_images: bool
    depths: str
    has_depth: Callable[[int], bool]

    def problem_with_depth(self, depth: int) -> str | None:
        """Why there is no such depth, for people; None where there is."""
        return None if self.has_depth(depth) else f"{self.name} has no depth {depth}; allowed: {self.depths}"

    def problem_with_samples(self, shape: tuple[int, ...]) -> str | None:
        """Why the network cannot take samples of that shape, for people; None where it can."""
        if self.takes_images and len(shape) != 3:
            return (
                f"{self.name} needs images (channel, row, column), but a sample has the shape {shape}. "
                "Hint: use model mlp, or a data set of images"
            )
        return None


_ALL = (Architecture("mlp", "fully connected network", False, "1, 2, 3, ...", lambda depth: depth >= 1),)

ARCHITECTURES: dict[str, Architecture] = {a.name: a for a in _ALL}
