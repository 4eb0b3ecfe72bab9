"""What the trainer asks of R networks of one shape; dimension letters: R replica, B batch, I input, C class."""

from typing import Protocol, Self

import torch

from nodescope.families.shape import NetworkShape

Tensor = torch.Tensor


class NetworkStack(Protocol):
    """R networks of one shape, as tensors with a leading replica dimension.

    Attributes
    ----------
    parameters, buffers : dict of Tensor
        Trainable and other tensors [R, ...] by the names of the plain module's state dict.
    fuses : bool
        Whether many replicas step together in hardly more time than one.
    slow_parameters : frozenset of str
        Names of the parameters that learn with a tenth of the learning rate.
    """

    shape: NetworkShape
    parameters: dict[str, Tensor]
    buffers: dict[str, Tensor]
    fuses: bool
    slow_parameters: frozenset[str]

    def __init__(self, shape: NetworkShape, tensors: dict[str, Tensor]) -> None: ...

    @classmethod
    def initialise(
        cls, shape: NetworkShape, seeds: list[int], *, device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> Self:
        """One replica per seed; a replica depends on its own seed only."""
        ...

    @property
    def n_replicas(self) -> int: ...

    def tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers."""
        ...

    def network_views(self, replica: int) -> dict[str, Tensor]:
        """One replica's tensors as the plain module has them, on the stack's memory."""
        ...

    def network_tensors(self, replica: int) -> dict[str, Tensor]:
        """One replica's tensors on the CPU, as the plain module's state dict has them."""
        ...

    def part(self, members: slice) -> Self:
        """Some of the replicas, on the same memory: what trains the part trains them here."""
        ...

    def begin_epoch(self, seeds: list[int], epoch: int) -> None:
        """Draw what chance decides in this epoch (from 0) by the replicas' seeds alone."""
        ...

    def forward_training(self, x_RBI: Tensor) -> Tensor:
        """Logits [R, B, C], each replica on its own batch; buffers are updated."""
        ...

    def forward_evaluation(self, replica: int, x_BI: Tensor) -> Tensor:
        """Logits [B, C] of one replica, as it is used after training."""
        ...
