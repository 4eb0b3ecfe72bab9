"""What is kept of the patterns of a network at one time, for comparisons with another: in memory, and in files.

Dimension letters: W word, K distinct pattern, T pattern.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from nodescope.messages.errors import DamagedFileError
from nodescope.numerics.pattern_counting import CountedPatterns, hamming_share
from nodescope.storage.tensors import load_tensors, save_tensors
from nodescope.training.tables import SIMILARITIES

Tensor = torch.Tensor


@dataclass(frozen=True)
class LayerState:
    """The patterns of a layer at one time: counted, and those of the first samples one by one [W, T]."""

    counted: CountedPatterns
    first_WT: NDArray[np.unsignedinteger]

    def similarities(self, reference: "LayerState | None", name: str) -> dict[str, float | None]:
        """Columns of the comparison with another time; null where there is none to compare with."""
        if reference is None:
            return {f"{similarity}_{name}": None for similarity in SIMILARITIES}
        jaccard, weighted = reference.counted.similarity(self.counted)
        hamming = hamming_share(self.first_WT, reference.first_WT, self.counted.nodes)
        return {f"jaccard_{name}": jaccard, f"weighted_jaccard_{name}": weighted, f"hamming_{name}": hamming}


#: The layers at one time; None for one with values that are not finite.
NetworkState = list[LayerState | None]


class KeptStates:
    """States in a folder, a file for each step.

    Parameters
    ----------
    folder
        Of the training's progress.
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def save(self, step: int, state: NetworkState) -> None:
        """Keep a state."""
        save_tensors(self._path(step), to_tensors(state, ""), {})

    def load(self, step: int, shape: dict[int, tuple[int, int]]) -> NetworkState:
        """What was kept; ``shape`` as in `to_state`.

        Raises
        ------
        DamagedFileError
            If it cannot be read.
        """
        return to_state(load_tensors(self._path(step))[0], "", shape)

    def check(self, steps: Iterable[int]) -> None:
        """Whether all of these are there.

        Raises
        ------
        DamagedFileError
            If one is not.
        """
        for step in steps:
            if not self._path(step).is_file():
                raise DamagedFileError(f"{self._path(step)} is missing.")

    def remove(self) -> None:
        """Delete all of them."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, step: int) -> Path:
        return self._folder / f"step-{step}.safetensors"


def to_tensors(state: NetworkState, prefix: str) -> dict[str, Tensor]:
    """Words as signed numbers: not everything in PyTorch knows the others."""
    tensors = {}
    for index, layer in enumerate(state):
        if layer is not None:
            arrays = {**layer.counted.arrays(), "first": layer.first_WT}
            for name, array in arrays.items():
                signed = array.view(f"i{array.itemsize}")
                tensors[f"{prefix}{index}/{name}"] = torch.from_numpy(np.ascontiguousarray(signed))
    return tensors


def to_state(tensors: dict[str, Tensor], prefix: str, shape: dict[int, tuple[int, int]]) -> NetworkState:
    """What `to_tensors` gave; ``shape`` has nodes and number of patterns of each layer (from 1)."""
    state: NetworkState = []
    for layer in sorted(shape):
        name = f"{prefix}{layer - 1}"
        if f"{name}/words" not in tensors:
            state.append(None)
            continue
        arrays = {part: tensors[f"{name}/{part}"].numpy() for part in ("words", "counts", "first")}
        nodes, patterns = shape[layer]
        first_WT = arrays.pop("first")
        state.append(
            LayerState(
                CountedPatterns.from_arrays(nodes, arrays["words"].view(np.uint64), arrays["counts"], patterns),
                first_WT.view(f"u{first_WT.itemsize}"),
            )
        )
    return state
