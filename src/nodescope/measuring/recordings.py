"""All recordings of a configuration, for analyses that look at several layers, states or seeds together."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nodescope.measuring.layers import RecordedLayer, recorded_layers
from nodescope.measuring.reading import RecordingReader
from nodescope.measuring.sketches import Sketch, sketch_of
from nodescope.recording import LayerActivations
from nodescope.recording.outputs import predictions_of
from nodescope.study.layout import activation_path


@dataclass(frozen=True)
class Predictions:
    """What a network predicts.

    Attributes
    ----------
    samples, labels : int32 array [N]
        Index in the data set, and class.
    predicted : int32 array [N] or None
        None where that is not known; see `nodescope.recording.outputs.predictions_of`.
    n_classes : int
    """

    samples: NDArray[np.int32]
    labels: NDArray[np.int32]
    predicted: NDArray[np.int32] | None
    n_classes: int


@dataclass(frozen=True)
class RecordedNetworks:
    """The recorded networks of a configuration.

    Attributes
    ----------
    folder : str
        Their recordings.
    seeds : tuple of int
    states : tuple of str
        In the order of training; the last is the one that is kept.
    theta_threshold : float
        Of the study.
    kept_epochs : mapping
        After which epoch the kept network of each seed is; a seed is missing where that is not known.
    batch_size : int, 'all' or None
        Samples per step of the training; None where that is not known.
    """

    folder: str
    seeds: tuple[int, ...]
    states: tuple[str, ...]
    theta_threshold: float
    kept_epochs: Mapping[int, int] = field(default_factory=dict)
    batch_size: int | Literal["all"] | None = None
    _reader: RecordingReader = field(default_factory=RecordingReader, repr=False, compare=False)

    def layers(self) -> list[int]:
        """The numbers of the hidden layers, from 1 on."""
        return recorded_layers(self.folder, self.seeds[0], self.states[-1])

    def layer(self, seed: int, state: str, layer: int) -> RecordedLayer:
        """A layer of one network in one state; what it reads is held only by what this returns."""
        return RecordedLayer(self.folder, seed, state, layer, self.theta_threshold, self._reader)

    def epoch(self, seed: int, state: str) -> float | None:
        """After which epoch a network has the parameters of a state; a fraction after a step, None where it is not known."""
        if state == "initial":
            return 0.0
        if state == self.states[-1] and seed in self.kept_epochs:
            return float(self.kept_epochs[seed])
        kind, _, number = state.rpartition("-")
        if not number.isdecimal() or kind not in ("epoch", "step"):
            return None
        if kind == "epoch":
            return float(number)
        steps = self._steps_per_epoch
        return None if steps is None else int(number) / steps

    @cached_property
    def _steps_per_epoch(self) -> int | None:
        """Known where all training samples are recorded and the training says how many a step takes."""
        path = Path(activation_path(self.folder, self.seeds[0], self.states[-1], "train", 1))
        if self.batch_size is None or not path.is_file():
            return None
        return 1 if self.batch_size == "all" else math.ceil(self._reader.read(path).n_samples / self.batch_size)

    def splits(self, seed: int, state: str) -> list[str]:
        """Those that were recorded."""
        return sorted(path.name for path in Path(self.folder, f"seed-{seed}", state).iterdir() if path.is_dir())

    def splits_of(self, wanted: Iterable[str]) -> list[str]:
        """Those that were recorded of some splits; where none was, what stands for training samples."""
        kept = self.layer(self.seeds[0], self.states[-1], self.layers()[0])
        return [split for split in wanted if split in kept.splits] or [kept.reference_split]

    def sketch(self, seed: int, state: str, layer: int, split: str, samples: int) -> Sketch | None:
        """A layer on so many samples of a split at most; None where the split was not recorded."""
        path = Path(activation_path(self.folder, seed, state, split, layer))
        return sketch_of(self._reader.read(path), samples) if path.is_file() else None

    def output(self, seed: int, state: str, split: str) -> LayerActivations | None:
        """What a network gives for each sample; None where it is not recorded."""
        path = Path(activation_path(self.folder, seed, state, split, "output"))
        return self._reader.read(path) if path.is_file() else None

    def predictions(self, seed: int, state: str, split: str) -> Predictions | None:
        """The class that a network predicts for each sample; None where no output is recorded, or samples have no classes."""
        output = self.output(seed, state, split)
        if output is None or not output.is_labelled:
            return None
        return Predictions(output.samples, output.labels, predictions_of(output), output.n_classes)
