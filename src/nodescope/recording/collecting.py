"""What is kept of one layer while a network runs: B batch, J node, P position, R row, N sample.

Batches are put side by side into strips, which `nodescope.recording.scratch` keeps until all samples have been seen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from nodescope.messages.errors import NetworkError
from nodescope.networks.found_layers import FoundLayer
from nodescope.numerics.activation_functions import activation_function
from nodescope.recording.parquet import LayerMetadata, Summary, write
from nodescope.recording.scratch import Kept, Scratch

Tensor = torch.Tensor

#: How a layer with positions is recorded.
Positions = Literal["summary", "rows", "last"]

#: Bytes of a strip of one layer, and the columns that it has at least.
STRIP_BYTES = 256_000
SHORTEST_STRIP = 64
#: Activation functions that only clip, with the names of their limits.
CLIPPING = {"relu", "relu6", "hardtanh"}


@dataclass(frozen=True)
class Batch:
    """Samples that run through a network together.

    Attributes
    ----------
    number : int
        Of the batch, from 1 on.
    mask : array [B, T] or None
        The positions that count.
    samples : int64 array [B]
        What the samples are called, which positions are chosen by.
    """

    number: int
    mask: NDArray[np.bool_] | None
    samples: NDArray[np.int64]

    def valid(self, layer: FoundLayer, positions: int) -> NDArray[np.bool_] | None:
        """The positions that count of a layer with so many, [B, P]; None where all do.

        Raises
        ------
        NetworkError
            If there is a sample of which none counts.
        """
        if self.mask is None or self.mask.shape[1] != positions or positions == 1:
            return None
        empty = np.flatnonzero(~self.mask.any(axis=1))
        if len(empty):
            raise NetworkError(
                f"Sample {self.samples[empty[0]]} has no position that the mask leaves. Hint: leave the sample out"
            )
        return None if self.mask.all() else self.mask


@dataclass(frozen=True)
class Order:
    """The order in which samples are written.

    Attributes
    ----------
    places : array or None
        Of the samples as they were seen; None if they are written so.
    labels, samples
        In the order of writing.
    """

    places: NDArray[np.intp] | None
    labels: NDArray[np.int32] | None
    samples: NDArray[np.int32]

    def of_rows(self, counts: NDArray[np.int64]) -> NDArray[np.intp] | None:
        """The places of rows, of which each sample has so many."""
        if self.places is None:
            return None
        begins = np.cumsum(counts) - counts
        own = counts[self.places]
        first = np.repeat(begins[self.places] - (np.cumsum(own) - own), own)
        return (first + np.arange(int(own.sum()))).astype(np.intp)


class Strips:
    """Arrays of a batch's samples or rows that are put together.

    Parameters
    ----------
    dtype
        Of what is added.
    samples_first
        Whether arrays are [b, J], a sample's values together, or [J, b].
    """

    def __init__(self, scratch: Scratch, nodes: int, dtype: Any, *, samples_first: bool = False) -> None:
        self.dtype = np.dtype(dtype)
        self._scratch = scratch
        self._nodes = nodes
        self._samples_first = samples_first
        self._length = max(SHORTEST_STRIP, STRIP_BYTES // (nodes * self.dtype.itemsize))
        self._kept: list[Kept] = []
        self._strip = self._empty()
        self._used = 0

    def add(self, values: NDArray[Any]) -> None:
        """Put an array beside those before, or beneath them."""
        begin, count = 0, values.shape[0 if self._samples_first else 1]
        while begin < count:
            taken = min(count - begin, self._length - self._used)
            self._part(self._strip, self._used, taken)[:] = self._part(values, begin, taken)
            self._used += taken
            begin += taken
            if self._used == self._length:
                self._kept.append(self._scratch.keep(self._strip))
                self._strip, self._used = self._empty(), 0

    def joined(self, order: NDArray[np.intp] | None, dtype: Any = None) -> NDArray[Any]:
        """All of them, [N, J] or [J, N]; what was kept is let go."""
        kept = [*self._kept, self._part(self._strip, 0, self._used)]
        join = self._scratch.beneath if self._samples_first else self._scratch.beside
        joined = join(kept, order, np.dtype(dtype or self.dtype))
        self._kept = []
        return joined

    def _part(self, array: NDArray[Any], begin: int, count: int) -> NDArray[Any]:
        part = slice(begin, begin + count)
        return array[part] if self._samples_first else array[:, part]

    def _empty(self) -> NDArray[Any]:
        shape = (self._length, self._nodes) if self._samples_first else (self._nodes, self._length)
        return np.empty(shape, self.dtype)


class LayerCollector:
    """Keeps of a layer what is recorded.

    Parameters
    ----------
    layer : FoundLayer
    positions : {'summary', 'rows', 'last'}
        Of a layer with positions. Only tokens have a last one; of images it is a summary.
    per_sample : int or None
        With rows: the largest number of positions of a sample, chosen by a seed.
    theta_threshold : float
    n_samples : int or None
        N, if it is known.
    """

    def __init__(
        self,
        layer: FoundLayer,
        scratch: Scratch,
        *,
        positions: Positions,
        per_sample: int | None,
        theta_threshold: float,
        n_samples: int | None,
    ) -> None:
        self.layer = layer
        self._scratch = scratch
        self._per_sample = per_sample
        self._threshold = float(theta_threshold)
        self._n_samples = n_samples
        has_tokens = layer.node_axis > 1
        self._how = "summary" if positions == "last" and not has_tokens else positions
        self._clip = clip_of(layer)
        self._positions: int | None = None
        self._is_masked = False
        self._counts: list[NDArray[np.int64]] = []
        self._rows: Strips | None = None
        self._summary: dict[str, Strips] | None = None
        self._values: Any = None
        self._places: list[NDArray[np.int32]] = []
        self.n_seen = 0

    @property
    def needs_inputs_only(self) -> bool:
        """Whether its activations follow from its pre-activations so simply that they need not be looked at."""
        is_plain = self.layer.positions == 1 and self.layer.node_axis == 1
        return is_plain or self._how != "summary" or self._clip is not None

    def add(self, z: Tensor, a: Tensor, batch: Batch) -> None:
        """Take in pre-activations and activations [B, J] or [B, J, P...] of the samples of a batch.

        Raises
        ------
        NetworkError
            If the number of positions differs from that of other batches and no mask says which count.
        """
        self._check(z, batch)
        self.n_seen += len(z)
        positions = math.prod(z.shape[2:])
        valid = batch.valid(self.layer, positions)
        if self._is_plain(positions):
            self._add_rows(_in_memory(z.flatten(1)).T, np.ones(len(z), np.int64), None)
        elif self._how == "last":
            last = np.full(len(z), positions - 1) if valid is None else _last(valid)
            self._add_rows(_in_memory(z.flatten(2)[torch.arange(len(z)), :, last]).T, np.ones(len(z), np.int64), None)
        elif self._how == "rows":
            self._add_positions(z.flatten(2), valid, batch)
        else:
            self._add_summary(z, a, valid)

    def _is_plain(self, positions: int) -> bool:
        return positions == 1 and self._positions == 1 and not self._is_masked

    def _check(self, z: Tensor, batch: Batch) -> None:
        if z.shape[1] != self.layer.nodes:
            raise NetworkError(
                f"Layer {self.layer.name} has {z.shape[1]} nodes in batch {batch.number} and {self.layer.nodes} before. "
                f'Hint: leave it out: "!{self.layer.name}"'
            )
        if len(z) != len(batch.samples):
            raise NetworkError(
                f"Layer {self.layer.name} gives values for {len(z)} samples in batch {batch.number}, which has "
                f"{len(batch.samples)}"
            )
        positions = math.prod(z.shape[2:])
        has_mask = z.ndim > 2 and batch.mask is not None and batch.mask.shape[1] == positions
        if self._positions is None:
            self._positions, self._is_masked = positions, has_mask
        elif positions != self._positions and not (has_mask and self._is_masked):
            raise NetworkError(
                f"Layer {self.layer.name} has {positions} positions in batch {batch.number} and {self._positions} before: "
                "tokens of different lengths and no mask. Hint: return attention_mask from preprocess, or give mask"
            )

    def _add_rows(
        self, rows_JR: NDArray[np.float32], counts: NDArray[np.int64], places: NDArray[np.int32] | None
    ) -> None:
        if self._rows is None:
            self._rows = Strips(self._scratch, self.layer.nodes, np.float32)
        self._rows.add(rows_JR)
        self._counts.append(counts)
        if places is not None:
            self._places.append(places)

    def _add_positions(self, z_BJP: Tensor, valid: NDArray[np.bool_] | None, batch: Batch) -> None:
        """Each position as a row, or a choice of them."""
        n, positions = len(z_BJP), z_BJP.shape[2]
        kept = np.ones((n, positions), np.bool_) if valid is None else valid
        place = np.cumsum(kept, axis=1) - 1  # among those that count, so that padding changes nothing
        if self._per_sample is not None and self._per_sample < positions:
            kept = kept & chosen_positions(batch.samples, place, kept, self._per_sample)
        if kept.all():
            rows = _in_memory(z_BJP.transpose(0, 1)).reshape(z_BJP.shape[1], -1)
        else:
            rows = _in_memory(z_BJP.transpose(1, 2)[torch.from_numpy(kept).to(z_BJP.device)]).T
        self._add_rows(rows, kept.sum(axis=1), place[kept].astype(np.int32))

    def _add_summary(self, z: Tensor, a: Tensor, valid: NDArray[np.bool_] | None) -> None:
        from nodescope.recording.summarising import ValuesCollector, summarise  # compiles loops

        n, nodes = z.shape[:2]
        positions = math.prod(z.shape[2:])
        if self._summary is None:
            on = np.uint32 if self._is_masked else np.min_scalar_type(positions)
            types = {"mean": np.float32, "largest": np.float32, "activation": np.float32, "on": on}
            self._summary = {
                name: Strips(self._scratch, nodes, dtype, samples_first=True) for name, dtype in types.items()
            }
            self._values = ValuesCollector(self._kinds(), self._n_samples, self._clip)
        found = summarise(z, None if self._clip else a, self._threshold, self._clip or (0.0, 0.0), valid)
        for name, strips in self._summary.items():
            strips.add(getattr(found, name))
        self._counts.append(np.full(n, positions) if valid is None else valid.sum(axis=1))
        for level, which in self._values.chosen(n, nodes * positions):
            needed = [z] if self._clip or self.layer.values == "output" else [z, a]
            self._values.add(level, *(_chosen(each, which, valid) for each in needed))

    def _kinds(self) -> Any:
        return LayerMetadata("", "", self.layer.activation, (1,), (), values=self.layer.values).kinds

    def write(
        self, path: Path, order: Order, *, dataset: str, layer: str, class_names: Sequence[str], name: str
    ) -> LayerMetadata:
        """Write the file of the layer, and what belongs to it."""
        counts = np.concatenate(self._counts) if self._counts else np.empty(0, np.int64)
        own_counts = counts if order.places is None else counts[order.places]
        most = int(counts.max()) if len(counts) else self.layer.positions
        is_plain = self._summary is None and not self._places
        varies = not is_plain and bool((counts != most).any())
        metadata = LayerMetadata(
            dataset=dataset,
            layer=layer,
            activation=self.layer.activation,
            node_shape=(self.layer.nodes,) if is_plain else (self.layer.nodes, most),
            class_names=tuple(class_names),
            name=name,
            values=self.layer.values,
            parameters={key: _number_or_tuple(value) for key, value in self.layer.parameters.items()},
            holds="each" if self._summary is None else "summary",
            theta_threshold=None if self._summary is None else self._threshold,
            varying_positions=varies,
        )
        recorded: Any
        if self._summary is not None:
            on = np.min_scalar_type(most)
            arrays = {
                key: strips.joined(order.places, on if key == "on" else None) for key, strips in self._summary.items()
            }
            recorded = Summary(**arrays, values=self._values.finished())
        else:
            assert self._rows is not None  # there is a batch
            recorded = self._rows.joined(order.places if is_plain else order.of_rows(counts))
        positions = None
        if self._places and (varies or self._per_sample is not None):
            positions = np.concatenate(self._places)
            of_rows = order.of_rows(counts)
            positions = positions if of_rows is None else positions[of_rows]
        write(
            path,
            recorded,
            order.labels,
            order.samples,
            metadata,
            position_counts=own_counts if varies else None,
            positions=positions,
        )
        return metadata


def clip_of(layer: FoundLayer) -> tuple[float, float] | None:
    """The limits between which an activation function only clips; None of others."""
    if layer.activation not in CLIPPING or layer.values != "pre_activation":
        return None
    low, high = activation_function(layer.activation, layer.parameters).bounds
    assert low is not None  # of these functions
    return low, np.inf if high is None else high


def chosen_positions(
    samples: NDArray[np.int64], place: NDArray[np.int64], valid: NDArray[np.bool_], count: int
) -> NDArray[np.bool_]:
    """A seeded choice of at most so many positions of each sample [B, P], the same whatever the batch and padding."""
    from nodescope.recording.summarising import mix

    seeds = mix(samples.astype(np.uint64))[:, None]
    with np.errstate(over="ignore"):
        drawn = mix(seeds + place.astype(np.uint64)) >> np.uint64(1)
    drawn = np.where(valid, drawn, np.uint64(2**64 - 1))
    limit = np.partition(drawn, count - 1, axis=1)[:, count - 1 : count]
    chosen: NDArray[np.bool_] = (drawn <= limit) & valid
    return chosen


def _chosen(values: Tensor, which: Any, valid: NDArray[np.bool_] | None) -> NDArray[np.float32]:
    """The values of some samples, of positions that count, as a list."""
    whole = isinstance(which, slice)
    own = values if whole else values[torch.from_numpy(which).to(values.device)]
    if valid is None:
        return _in_memory(own.flatten(2)).reshape(-1)
    kept = torch.from_numpy(valid if whole else valid[which]).to(values.device)
    return _in_memory(own.flatten(2).transpose(1, 2)[kept]).reshape(-1)


def _in_memory(values: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = values.detach().to("cpu", torch.float32).numpy()
    return array


def _last(valid: NDArray[np.bool_]) -> NDArray[np.intp]:
    places: NDArray[np.intp] = valid.shape[1] - 1 - valid[:, ::-1].argmax(axis=1)
    return places


def _number_or_tuple(value: Any) -> float | tuple[float, ...]:
    return tuple(map(float, value)) if isinstance(value, list | tuple) else float(value)
