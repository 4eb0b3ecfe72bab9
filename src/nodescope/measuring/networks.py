"""Measure the networks themselves: their weights, and what flows back through them.

All analyses of the job ``networks`` run in one job per configuration, since importing torch takes longer than most of them.
"""

import copy
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.hooks import RemovableHandle

from nodescope.analyses import registered
from nodescope.config.fields import Section
from nodescope.config.layer_patterns import ACTIVATIONS
from nodescope.datasets import PreparedDataset
from nodescope.measuring.ablating import (
    ChainLayer,
    HookedLayer,
    NodeRange,
    can_be_replaced,
    is_chain,
    layers_off,
    linear_changes,
    ranges_of,
)
from nodescope.measuring.runner import Measurements, is_measured
from nodescope.networks import NetworkShape
from nodescope.networks.found_layers import FoundLayer, find_layers, run
from nodescope.networks.hooks import hooked
from nodescope.networks.losses import SUMMED_LOSSES
from nodescope.networks.outputs import first_tensor, mapped
from nodescope.networks.watching import Look, watched

logger = logging.getLogger(__name__)

#: From indices of samples to what a network takes; a mask that comes with it is part of that already.
Inputs = Callable[[NDArray[np.int64]], Any]
#: From a split and a number to inputs and labels (0 without classes) of so many of its samples.
Draw = Callable[[str, int], tuple[Any, torch.Tensor]]


