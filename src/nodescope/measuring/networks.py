"""Measure the networks themselves: their weights, and what flows back through them.

A module ``nodescope.analyses.NAME`` that is listed in ``nodescope.study.contents.ANALYSIS_JOBS["networks"]`` has ``COLUMNS`` and
``measure(network, x, y, options, objective)``, and gives a frame with those columns less ``state``. It leaves the network
as it found it. Where its section of the configuration has a key ``samples``, x and y are as many training samples,
evenly spaced over the training split; else they are one. The objective is the loss that the network was trained with, by
its name in `nodescope.networks.losses.SUMMED_LOSSES`.

All of them run in one job per configuration, since importing torch takes longer than most of them.
"""

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch import nn

from nodescope.datasets import PreparedDataset
from nodescope.measuring.runner import table_columns
from nodescope.networks import hidden_layers, load_network
from nodescope.storage.tables import with_keys
from nodescope.study.layout import model_path

logger = logging.getLogger(__name__)

Measure = Callable[[nn.Module, torch.Tensor, torch.Tensor, Any, str], pl.DataFrame]


def analyse_networks(
    analyses: dict[str, Any],
    models_folder: str | Path,
    dataset: PreparedDataset,
    keys: dict[str, Any],
    seeds: list[int],
    states: list[str],
    objective: str,
) -> dict[str, pl.DataFrame]:
    """Measure every net of a configuration.

    Parameters
    ----------
    analyses
        The names of the analyses, and for each its section of the configuration.
    models_folder
        The networks of the configuration.
    keys
        The configuration's key columns, without the seed.
    objective
        The loss that its networks are trained with: a key of `nodescope.networks.losses.SUMMED_LOSSES`.

    Returns
    -------
    dict of DataFrame
        For each analysis the key columns and its `COLUMNS`.
    """
    measures: dict[str, Measure] = {name: import_module(f"nodescope.analyses.{name}").measure for name in analyses}
    samples = {name: training_samples(dataset, getattr(options, "samples", 1)) for name, options in analyses.items()}
    frames: dict[str, list[pl.DataFrame]] = {name: [] for name in analyses}
    for seed in seeds:
        for state in states:
            network = load_network(model_path(str(models_folder), seed, state))
            for name, options in analyses.items():
                frame = measures[name](network, *samples[name], options, objective)
                frames[name].append(frame.with_columns(seed=pl.lit(seed), state=pl.lit(state)))
            logger.info("%s: seed %d, %s done", ", ".join(analyses), seed, state)
    return {name: with_keys(pl.concat(found), keys, table_columns(name)) for name, found in frames.items()}


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

    handles = [activation.register_forward_hook(pass_layer) for activation in hidden_layers(network).values()]
    handles += [
        module.register_forward_hook(note(name))
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.modules.conv._ConvNd)
    ]
    try:
        network(x[:1])
    finally:
        for handle in handles:
            handle.remove()
    return list(found.values())


def in_float64(network: nn.Module) -> nn.Module:
    """A copy in float64, for gradients: of a net that fits its samples float32 gives little but rounding.

    The probability of a sample's own class is then so near 1 that float32 has few digits, or none, for what is left.
    """
    return copy.deepcopy(network).double()
