"""Progress of a long training on disk, so that a job that was stopped goes on where it was.

Snakemake deletes the outputs of a failed job; the progress folder is not an output. It is keyed by a
fingerprint of everything that affects the result, so that progress of other settings is never picked up.
"""

import hashlib
import json
import logging
import shutil
from pathlib import Path
from typing import Any

import torch

from nodescope.jobs.dependencies import code_digest, family_modules
from nodescope.messages.errors import DamagedFileError
from nodescope.storage.files import atomic_path
from nodescope.storage.tensors import load_tensors, save_tensors
from nodescope.training.evaluation import CURVES
from nodescope.training.state import TrainingState

logger = logging.getLogger(__name__)


def fingerprint(settings: dict[str, Any], family: str) -> str:
    """A digest of the settings, of the code that trains networks of a family, and of what else a result depends on."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    digest.update(f"torch {torch.__version__} threads {torch.get_num_threads()}".encode())
    digest.update(
        code_digest("nodescope.training.search", "nodescope.training.rounds", *family_modules(family)).encode()
    )
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
        self._snapshots: dict[int, list[str]] = {}
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
            **{f"observed/{name}": t for name, t in state.observed.items()},
            "best_epoch": torch.from_numpy(state.best_epoch),
        }
        snapshots = json.dumps(self._snapshots.get(round_index, []))
        save_tensors(self._round(round_index), tensors, {"epoch": str(state.epoch), "snapshots": snapshots})

    def load(self, round_index: int, device: str) -> TrainingState | None:
        """The saved state of a round, its tensors on a device.

        Returns
        -------
        TrainingState or None
            None where there is none that can be read, or a snapshot that belongs to it is lost: the round then begins
            anew.
        """
        if not self._round(round_index).is_file():
            return None
        parts: dict[str, dict[str, torch.Tensor]] = {
            "tensors": {},
            "best": {},
            "optimiser": {},
            "curves": {},
            "observed": {},
        }
        try:
            found, metadata = load_tensors(self._round(round_index))
            epoch, best_epoch = int(metadata["epoch"]), found.pop("best_epoch").numpy()
            for key, tensor in found.items():
                part, _, name = key.partition("/")
                parts[part][name] = tensor if part in ("curves", "observed") else tensor.to(device)
            curves = {name: parts["curves"][name].numpy() for name in CURVES}
            snapshots = json.loads(metadata["snapshots"])
            for snapshot in snapshots:
                self.load_snapshot(round_index, snapshot)
            self._snapshots[round_index] = snapshots
        except (DamagedFileError, KeyError, ValueError) as error:
            logger.warning("The saved state cannot be used; training restarts: %s", error)
            return None
        return TrainingState(
            epoch, parts["tensors"], parts["best"], parts["optimiser"], best_epoch, curves, parts["observed"]
        )

    def save_snapshot(self, round_index: int, name: str, tensors: dict[str, torch.Tensor]) -> None:
        """Keep the stack as it is now; ``name`` is that of the state."""
        save_tensors(self._snapshot(round_index, name), tensors, {})
        self._snapshots.setdefault(round_index, []).append(name)

    def load_snapshot(self, round_index: int, name: str) -> dict[str, torch.Tensor]:
        """The stack as it was then.

        Raises
        ------
        DamagedFileError
        """
        return load_tensors(self._snapshot(round_index, name))[0]

    def folder_of(self, round_index: int, name: str) -> Path:
        """A folder for what else belongs to a round."""
        return self.path / f"round-{round_index}-{name}"

    def _round(self, round_index: int) -> Path:
        return self.path / f"round-{round_index}.safetensors"

    def _snapshot(self, round_index: int, name: str) -> Path:
        return self.path / f"round-{round_index}-{name}.safetensors"

    def remove(self) -> None:
        """Delete the folder; the configuration is done."""
        shutil.rmtree(self.path, ignore_errors=True)
