"""Batch normalisation of networks that are never trained."""

import torch
from torch import nn

SAMPLES_AT_A_TIME = 2048


@torch.no_grad()
def settle_batch_norm(network: nn.Module, x: torch.Tensor) -> None:
    """Give batch normalisation the statistics of samples, as training would have.

    A network as it is initialised has running means of 0 and variances of 1, with which batch normalisation does nothing.

    Parameters
    ----------
    network
        Ready for evaluation; stays so.
    x
        Inputs in random order: the statistics are the mean of those of its parts.
    """
    norms = [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.train()
        norm.momentum = None  # PyTorch's word for the mean over all batches
    for part in torch.split(x, SAMPLES_AT_A_TIME):
        network(part)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.eval()
        norm.momentum = momentum
