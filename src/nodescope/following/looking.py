"""One look at a network: the probe runs through it, and the switches of every layer are counted as they come.

Dimension letters: B batch, J node, P position, T pattern, W word.

A pattern is the switches of a layer's nodes at one position of one sample. What is said of nodes follows from the patterns by
operations on whole words: a node is dead whose bit no pattern has set, and always on if all have.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from nodescope.following.probe import Probe, given_to, versions
from nodescope.messages.errors import NetworkError
from nodescope.networks.found_layers import FoundLayer, find_layers, run
from nodescope.networks.outputs import first_tensor
from nodescope.networks.undisturbed import undisturbed
from nodescope.networks.watching import Watch
from nodescope.numerics.pattern_packing import Words, pack_layer, switches
from nodescope.recording.collecting import Batch, chosen_positions
from nodescope.recording.recorder import LOOKED_AT, batch_size
from nodescope.training.pattern_counter import LayerPatterns

Tensor = torch.Tensor


class Look:
    """Looks at a network with a probe; what it computes is not kept.

    Parameters
    ----------
    network : nn.Module
        Without wrappers.
    probe : Probe
    layers, axis
        See `nodescope.networks.found_layers.find_layers`.
    threshold
        A node is on where its value exceeds this.
    hamming_samples
        The first so many samples are also compared one by one.
    positions_per_sample : int or None
        Patterns of as many positions of each sample are counted; None for all.

    Raises
    ------
    NetworkError
        If there is no layer, or the network does not take the probe.
    """

    def __init__(
        self,
        network: nn.Module,
        probe: Probe,
        *,
        layers: str | Sequence[str],
        axis: int | None,
        threshold: float,
        hamming_samples: int,
        positions_per_sample: int | None,
    ) -> None:
        self._network = network
        self._probe = probe
        self._threshold = threshold
        self._hamming_samples = min(hamming_samples, len(probe))
        self._positions_per_sample = positions_per_sample
        first = next(probe.parts(LOOKED_AT))
        with undisturbed(network):
            inputs = given_to(network, first.inputs)
            before = versions(inputs)
            try:
                self.layers = find_layers(network, inputs, layers, axis=axis)
            except (RuntimeError, TypeError, ValueError, IndexError) as error:
                raise NetworkError(
                    f"The network cannot run the probe, whose samples are {_shape(inputs)}: {_first_line(error)}. Hint: "
                    "batches as in training, the samples first"
                ) from error
        self._writes_inputs = versions(inputs) != before
        tensor = first_tensor(inputs)
        assert tensor is not None  # otherwise nothing was found
        shapes: list[tuple[int, ...]] = [(layer.nodes, layer.positions) for layer in self.layers]
        self._size = batch_size(shapes, math.prod(tensor.shape[1:]))
        self._counters: list[_LayerCounter] = []
        inputs_only = {n for n, layer in enumerate(self.layers) if layer.values == "pre_activation"}
        self._watch = Watch(network, self.layers, self._see, inputs_only)
        self._batch: Batch | None = None

    def __call__(self) -> "list[_LayerCounter]":
        """Look now.

        Raises
        ------
        NetworkError
            If layers are called otherwise than before.
        """
        self._counters = [self._counter(layer) for layer in self.layers]
        seen = 0
        with undisturbed(self._network), self._watch.attached():
            for number, part in enumerate(self._probe.parts(self._size), start=1):
                self._batch = Batch(number, part.mask, np.arange(seen, seen + len(part)))
                self._watch.restart()
                run(self._network, given_to(self._network, part.inputs, copied=self._writes_inputs))
                self._watch.check()
                seen += len(part)
        found, self._counters = self._counters, []
        return found

    def _counter(self, layer: FoundLayer) -> "_LayerCounter":
        patterns = LayerPatterns(self._probe.classes, self._probe.n_classes, self._hamming_samples)
        return _LayerCounter(
            layer, patterns, self._threshold, self._positions_per_sample, has_classes=self._probe.n_classes > 1
        )

    def _see(self, number: int, z: Tensor, a: Tensor) -> None:
        assert self._batch is not None  # the network runs within one
        self._counters[number].add(z, self._batch)


class _LayerCounter:
    """Counts the patterns and switches of a layer, batch by batch."""

    def __init__(
        self, layer: FoundLayer, patterns: LayerPatterns, threshold: float, per_sample: int | None, *, has_classes: bool
    ) -> None:
        self.layer = layer
        self.patterns = patterns
        self._threshold = threshold
        self._per_sample = per_sample
        self._has_classes = has_classes
        self._positions: int | None = None
        self._seen = 0
        self._on = 0
        self._ever_on: NDArray[np.uint64] = np.zeros(1, np.uint64)
        self._always_on: NDArray[np.uint64] = ~np.zeros(1, np.uint64)

    def add(self, z: Tensor, batch: Batch) -> None:
        """Take in the values [B, J] or [B, J, P...] of a batch."""
        n, nodes = z.shape[:2]
        positions = math.prod(z.shape[2:])
        valid = batch.valid(self.layer, positions)
        has_mask = batch.mask is not None and batch.mask.shape[1] == positions > 1
        if self._positions is None:
            self._positions = positions
        elif nodes != self.layer.nodes or (positions != self._positions and not has_mask):
            raise NetworkError(
                f"Layer {self.layer.name} has {nodes} nodes and {positions} positions in batch {batch.number}, "
                f"{self.layer.nodes} and {self._positions} before. Hint: tokens of different lengths need a mask; or leave "
                f'it out: "!{self.layer.name}"'
            )
        if len(z) != len(batch.samples):
            raise NetworkError(
                f"Layer {self.layer.name} gives values for {len(z)} samples in batch {batch.number}, which has {len(batch.samples)}"
            )
        if valid is not None:  # what lies at other positions may even be no number
            z = z.flatten(2).movedim(1, -1)[torch.from_numpy(valid).to(z.device)]
        words_WT, finite = pack_layer(z, self._threshold)
        self._count(words_WT)
        counts = None if valid is None else valid.sum(axis=1)
        if self._per_sample is not None and self._per_sample < positions:
            kept = np.ones((n, positions), np.bool_) if valid is None else valid
            place = np.cumsum(kept, axis=1) - 1
            chosen = chosen_positions(batch.samples, place, kept, self._per_sample)
            words_WT, counts = words_WT[:, chosen[kept]], chosen.sum(axis=1)
        self.patterns.add(words_WT, nodes, n, finite=finite, counts=counts)

    def _count(self, words_WT: Words) -> None:
        on, ever_on_W, always_on_W = switches(words_WT)
        self._seen += words_WT.shape[1]
        self._on += int(on)
        self._ever_on = self._ever_on | ever_on_W
        self._always_on = self._always_on & always_on_W

    def row(self) -> dict[str, Any]:
        """Columns of `nodescope.following.tables.FOLLOWED` that need no other time."""
        known = self.patterns.row()
        if not self.patterns.is_finite:
            return known
        nodes = self.layer.nodes
        alive = int(np.bitwise_count(self._ever_on).sum())
        known |= {
            "share_on": self._on / (nodes * self._seen),
            "sparsity": 1.0 - self._on / (alive * self._seen) if alive else None,
            "dead_nodes": nodes - alive,
            "always_on_nodes": int(np.bitwise_count(self._always_on).sum()),
            "distinct_share": known["distinct"] / known["patterns"],
        }
        if not self._has_classes:
            known |= {"entropy_given_class_bits": None, "class_information_bits": None}
        return known


def _shape(inputs: Any) -> str:
    tensor = first_tensor(inputs)
    return "no tensors" if tensor is None else f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape[1:])}"


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
