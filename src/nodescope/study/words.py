"""Words for readers, the same wherever networks are named, and fit for what a study has: seeds, states, classes."""

from collections.abc import Iterable
from dataclasses import dataclass

#: By their names in the configuration.
LOSSES = {"cross_entropy": "cross-entropy", "mean_squared_error": "mean squared error"}


@dataclass(frozen=True)
class Words:
    """What may be said of a study: of one seed there is no mean, of one state no training, without classes no class.

    Attributes
    ----------
    seeds : tuple of int
        The study's; empty where they are not known, then they are spoken of as several.
    states : tuple of str
        Of its networks, in the order of training.
    has_classes : bool
        Whether its samples have classes that can be compared: more than one.
    """

    seeds: tuple[int, ...]
    states: tuple[str, ...]
    has_classes: bool = True

    @property
    def trained(self) -> bool:
        """Whether its networks are known before and after training."""
        return {"initial", "trained"} <= set(self.states)

    @property
    def several_states(self) -> bool:
        """Whether there are states to tell apart; the one of networks that are not trained here is told too."""
        return self.states != ("trained",)

    @property
    def several_seeds(self) -> bool:
        """Whether there is a mean to speak of."""
        return len(self.seeds) != 1

    @property
    def mean(self) -> str:
        """``mean over the seeds``, or of which seed."""
        return "mean over the seeds" if self.several_seeds else f"for seed {self.seeds[0]} only"

    def with_spread(self, *, as_published: bool = False) -> str:
        """The mean with what is drawn or printed beside it."""
        if not self.several_seeds:
            return self.mean
        spread = "its standard error, as published" if as_published else "its 95 % t interval"
        return f"{self.mean} with {spread}"

    @property
    def networks(self) -> str:
        """``trained networks`` or ``untrained networks``; ``networks`` where nothing is known of their training."""
        return self._of_state("trained networks")

    @property
    def kept(self) -> str:
        """The networks that a figure of the last state shows."""
        return self._of_state("kept networks")

    def _of_state(self, trained: str) -> str:
        if self.trained:
            return trained
        return "untrained networks" if self.states == ("initial",) else "networks"

    def where_trained(self, sentence: str) -> str:
        """A sentence on training, for a study that has any."""
        return sentence if self.trained else ""

    def where_classes(self, words: str, otherwise: str = "") -> str:
        """Words on classes, for a study whose samples have any."""
        return words if self.has_classes else otherwise


def loss_words(objectives: Iterable[str]) -> str:
    """Of which loss a gradient is, from the names of the losses that networks were trained with.

    >>> loss_words(["mean_squared_error"])
    'the mean squared error'
    >>> loss_words(["cross_entropy", "mean_squared_error"])
    'the loss that each network is trained with, the cross-entropy or the mean squared error'
    """
    named = [f"the {words}" for name, words in LOSSES.items() if name in set(objectives)]
    return named[0] if len(named) == 1 else f"the loss that each network is trained with, {' or '.join(named)}"
