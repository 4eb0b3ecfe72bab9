"""The nets of a stack, and the state of their training."""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

Tensor = torch.Tensor


@dataclass(frozen=True)
class Replica:
    """One net of a stack."""

    seed: int
    learning_rate: float


@dataclass
class TrainingState:
    """All that a stack's training has produced so far, and all that it needs to go on.

    Attributes
    ----------
    epoch : int
        Epochs completed.
    tensors, best : dict of Tensor
        Current parameters and buffers, and those of each replica's best epoch, [R, ...].
    optimiser : dict of Tensor
        The optimiser's ``steps`` so far and what it remembers, see `nodescope.training.optimisers`; empty before
        training.
    best_epoch : array of int [R]
        0 while no epoch has been finite.
    curves : dict of array [epochs + 1, R]
        ``train_loss`` (mean cross-entropy in nats), ``train_mean_squared_error``, ``train_accuracy`` and the same of
        ``validation`` after each epoch, row 0 before the first step, with batch normalisation settled
        (`nodescope.networks.normalisation`), whichever loss the nets are trained with; NaN where not finite or not reached.
    observed : dict of Tensor
        What observers need to go on, in a state that was saved.
    """

    epoch: int
    tensors: dict[str, Tensor]
    best: dict[str, Tensor]
    optimiser: dict[str, Tensor]
    best_epoch: NDArray[np.int64]
    curves: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    observed: dict[str, Tensor] = field(default_factory=dict)

    def best_accuracy(self) -> NDArray[np.float64]:
        """Validation accuracy of each replica's best epoch [R]; NaN where no epoch was finite."""
        accuracy = self.curves["validation_accuracy"][self.best_epoch, np.arange(len(self.best_epoch))]
        return np.where(self.best_epoch > 0, accuracy, np.nan)

    def loss_rose(self, objective: str) -> NDArray[np.bool_]:
        """Whether a replica that never diverged has a larger training loss at its best epoch than at epoch 0 [R]."""
        curve = self.curves["train_mean_squared_error" if objective == "mean_squared_error" else "train_loss"]
        kept = curve[self.best_epoch, np.arange(len(self.best_epoch))]
        return (self.diverged_epoch() == 0) & (kept > curve[0])

    def diverged_epoch(self) -> NDArray[np.int64]:
        """First epoch after which a replica's training loss was not finite [R], at least 1; 0 where there is none.

        That is: its outputs were not. The cross-entropy of finite outputs is finite, as is their squared error.
        """
        diverged = ~np.isfinite(self.curves["train_loss"][: self.epoch + 1])
        return np.where(diverged.any(axis=0), np.maximum(diverged.argmax(axis=0), 1), 0)
