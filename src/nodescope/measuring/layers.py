"""One recorded layer of one net, as the analyses see it: J nodes, N samples, C classes, P positions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from nodescope.measuring.reading import RecordingReader
from nodescope.measuring.sums import (
    LayerSums,
    correlations_of,
    covariances_of,
    normalised,
    projections_of,
    squared_lengths_of,
)
from nodescope.recording import LayerActivations
from nodescope.recording.outputs import accuracy_of, predictions_of
from nodescope.study.layout import activation_path

FoundT = TypeVar("FoundT")


@dataclass(frozen=True)
class RecordedLayer:
    """A layer of one net in one state; its activations are read when first asked for.

    Attributes
    ----------
    folder : str
        The activations of the configuration.
    seed : int
    state : str
    layer : int
        1-based.
    theta_threshold : float
        A node is on (theta = 1) where its pre-activation exceeds this.
    """

    folder: str
    seed: int
    state: str
    layer: int
    theta_threshold: float
    _reader: RecordingReader = field(default_factory=RecordingReader, repr=False, compare=False)
    _read: dict[str, LayerActivations] = field(default_factory=dict, repr=False, compare=False)
    _found: dict[tuple[str, str], Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def splits(self) -> tuple[str, ...]:
        """Those that were recorded; of recordings made elsewhere some may be missing."""
        return tuple(sorted({*self._once("splits", "", self._recorded_splits), *self._read}))

    def _recorded_splits(self) -> list[str]:
        found = Path(self.folder, f"seed-{self.seed}", self.state).glob(f"*/layer-{self.layer}.parquet")
        return [path.parent.name for path in found]

    @property
    def reference_split(self) -> str:
        """The split by which it is decided which nodes are dead: the training split where it was recorded."""
        return "train" if "train" in self.splits else self.splits[0]

    def read(self, split: str) -> LayerActivations:
        """The layer's activations on a split; kept, for analyses that one job makes together."""
        if split not in self._read:
            path = activation_path(self.folder, self.seed, self.state, split, self.layer)
            self._read[split] = self._reader.read(str(path))
        return self._read[split]

    def _once(self, name: str, split: str, compute: Callable[[], FoundT]) -> FoundT:
        if (name, split) not in self._found:
            self._found[name, split] = compute()
        found: FoundT = self._found[name, split]
        return found

    def sums(self, split: str) -> LayerSums:
        """What several analyses need of the activations on a split; from one pass over them."""
        return self._once("sums", split, lambda: self._reader.sums(self.read(split), self.theta_threshold))

    def correlations(self, split: str) -> NDArray[np.float64]:
        """Pearson correlation of the activations of all pairs of nodes [J, J]; NaN of constant nodes."""
        return self._once("correlations", split, lambda: correlations_of(self.read(split), self.sums(split)))

    def normalised(self, split: str) -> Iterator[NDArray[np.float64]]:
        """Activations of some samples after another, see `nodescope.measuring.sums.normalised`."""
        return normalised(self.read(split), self.sums(split))

    def covariances(self, split: str) -> NDArray[np.float64]:
        """Covariance of the activations of all pairs of nodes, see `nodescope.measuring.sums.covariances_of`."""
        return covariances_of(self.sums(split), self.correlations(split))

    def squared_lengths(self, split: str) -> NDArray[np.float64]:
        """Squared length of each sample's centred activations, see `nodescope.measuring.sums.squared_lengths_of`."""
        return squared_lengths_of(self.read(split), self.sums(split))

    def projections(
        self, split: str, directions_JK: NDArray[np.float64], centre_J: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Activations along some directions, see `nodescope.measuring.sums.projections_of`."""
        return projections_of(self.read(split), directions_JK, centre_J)

    def forget(self) -> None:
        """Let go of what was read and computed."""
        self._read.clear()
        self._found.clear()

    def network_accuracy(self, split: str) -> float | None:
        """Accuracy of the whole net on a split; see `nodescope.recording.outputs.accuracy_of`."""
        output = self._output(split)
        return None if output is None else accuracy_of(output)

    def network_predictions(self, split: str) -> NDArray[np.int32] | None:
        """The class that the whole net predicts for each sample of the layer [N]; None where that is not known."""
        output = self._output(split)
        if output is None or not np.array_equal(output.samples, self.read(split).samples):
            return None
        return predictions_of(output)

    def _output(self, split: str) -> LayerActivations | None:
        path = Path(activation_path(self.folder, self.seed, self.state, split, "output"))
        return self._reader.read(path) if path.is_file() else None

    def theta(self, activations: LayerActivations) -> NDArray[np.bool_]:
        """The binary switch theta [J, N] (methods, section 1): whether a node is on for a sample, at any position."""
        if activations.positions > 1:
            return activations.on_counts(self.theta_threshold) > 0
        theta_JN: NDArray[np.bool_] = np.asarray(activations.z > self.theta_threshold)
        return theta_JN

    def active_counts(self, activations: LayerActivations) -> NDArray[np.int64]:
        """Number of samples of each class for which each node is on [J, C]; over all positions, at most `switch_counts`."""
        return self._once("active counts", str(activations.path), lambda: self._active_counts(activations))

    def _active_counts(self, activations: LayerActivations) -> NDArray[np.int64]:
        """NumPy counts a long stretch of switches several times as fast as short ones along an axis."""
        if activations.positions > 1:
            return _sums_by_class(activations.on_counts(self.theta_threshold), activations)
        counts = [_count(activations.z[:, samples], self.theta_threshold) for samples in activations.class_slices()]
        return np.stack(counts, axis=1)

    def finite_nodes(self, activations: LayerActivations) -> NDArray[np.bool_]:
        """Nodes [J] whose values are all finite; a diverged net has others."""
        return self._once("finite", str(activations.path), activations.finite_nodes)

    def switch_counts(self, activations: LayerActivations) -> NDArray[np.int64]:
        """Samples of each class, over all positions [C]: how often a node could be on."""
        if activations.positions == 1:
            return activations.class_counts()
        counts = activations.position_counts().astype(np.int64)
        return np.array([counts[samples].sum() for samples in activations.class_slices()], np.int64)

    def active_samples(self, activations: LayerActivations) -> NDArray[np.int64]:
        """Number of samples of each class for which each node is on, at any position [J, C]."""
        if activations.positions > 1:
            return _sums_by_class(self.theta(activations), activations)
        return self.active_counts(activations)

    def dead_nodes(self, activations: LayerActivations) -> NDArray[np.bool_]:
        """Nodes [J] that are on at no position of any sample of any class."""
        dead_J: NDArray[np.bool_] = np.asarray(~self.theta(activations).any(axis=1))
        return dead_J


def recorded_layers(folder: str, seed: int, state: str) -> list[int]:
    """The numbers of the hidden layers that are recorded of a net, from 1 on."""
    found = Path(folder, f"seed-{seed}", state).glob("*/layer-*.parquet")
    return sorted({int(path.stem.removeprefix("layer-")) for path in found})


#: Values of a node that are counted together with those of others.
SHORT = 1024


def _count(z_JN: NDArray[np.float32], threshold: float) -> NDArray[np.int64]:
    """How many values of each row exceed a threshold [J]."""
    if z_JN.shape[1] <= SHORT:
        return np.asarray(np.count_nonzero(z_JN > threshold, axis=1), np.int64)
    return np.array([np.count_nonzero(z_N > threshold) for z_N in z_JN], np.int64)


def _sums_by_class(counts_JN: NDArray[Any], activations: LayerActivations) -> NDArray[np.int64]:
    sums = [counts_JN[:, samples].sum(axis=1, dtype=np.int64) for samples in activations.class_slices()]
    return np.stack(sums, axis=1)
