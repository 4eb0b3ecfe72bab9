"""A network of the user's own in one state, and what it takes of a data set."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from nodescope.config.module import Module
from nodescope.datasets import PreparedDataset
from nodescope.jobs.own_functions import load_function
from nodescope.messages.errors import FunctionError
from nodescope.networks.brought.building import build, with_weights

#: The input whose zeros are no positions, where the section names none.
USUAL_MASK = "attention_mask"

#: From indices of samples to what a network takes, and which positions count [B, T]; None where all do.
Inputs = Callable[[NDArray[np.int64]], tuple[Any, NDArray[np.bool_] | None]]


def network_of(
    module: Module, axes: Mapping[str, Any], seed: int, checkpoint: str | Path | None
) -> tuple[nn.Module, tuple[str, ...]]:
    """Build a network and load its weights; in evaluation mode, with what was decided, a sentence each.

    Parameters
    ----------
    axes
        The values of the placeholders of its checkpoints.
    checkpoint
        None for the network as it is built.

    Raises
    ------
    FunctionError, WeightsError
        As `nodescope.networks.brought.building.build` and `with_weights`.
    """
    network, decisions = build(module, axes, seed=seed)
    if checkpoint is not None:
        decisions += with_weights(network, checkpoint, module)
    return network.eval(), decisions


def module_inputs(module: Module, dataset: PreparedDataset, device: str = "cpu") -> Inputs:
    """What the networks of a section take of a data set.

    Raises
    ------
    FunctionError
        When called, if ``preprocess`` fails, or gives no mask where the section names one.
    """
    preprocess = None if module.preprocess is None else load_function(module.preprocess)

    def inputs(samples: NDArray[np.int64]) -> tuple[Any, NDArray[np.bool_] | None]:
        given = _tensors(dataset.batch(samples), device)
        if preprocess is not None:
            given = _tensors(preprocess(given), device)
        return given, _mask(given, module.mask)

    return inputs


def _tensors(values: Any, device: str) -> Any:
    """The same with arrays as tensors, on a device."""
    if isinstance(values, np.ndarray):
        return torch.from_numpy(values).to(device)
    if isinstance(values, torch.Tensor):
        return values.to(device)
    if isinstance(values, Mapping):
        return {name: _tensors(value, device) for name, value in values.items()}
    if isinstance(values, tuple | list):
        return tuple(_tensors(value, device) for value in values)
    return values


def _mask(given: Any, name: str | None) -> NDArray[np.bool_] | None:
    inputs = given if isinstance(given, Mapping) else {}
    if name is not None and name not in inputs:
        raise FunctionError(
            f"mask: the network gets no input '{name}'; it gets {', '.join(inputs) or 'a tensor'}. Hint: return a dict with it "
            "from preprocess, or leave mask out"
        )
    found = inputs.get(name or USUAL_MASK)
    if not isinstance(found, torch.Tensor) or found.ndim != 2:
        return None
    mask: NDArray[np.bool_] = (found != 0).cpu().numpy()
    return mask
