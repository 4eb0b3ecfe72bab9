"""Measure the patterns of all hidden layers of a network while it trains, without changing anything.

Dimension letters: N sample, W word, T pattern.

A `PatternProbe` belongs to one net. At each measured step it runs the same samples, in the same order, through the
net in evaluation mode, its batch normalisation settled where that is asked for, and counts the patterns of each layer
as they come; no activation is stored. What it keeps:

| what | where | how much |
|---|---|---|
| the table so far | memory, and the trainer's checkpoint | a row per time and layer |
| counted patterns of the first and of the previous time | memory, and the checkpoint | the distinct patterns, see `counting` |
| patterns of the first ``hamming_samples`` samples then | likewise | 1, 2, 4 or 8 bytes per 64 nodes, sample and position |
| both at the times to be compared with the last | a file per time, in a folder of the training's progress | likewise |
"""

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call

from nodescope.networks.hidden import hidden_layers
from nodescope.networks.hooks import hooked
from nodescope.networks.normalisation import settle_batch_norm
from nodescope.networks.undisturbed import undisturbed
from nodescope.numerics.pattern_packing import pack_layer
from nodescope.training.pattern_counter import LayerPatterns
from nodescope.training.pattern_states import KeptStates, NetworkState, to_state, to_tensors
from nodescope.training.tables import PATTERN_EVOLUTION, SIMILARITIES

Tensor = torch.Tensor

#: Samples at a time. On a CPU the activations of a convolution should stay in a core's cache (32 images of ResNet-20
#: take a third of the time per image of 256), while fully connected layers want larger products.
IMAGES_AT_A_TIME = 32
SAMPLES_AT_A_TIME = 1024
ON_GPU_AT_A_TIME = 2048


@dataclass(frozen=True)
class ProbeSamples:
    """What is run through the nets, always in this order: x [N, ...] on the device, labels [N].

    Attributes
    ----------
    settled_by : Tensor or None
        The samples [M, ...] whose statistics batch normalisation takes at each time; None for its running statistics.
    """

    x: Tensor
    labels: NDArray[np.int64]
    n_classes: int
    settled_by: Tensor | None = None