@dataclass(frozen=True)
class MeasuredNetwork:
    """A network as an analysis sees it, which leaves it as it was.

    Attributes
    ----------
    module : nn.Module
        In evaluation mode.
    x
        What it takes of training samples: a tensor, a tuple of arguments or a dict of keywords. As many as the option
        ``samples`` of the analysis says, evenly spaced over the training split; without such an option one.
    y : Tensor
        Their labels.
    objective : str
        The loss that it was trained with, by its name in `nodescope.networks.losses.SUMMED_LOSSES`.
    patterns : sequence of str
        Which layers count as hidden ones, see `nodescope.config.layer_patterns`.
    n_classes : int or None
        Of the labels, 0 where samples have none; None where the network is known to have an output for each.
    draw : callable, optional
        Inputs and labels of up to so many samples of a split. Without it ``x`` and ``y`` stand for every split.
    input_shape : tuple of int, optional
        Of a sample as an image; None where it is not known.
    theta_threshold : float
        A node is on (theta = 1) where its pre-activation exceeds this.
    axis : int or None
        The node axis of tensors with positions; found by default.
    """

    module: nn.Module
    x: Any
    y: torch.Tensor
    objective: str
    patterns: Sequence[str] = (ACTIVATIONS,)
    n_classes: int | None = None
    draw: Draw | None = None
    input_shape: tuple[int, ...] | None = None
    theta_threshold: float = 0.0
    axis: int | None = None

    def of_split(self, split: str, count: int) -> "MeasuredNetwork":
        """The same network with up to ``count`` samples of a split, evenly spaced over it."""
        if self.draw is None:
            return self
        x, y = self.draw(split, count)
        return replace(self, x=x, y=y)

    def in_float64(self) -> "MeasuredNetwork":
        """A copy of the network in float64, for gradients: of a net that fits its samples float32 gives little but rounding.

        The probability of a sample's own class is then so near 1 that float32 has few digits, or none, for what is left.
        In the copy no activation function works in place, so that gradients on what enters it can be asked for.
        """
        module = copy.deepcopy(self.module).double()
        for part in module.modules():
            if getattr(part, "inplace", False):
                part.inplace = False  # type: ignore[assignment]  # a flag of modules that have one
        return replace(self, module=module, x=_in_float64(self.x))

    def linear_maps(self) -> "list[LinearMap]":
        """The linear maps in the order in which the network computes them."""
        return linear_maps(self.module, as_parameters(self._samples(slice(0, 1)), self.module), self.hidden_layers())

    def hidden_layers(self) -> list[FoundLayer]:
        """The hidden layers in the order in which the network computes them."""
        inputs = as_parameters(self._samples(slice(0, 2)), self.module)
        return find_layers(self.module, inputs, self.patterns, axis=self.axis)

    def watched(self, look: Look) -> AbstractContextManager[Any]:
        """Look at the tensors of the hidden layers in every forward pass within; gradients can be asked for on them."""
        return watched(self.module, self.hidden_layers(), look, differentiable=True)

    def seen(self, look: Look) -> AbstractContextManager[Any]:
        """The same without gradients: tensors are [B, J] or [B, J, P...], as they were before a layer wrote over them."""
        return watched(self.module, self.hidden_layers(), look)

    def output(self, x: Any = None) -> torch.Tensor:
        """What the network gives for its samples, or for others."""
        found = first_tensor(run(self.module, self.x if x is None else x))
        assert found is not None  # a network that gives no tensor has no loss, see `has_loss`
        return found

    def has_loss(self) -> bool:
        """Whether it gives a value for each class, of which its loss is made."""
        with torch.no_grad():
            found = first_tensor(run(self.module, self._samples(slice(0, 1))))
        return found is not None and found.ndim == 2 and self.n_classes in (None, found.shape[1])

    # --- nodes that are switched off, see `nodescope.measuring.ablating` ---

    def ranges(self, size: int) -> list[NodeRange]:
        """What the activations of each node are, of every hidden layer; so many samples at a time."""
        return ranges_of(self, size)

    @property
    def is_chain(self) -> bool:
        """Whether all hidden layers are those of a fully connected network of nodescope's own."""
        return is_chain(self)

    def replaceable_layers(self) -> list[int]:
        """The hidden layers, from 1, whose nodes can be switched off."""
        return [number for number, layer in enumerate(self.hidden_layers(), start=1) if can_be_replaced(layer)]

    def layers_off(self, x: Any, wanted: Collection[int]) -> Iterator[tuple[int, ChainLayer | HookedLayer]]:
        """Some hidden layers, from 1, whose nodes can be switched off for a batch of samples."""
        return layers_off(self, x, wanted)

    def linear_changes(self, layer: FoundLayer, x: Any, mean_J: torch.Tensor) -> dict[str, torch.Tensor]:
        """How the logits change, to first order, when each node is switched off [J, B, C]; for zero and mean."""
        return linear_changes(self, layer, x, mean_J)

    @torch.no_grad()
    def multiply_adds(self) -> list[int]:
        """Of one sample: of the linear maps that lead to each hidden layer, and of those after the last."""
        counts = Counter[str]()

        def note(name: str) -> Callable[..., None]:
            def hook(module: Any, _: Any, output: torch.Tensor) -> None:
                counts[name] += output.numel() * module.weight[0].numel()

            return hook

        maps, layers = self.linear_maps(), self.hidden_layers()
        with hooked(linear.module.register_forward_hook(note(linear.name)) for linear in maps):
            run(self.module, as_parameters(self._samples(slice(0, 1)), self.module))
        return [sum(counts[m.name] for m in maps if m.layer == number) for number in range(1, len(layers) + 2)]

    def batches(self, size: int) -> Iterator[tuple[Any, torch.Tensor]]:
        """Its samples in the type that it computes in, with their labels, so many at a time."""
        for begin in range(0, len(self.y), size):
            part = slice(begin, begin + size)
            yield as_parameters(self._samples(part), self.module), self.y[part]

    def _samples(self, which: slice) -> Any:
        return mapped(lambda tensor: tensor[which], self.x)

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


def _in_float64(x: Any) -> Any:
    return mapped(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor, x)


def as_parameters(x: Any, module: nn.Module) -> Any:
    """Samples in the type that the network computes in."""
    dtype = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)
    return mapped(lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor, x)


