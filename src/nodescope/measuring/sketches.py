"""The activations of a layer on a few samples, which are the same for all networks: for comparisons of layers."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from nodescope.recording import LayerActivations


@dataclass(frozen=True)
class Sketch:
    """The activations of a layer on some samples of a split.

    Attributes
    ----------
    values : float32 array [nodes, samples]
        Of a layer with positions the mean over them. Empty where ``known`` is false.
    known : bool
        Whether all values of the layer are finite.
    samples, labels : int32 array [samples]
        Index in the data set, ascending, and class; 0 of all samples that have no classes.
    dataset : str
        Its name.
    is_labelled : bool
    n_nodes, n_classes : int
    """

    values: NDArray[np.float32]
    known: bool
    samples: NDArray[np.int32]
    labels: NDArray[np.int32]
    dataset: str
    is_labelled: bool
    n_nodes: int
    n_classes: int

    @cached_property
    def sample_set(self) -> str:
        """Equal where the samples are the same in the same order."""
        ids = np.ascontiguousarray(self.samples, np.int64).tobytes()
        return hashlib.sha256(self.dataset.encode("utf-8", "surrogateescape") + b"\0" + ids).hexdigest()[:16]


def sketch_of(activations: LayerActivations, samples: int) -> Sketch:
    """A recorded layer on so many samples at most: evenly spaced over the recording, which is sorted by class."""
    there = activations.n_samples
    count = min(samples, there)
    chosen = np.arange(count) * there // max(count, 1)
    chosen = chosen[np.argsort(activations.samples[chosen], kind="stable")]
    known = bool(activations.finite_nodes().all())
    if not known:
        values = np.empty((0, 0), np.float32)
    elif activations.positions == 1:
        values = activations.metadata.activate(np.ascontiguousarray(activations.z[:, chosen]))
    else:
        values = np.ascontiguousarray(activations.a()[:, chosen])
    return Sketch(
        values,
        known,
        activations.samples[chosen],
        activations.labels[chosen],
        activations.metadata.dataset,
        activations.is_labelled,
        activations.n_nodes,
        activations.n_classes,
    )
