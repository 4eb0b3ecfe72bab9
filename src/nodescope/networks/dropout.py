"""Dropout whose chance belongs to the network, not to the process."""

import torch
from torch import nn

Tensor = torch.Tensor


class Dropout(nn.Module):
    """Drop a share of the activations in training and scale the others up (Srivastava et al. 2014).

    PyTorch's own draws from the process's generator, so that a net's result would depend on who trains beside it.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.generator: torch.Generator | None = None

    def forward(self, a: Tensor) -> Tensor:
        if not self.training:
            return a
        drawn = torch.rand(a.shape, generator=self.generator, dtype=a.dtype, device=a.device)
        return torch.where(drawn < self.share, torch.zeros((), dtype=a.dtype, device=a.device), a / (1 - self.share))