class PatternProbe:
    """Follows the patterns of one net through its training.

    Parameters
    ----------
    samples
        See `ProbeSamples`.
    threshold
        A node is on where its pre-activation exceeds this.
    steps_per_epoch
    hamming_samples
        The first so many samples are also compared one by one.
    kept_steps
        Measured steps that are to be compared with the last one, which is the last of them.
    folder
        For what is kept of them.
    """

    def __init__(
        self,
        samples: ProbeSamples,
        *,
        threshold: float,
        steps_per_epoch: int,
        hamming_samples: int,
        kept_steps: list[int],
        folder: str | Path,
    ) -> None:
        self._samples = samples
        self._threshold = threshold
        self._steps_per_epoch = steps_per_epoch
        self._hamming_samples = min(hamming_samples, len(samples.x))
        self._kept_steps = kept_steps
        self._kept = KeptStates(folder)
        self._rows: list[dict[str, Any]] = []
        self._initial: NetworkState = []
        self._previous: NetworkState = []

    def measure(
        self, network: nn.Module, step: int, samples_seen: int, tensors: dict[str, Tensor] | None = None
    ) -> None:
        """Measure the net as it is now; nothing of it changes.

        Parameters
        ----------
        network
            Its hidden layers are those that `nodescope.networks.hidden.hidden_layers` names.
        step, samples_seen
            Steps taken and samples seen by the training so far.
        tensors
            Parameters and buffers to take instead of the network's own.
        """
        layers = hidden_layers(network)
        counters = self._count(network, layers.values(), tensors)
        now = [counter.state() for counter in counters]
        nothing: NetworkState = [None] * len(now)
        comparisons = {"initial": self._initial or now, "previous": self._previous or nothing}
        for index, (layer_name, counter, state) in enumerate(zip(layers, counters, now, strict=True)):
            row: dict[str, Any] = {"step": step, "epoch": step / self._steps_per_epoch, "samples_seen": samples_seen}
            row |= {"layer": index + 1, "layer_name": layer_name, **counter.row()}
            if state is not None:
                for name, reference in comparisons.items():
                    row |= state.similarities(reference[index], name)
            self._rows.append(row)
        self._initial, self._previous = comparisons["initial"], now
        if step in self._kept_steps:
            self._kept.save(step, now)

    def _count(
        self, network: nn.Module, layers: Iterable[nn.Module], tensors: dict[str, Tensor] | None
    ) -> list[LayerPatterns]:
        labels, n_classes = self._samples.labels, self._samples.n_classes
        pairs = [(layer, LayerPatterns(labels, n_classes, self._hamming_samples)) for layer in layers]
        if tensors is None:
            tensors = dict(network.named_parameters()) | dict(network.named_buffers())
        on_gpu = self._samples.x.is_cuda
        has_images = any(tensor.ndim == 4 for tensor in tensors.values())
        if has_images and not on_gpu:  # convolutions then compute channels last, a third faster on a CPU
            tensors = {
                name: tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
                for name, tensor in tensors.items()
            }
        at_a_time = ON_GPU_AT_A_TIME if on_gpu else IMAGES_AT_A_TIME if has_images else SAMPLES_AT_A_TIME
        with undisturbed(network), torch.inference_mode():
            if self._samples.settled_by is not None:
                tensors = {name: t.clone() if "running_" in name else t for name, t in tensors.items()}
                settle_batch_norm(network, self._samples.settled_by, tensors)
            with hooked(layer.register_forward_pre_hook(self._counting(counter)) for layer, counter in pairs):
                for part in torch.split(self._samples.x, at_a_time):
                    functional_call(network, tensors, (part,))
        return [counter for _, counter in pairs]

    def _counting(self, counter: LayerPatterns) -> Callable[[nn.Module, tuple[Tensor]], None]:
        """A hook."""

        def count(layer: nn.Module, inputs: tuple[Tensor]) -> None:
            (z,) = inputs
            words_WT, finite = pack_layer(z, self._threshold)
            counter.add(words_WT, z.shape[1], len(z), finite=finite)

        return count

    def table(self) -> pl.DataFrame:
        """What `PATTERN_EVOLUTION` declares; similarities to the final state once that has been measured.

        Raises
        ------
        DamagedFileError
            If what was kept for them cannot be read.
        """
        frame = _typed(self._rows)
        last = self._kept_steps[-1]
        if self._rows and self._rows[-1]["step"] == last:
            to_final = _typed(self._compared_with_final())
            columns = [f"{similarity}_final" for similarity in SIMILARITIES]
            frame = frame.drop(columns).join(
                to_final.select("step", "layer", *columns), on=["step", "layer"], how="left", maintain_order="left"
            )
        share = pl.col("distinct") / pl.col("patterns")
        return frame.with_columns(distinct_share=share).select(*PATTERN_EVOLUTION.schema())

    def _compared_with_final(self) -> Iterator[dict[str, Any]]:
        final = self._previous
        shape = {row["layer"]: (row["nodes"], row["patterns"]) for row in self._rows}
        for step in self._kept_steps:
            then = self._kept.load(step, shape)
            for index, (state, reference) in enumerate(zip(then, final, strict=True)):
                found = {} if state is None else state.similarities(reference, "final")
                yield {"step": step, "layer": index + 1, **found}

    def checkpoint(self) -> dict[str, Tensor]:
        """All that a stopped training needs to go on measuring, for the trainer's own checkpoint."""
        buffer = io.BytesIO()
        _typed(self._rows).write_parquet(buffer)
        rows = torch.from_numpy(np.frombuffer(buffer.getvalue(), np.uint8).copy())
        return {"rows": rows, **to_tensors(self._initial, "initial/"), **to_tensors(self._previous, "previous/")}

    def restore(self, saved: dict[str, Tensor]) -> None:
        """Go on from a checkpoint.

        Raises
        ------
        DamagedFileError
            If what was kept on disk since then is not there any more.
        """
        self._rows = pl.read_parquet(io.BytesIO(saved["rows"].numpy().tobytes())).to_dicts()
        shape = {row["layer"]: (row["nodes"], row["patterns"]) for row in self._rows}
        self._initial = to_state(saved, "initial/", shape)
        self._previous = to_state(saved, "previous/", shape)
        reached = self._rows[-1]["step"]
        self._kept.check(step for step in self._kept_steps if step <= reached)

    def remove(self) -> None:
        """Delete what was kept; the table has been made."""
        self._kept.remove()


def _typed(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """All columns of the table, those that no row has as null."""
    return pl.DataFrame(list(rows), schema=PATTERN_EVOLUTION.schema())