def analyse_networks(
    analyses: Mapping[str, Section],
    load: Callable[[int, str], nn.Module],
    dataset: PreparedDataset,
    configuration: str,
    seeds: list[int],
    states: list[str],
    objective: str,
    *,
    inputs: Inputs | None = None,
    patterns: Sequence[str] = (ACTIVATIONS,),
    theta_threshold: float = 0.0,
    axis: int | None = None,
) -> dict[str, pl.DataFrame]:
    """Measure every net of a configuration.

    Parameters
    ----------
    analyses
        The names of the analyses, and for each its options.
    load
        From seed and state to the network, in evaluation mode.
    configuration
        Its identifier.
    objective
        The loss that its networks are trained with: a key of `nodescope.networks.losses.SUMMED_LOSSES`.
    inputs
        What the networks take; by default what `PreparedDataset.inputs` gives.
    patterns, theta_threshold, axis
        As of `MeasuredNetwork`.

    Returns
    -------
    dict of DataFrame
        The tables of the analyses, by name.
    """
    samples = {
        name: split_samples(dataset, "train", getattr(options, "samples", 1), inputs)
        for name, options in analyses.items()
    }

    @cache
    def draw(split: str, count: int) -> tuple[Any, torch.Tensor]:
        return split_samples(dataset, split, count, inputs)

    found, n_classes = Measurements(analyses), len(dataset.class_names) if dataset.is_labelled else 0
    for seed in seeds:
        for state in states:
            network = load(seed, state)
            for name in analyses:
                if is_measured(registered()[name], state, states):
                    measured = MeasuredNetwork(
                        network,
                        *samples[name],
                        objective,
                        patterns,
                        n_classes,
                        draw,
                        _input_shape(samples[name][0] if inputs else dataset.x),
                        theta_threshold,
                        axis,
                    )
                    found.add(name, measured, seed=seed, state=state)
            logger.info("%s: seed %d, %s done", ", ".join(analyses), seed, state)
    return found.tables(configuration)


def _input_shape(x: Any) -> tuple[int, ...] | None:
    """Of a sample among what a network takes; None of several inputs."""
    return tuple(x.shape[1:]) if isinstance(x, torch.Tensor | np.ndarray) else None


def split_samples(
    dataset: PreparedDataset, split: str, count: int, inputs: Inputs | None = None
) -> tuple[Any, torch.Tensor]:
    """Inputs and labels (0 without classes) of up to ``count`` samples of a split, evenly spaced over it."""
    indices = dict(dataset.splits.items())[split]
    chosen = indices[np.linspace(0, len(indices), min(count, len(indices)), endpoint=False).astype(np.int64)]
    x = torch.from_numpy(dataset.inputs(chosen)) if inputs is None else inputs(chosen)
    return x, torch.from_numpy(dataset.y[chosen])


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
    output_axes : int
        Axes of what it gives: 2 of a fully connected map of samples, 3 of one of tokens, 4 of a convolution of images.
    """

    layer: int
    name: str
    module: nn.Linear | nn.modules.conv._ConvNd
    output_axes: int

    @property
    def has_local_gradients(self) -> bool:
        """Whether `nodescope.numerics.channel_gradients` knows its kind: of samples, or of the positions of images."""
        return isinstance(self.module, nn.Conv2d) or (isinstance(self.module, nn.Linear) and self.output_axes == 2)

    def parameters(self) -> dict[str, nn.Parameter]:
        """``weight``, and ``bias`` where there is one."""
        return dict(self.module.named_parameters(recurse=False))


@torch.no_grad()
def linear_maps(network: nn.Module, x: Any, layers: Sequence[FoundLayer] | None = None) -> list[LinearMap]:
    """The linear maps of a network in the order in which it computes them.

    Parameters
    ----------
    x
        What it takes of one sample or more.
    layers
        Its hidden layers; by default every activation function.
    """
    found: dict[str, LinearMap] = {}
    seen: set[int] = set()

    def note(name: str) -> Callable[..., None]:
        def hook(module: Any, _: Any, output: Any) -> None:
            found.setdefault(name, LinearMap(len(seen) + 1, name, module, output.ndim))

        return hook

    handles = (
        module.register_forward_hook(note(name))
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear | nn.modules.conv._ConvNd)
    )
    known = find_layers(network, x) if layers is None else layers
    with watched(network, known, lambda number, *_: seen.add(number)), hooked(handles):
        run(network, x)
    return list(found.values())
