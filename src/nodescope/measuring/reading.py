"""Read recorded layers, and keep the last of them: analyses that look at several layers together ask for them again and again."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nodescope.measuring.sums import LayerSums, sums_of
from nodescope.numerics.held import Held
from nodescope.recording import LayerActivations, read

#: Of what is kept, in bytes: all layers of a small study, none of a large one, of which a job holds one layer at a time.
LIMIT = 32_000_000
#: Larger ones are not kept, since they would push out all others.
LARGEST = LIMIT // 8


@dataclass(frozen=True)
class _Kept:
    activations: LayerActivations
    nbytes: int


class RecordingReader:
    """Reads the recordings of one configuration, which do not change meanwhile."""

    def __init__(self) -> None:
        self._read = Held(_kept, LIMIT)
        self._sums = Held(self._sums_of, LIMIT)

    def read(self, path: str | Path) -> LayerActivations:
        """One recorded layer, see `nodescope.recording.read`; what it holds is not to be written to."""
        if not _is_small(path):
            return read(path)
        return self._read(str(path)).activations

    def sums(self, activations: LayerActivations, theta_threshold: float) -> LayerSums:
        """Its sums; a node is on above the threshold."""
        if not _is_small(activations.path):
            return sums_of(activations, theta_threshold)
        return self._sums(str(activations.path), theta_threshold)

    def _sums_of(self, path: str, theta_threshold: float) -> LayerSums:
        return sums_of(self.read(path), theta_threshold)


def _is_small(path: str | Path) -> bool:
    try:
        return Path(path).stat().st_size <= LARGEST
    except OSError:  # reading it says what is wrong
        return False


def _kept(path: str) -> _Kept:
    activations = read(path)
    values = activations.n_nodes * int(activations.position_counts().sum())
    return _Kept(activations, values * np.dtype(np.float32).itemsize)
