"""Progress of a long training on disk, so that a job that was stopped goes on where it was.

Snakemake deletes the outputs of a failed job; the progress folder is not an output. It is keyed by a
fingerprint of everything that affects the result, so that progress of other settings is never picked up.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import nodescope
from nodescope.errors import DamagedFileError
from nodescope.files import atomic_path
from nodescope.tensors import load_tensors, save_tensors
from nodescope.training.replicas import CURVES, TrainingState

logger = logging.getLogger(__name__)


#: Parts of the package of which no trained net depends.
LATER_STAGES = ("analyses", "charts", "recording", "report", "reproduction")


def fingerprint(settings: dict[str, Any]) -> str:
    """A digest of the settings, of the code that trains, and of what else a result depends on."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    digest.update(f"torch {torch.__version__} threads {torch.get_num_threads()}".encode())
    package = Path(nodescope.__file__).parent
    for source in sorted(package.rglob("*.py")):
        name = source.relative_to(package)
        if name.parts[0] not in LATER_STAGES:
            digest.update(f"{name.as_posix()} {source.stat().st_size}".encode())
            digest.update(source.read_bytes())
    return digest.hexdigest()


class ProgressFolder:
    """The progress of one configuration: a checkpoint per round of the learning-rate search, and snapshots.

    Parameters
    ----------
    path
        The folder; what it holds of another fingerprint is deleted.
    key
        From `fingerprint`.
    """

    def __init__(self, path: str | Path, key: str) -> None:
        self.path = Path(path)
        marker = self.path / "fingerprint"
        if not marker.is_file() or marker.read_text(encoding="utf-8") != key:
            shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True, exist_ok=True)
        with atomic_path(marker) as temporary:
            temporary.write_text(key, encoding="utf-8")

    def save(self, round_index: int, state: TrainingState) -> None:
        """Write the state of a round; the previous one is replaced only when the new one is whole."""
        tensors = {
            **{f"tensors/{name}": t for name, t in state.tensors.items()},
            **{f"best/{name}": t for name, t in state.best.items()},
            **{f"optimiser/{name}": t for name, t in state.optimiser.items()},
            **{f"curves/{name}": torch.from_numpy(values) for name, values in state.curves.items()},
            "best_epoch": torch.from_numpy(state.best_epoch),
        }
        save_tensors(self._round(round_index), tensors, {"epoch": str(state.epoch)})

    def load(self, round_index: int, device: str, snapshots: Iterable[int] = ()) -> TrainingState | None:
        """The saved state of a round.

        Parameters
        ----------
        round_index, device
            Of the round; where its tensors shall lie.
        snapshots
            The epochs of which a snapshot is wanted; a state whose earlier snapshots are lost is of no use.

        Returns
        -------
        TrainingState or None
            None where there is none that can be read: the round then begins anew.
        """
        if not self._round(round_index).is_file():
            return None
        parts: dict[str, dict[str, torch.Tensor]] = {"tensors": {}, "best": {}, "optimiser": {}, "curves": {}}
        try:
            found, metadata = load_tensors(self._round(round_index))
            epoch, best_epoch = int(metadata["epoch"]), found.pop("best_epoch").numpy()
            for key, tensor in found.items():
                part, _, name = key.partition("/")
                parts[part][name] = tensor if part == "curves" else tensor.to(device)
            curves: dict[str, np.ndarray] = {name: parts["curves"][name].numpy() for name in CURVES}
            for snapshot in snapshots:
                if snapshot <= epoch:
                    self.load_snapshot(round_index, snapshot)
        except (DamagedFileError, KeyError, ValueError) as error:
            logger.warning("The saved state of this training is not used, it begins anew: %s", error)
            return None
        return TrainingState(epoch, parts["tensors"], parts["best"], parts["optimiser"], best_epoch, curves)

    def save_snapshot(self, round_index: int, state: TrainingState) -> None:
        """Keep the stack as it is after this epoch."""
        save_tensors(self._snapshot(round_index, state.epoch), state.tensors, {})

    def load_snapshot(self, round_index: int, epoch: int) -> dict[str, torch.Tensor]:
        """The stack as it was after that epoch.

        Raises
        ------
        DamagedFileError
        """
        return load_tensors(self._snapshot(round_index, epoch))[0]

    def _round(self, round_index: int) -> Path:
        return self.path / f"round-{round_index}.safetensors"

    def _snapshot(self, round_index: int, epoch: int) -> Path:
        return self.path / f"round-{round_index}-epoch-{epoch}.safetensors"

    def remove(self) -> None:
        """Delete the folder; the configuration is done."""
        shutil.rmtree(self.path, ignore_errors=True)
