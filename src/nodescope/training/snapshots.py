"""Copies of the networks after chosen steps."""

from collections.abc import Iterable, Iterator

import torch

from nodescope.networks import NetworkStack


class StepSnapshots:
    """Keeps the whole stack as it is after each of the steps, part by part as they are taken.

    Parameters
    ----------
    steps
        After which to look; the first step is 1.
    like
        The stack's tensors [R, ...].
    """

    def __init__(self, steps: Iterable[int], like: dict[str, torch.Tensor]) -> None:
        self._steps = set(steps)
        self._like = like
        self._taken: dict[int, dict[str, torch.Tensor]] = {}

    def wants(self, step: int) -> bool:
        """Whether to look after that step."""
        return step in self._steps

    def observe(self, step: int, members: slice, part: NetworkStack) -> None:
        """Copy some of the stack's replicas."""
        if step not in self._taken:
            self._taken[step] = {name: torch.empty_like(tensor) for name, tensor in self._like.items()}
        for name, tensor in part.tensors().items():
            self._taken[step][name][members] = tensor.detach()

    def taken(self) -> Iterator[tuple[int, dict[str, torch.Tensor]]]:
        """Steps and stacks since the last call; at the end of an epoch they are whole."""
        taken, self._taken = self._taken, {}
        yield from taken.items()
