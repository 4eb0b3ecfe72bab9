"""Run a network in the middle of its training, so that the training goes on as if nothing had happened."""

import random
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import nn


@contextmanager
def same_random_numbers() -> Iterator[None]:
    """Afterwards the random numbers of Python, NumPy and torch, on the CPU and GPUs, go on as before."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002  # the user's
    try:
        yield
    finally:
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        random.setstate(states[2])
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)


@contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """Evaluate a network for a while, without gradients.

    Afterwards modes and buffers are as before, module by module, and random numbers go on as before. Modes are set as
    attributes, since a ``train()`` of a network's own may do more: that of LoRA's layers merges weights. What was compiled
    runs as it was written, as compiled code passes hooks by.
    """
    modes = [(module, module.training) for module in network.modules()]
    # Batch normalisation without evaluation, counters and codebooks change in any forward pass.
    buffers = [(buffer, buffer._version, buffer.clone()) for buffer in network.buffers() if not buffer.is_inference()]
    places = [(module, name, buffer) for module in network.modules() for name, buffer in module._buffers.items()]
    with same_random_numbers(), torch.no_grad(), _uncompiled():
        try:
            for module, _ in modes:
                module.training = False
            yield
        finally:
            for module, training in modes:
                module.training = training
            for buffer, version, before in buffers:
                if buffer._version != version:
                    buffer.copy_(before)
            for module, name, own in places:  # of a forward pass that puts another tensor in a buffer's place
                module._buffers[name] = own


def _uncompiled() -> AbstractContextManager[Any]:
    """Without compiled code, which there is none of before the compiler has been imported, in a second or two."""
    return torch.compiler.set_stance("force_eager") if "torch._dynamo" in sys.modules else nullcontext()


def device_of(network: nn.Module) -> torch.device:
    """Where a network's tensors are; the CPU for one without any."""
    return next((tensor.device for tensor in chain(network.parameters(), network.buffers())), torch.device("cpu"))
