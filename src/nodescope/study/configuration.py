"""What a configuration is, wherever its networks come from. Imports nothing heavy."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Configuration:
    """One point of a study's axes, without the seed.

    Attributes
    ----------
    identifier : str
        A short, stable, readable name that is safe as a path: the key of everything.
    dataset : str
        The name of its data set.
    model : str
        What kind of networks they are: the family, or how they are built.
    axes : tuple of (str, value)
        The axes of the study in table order.
    seeds : tuple of int
        Of its networks.
    states : tuple of str
        That are recorded of each network, in the order of training; the last is the one that is kept.
    """

    identifier: str
    dataset: str
    model: str
    axes: tuple[tuple[str, Any], ...]
    seeds: tuple[int, ...]
    states: tuple[str, ...]

    def __getitem__(self, axis: str) -> Any:
        return dict(self.axes)[axis]

    def keys(self) -> dict[str, Any]:
        """Data set, kind of network and the values of the axes: columns of the collected tables."""
        return {"dataset": self.dataset, "model": self.model, **dict(self.axes)}
