"""All recordings of a configuration, for analyses that look at several layers, states or seeds together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nodescope.measuring.layers import RecordedLayer, recorded_layers
from nodescope.recording import LayerActivations, read
from nodescope.study.layout import activation_path


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
    """

    folder: str
    seeds: tuple[int, ...]
    states: tuple[str, ...]
    theta_threshold: float
    kept_epochs: Mapping[int, int] = field(default_factory=dict)

    def layers(self) -> list[int]:
        """The numbers of the hidden layers, from 1 on."""
        return recorded_layers(self.folder, self.seeds[0], self.states[-1])

    def layer(self, seed: int, state: str, layer: int) -> RecordedLayer:
        """A layer of one network in one state; what it reads is held only by what this returns."""
        return RecordedLayer(self.folder, seed, state, layer, self.theta_threshold)

    def splits(self, seed: int, state: str) -> list[str]:
        """Those that were recorded."""
        return sorted(path.name for path in Path(self.folder, f"seed-{seed}", state).iterdir() if path.is_dir())

    def output(self, seed: int, state: str, split: str) -> LayerActivations | None:
        """What a network gives for each sample; None where it is not recorded."""
        path = Path(activation_path(self.folder, seed, state, split, "output"))
        return read(path) if path.is_file() else None
