"""Measure the networks themselves: their weights, and what flows back through them.

All analyses of the job ``networks`` run in one job per configuration, since importing torch takes longer than most of them.
"""

import copy
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from nodescope.analyses import registered
from nodescope.config.fields import Section
from nodescope.datasets import PreparedDataset
from nodescope.measuring.runner import Measurements, is_measured
from nodescope.networks import HiddenActivation, NetworkShape, hidden_layers, load_network
from nodescope.networks.hooks import hooked
from nodescope.networks.losses import SUMMED_LOSSES
from nodescope.study.layout import model_path

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class MeasuredNetwork:
    """A network as an analysis sees it, which leaves it as it was.

    Attributes
    ----------
    module : nn.Module
        In evaluation mode.
    x, y : Tensor
        Training samples and their labels: as many as the option ``samples`` of the analysis says, evenly spaced over the
        training split; without such an option one.
    objective : str
        The loss that it was trained with, by its name in `nodescope.networks.losses.SUMMED_LOSSES`.
    """

    module: nn.Module
    x: torch.Tensor
    y: torch.Tensor
    objective: str

    def in_float64(self) -> "MeasuredNetwork":
        """A copy of the network in float64, for gradients: of a net that fits its samples float32 gives little but rounding.

        The probability of a sample's own class is then so near 1 that float32 has few digits, or none, for what is left.
        The samples stay as they are.
        """
        return replace(self, module=copy.deepcopy(self.module).double())

    def linear_maps(self) -> "list[LinearMap]":
        """The linear maps in the order in which the network computes them."""
        return linear_maps(self.module, self.x[:1].to(next(self.module.parameters()).dtype))

    def hidden_layers(self) -> dict[str, HiddenActivation]:
        """The hidden layers by name, in the order in which the network computes them."""
        return hidden_layers(self.module)

    def summed_loss(self, logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """The loss that the network was trained with, summed over samples."""
        return SUMMED_LOSSES[self.objective](logits, y)

    def hooked(self, handles: Iterable[RemovableHandle]) -> AbstractContextManager[None]:
        """See `nodescope.networks.hooks.hooked`."""
        return hooked(handles)

    def with_gradients(self) -> AbstractContextManager[None]:
        """Within it PyTorch keeps what a backward pass needs."""
        return torch.enable_grad()

    @property
    def weights_file(self) -> str | None:
        """The file that it started from; None where its weights were drawn, or where that is not known."""
        shape = getattr(self.module, "shape", None)
        return shape.weights if isinstance(shape, NetworkShape) else None


def analyse_networks(
    analyses: Mapping[str, Section],
    models_folder: str | Path,
    dataset: PreparedDataset,
    configuration: str,
    seeds: list[int],
    states: list[str],
    objective: str,
) -> dict[str, pl.DataFrame]:
    """Measure every net of a configuration.

    Parameters
    ----------
    analyses
        The names of the analyses, and for each its options.
    models_folder
        The networks of the configuration.
    configuration
        Its identifier.
    objective
        The loss that its networks are trained with: a key of `nodescope.networks.losses.SUMMED_LOSSES`.

    Returns
    -------
    dict of DataFrame
        For each analysis its table.
    """
    samples = {name: training_samples(dataset, getattr(options, "samples", 1)) for name, options in analyses.items()}
    found = Measurements(analyses)
    for seed in seeds:
        for state in states:
            network = load_network(model_path(str(models_folder), seed, state))
            for name in analyses:
                if is_measured(registered()[name], state, states):
                    found.add(name, MeasuredNetwork(network, *samples[name], objective), seed=seed, state=state)
            logger.info("%s: seed %d, %s done", ", ".join(analyses), seed, state)
    return found.tables(configuration)


def training_samples(dataset: PreparedDataset, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and labels of up to ``count`` training samples, evenly spaced over the split."""
    indices = dataset.splits.train
    chosen = indices[np.linspace(0, len(indices), min(count, len(indices)), endpoint=False).astype(np.int64)]
    return torch.from_numpy(dataset.inputs(chosen)), torch.from_numpy(dataset.labels(chosen))


@dataclass(frozen=True)
class LinearMap:
    """A fully connected map or a convolution of a network.

    Attributes
    ----------
    layer : int
        The hidden layer (1-based) whose pre-activations it helps to make: the one that the network computes next after
        it; behind the last hidden layer one more, for the output.
    name : str
        Of the module in the network.
    """

    layer: int
    name: str
    module: nn.Linear | nn.modules.conv._ConvNd

    def parameters(self) -> dict[str, nn.Parameter]:
        """``weight``, and ``bias`` where there is one."""
        return dict(self.module.named_parameters(recurse=False))


@torch.no_grad()
def linear_maps(network: nn.Module, x: torch.Tensor) -> list[LinearMap]:
    """The linear maps of a network in the order in which it computes them; x is an input, of one sample or more."""
    found: dict[str, LinearMap] = {}
    layer = 1

    def pass_layer(*_: Any) -> None:
        nonlocal layer
        layer += 1

    def note(name: str) -> Callable[..., None]:
        def hook(module: Any, *_: Any) -> None:
            found.setdefault(name, LinearMap(layer, name, module))

        return hook

    handles = (
        handle
        for hooks in (
            (activation.register_forward_hook(pass_layer) for activation in hidden_layers(network).values()),
            (
                module.register_forward_hook(note(name))
                for name, module in network.named_modules()
                if isinstance(module, nn.Linear | nn.modules.conv._ConvNd)
            ),
        )
        for handle in hooks
    )
    with hooked(handles):
        network(x[:1])
    return list(found.values())
