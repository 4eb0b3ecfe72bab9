"""Progress of a long training on disk, so that a job that was stopped goes on where it was.

Snakemake deletes the outputs of a failed job; the progress folder is not an output. It is keyed by a
fingerprint of everything that affects the result, so that progress of other settings is never picked up.
"""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

import nodescope
from nodescope.files import atomic_path
from nodescope.training.replicas import CURVES, TrainingState


def fingerprint(settings: dict[str, Any]) -> str:
    """A digest of the settings, of the code that trains, and of what else a result depends on."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    digest.update(f"torch {torch.__version__} threads {torch.get_num_threads()}".encode())
    package = Path(nodescope.__file__).parent
    for source in sorted([*package.glob("models/*.py"), *package.glob("training/*.py")]):
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
            **{f"tensors/{name}": t.detach() for name, t in state.tensors.items()},
            **{f"best/{name}": t for name, t in state.best.items()},
            **{f"optimiser/{name}": t for name, t in state.optimiser.items()},
            **{f"curves/{name}": torch.from_numpy(values) for name, values in state.curves.items()},
            "best_epoch": torch.from_numpy(state.best_epoch),
        }
        with atomic_path(self.path / f"round-{round_index}.safetensors") as temporary:
            save_file(tensors, temporary, metadata={"epoch": str(state.epoch)})

    def load(self, round_index: int, device: str) -> TrainingState | None:
        """The saved state of a round, or None where there is none that can be read."""
        path = self.path / f"round-{round_index}.safetensors"
        if not path.is_file():
            return None
        parts: dict[str, dict[str, torch.Tensor]] = {"tensors": {}, "best": {}, "optimiser": {}, "curves": {}}
        try:
            with safe_open(path, framework="pt") as stream:
                epoch = int(stream.metadata()["epoch"])
                best_epoch = stream.get_tensor("best_epoch").numpy()
                for key in stream.keys():  # noqa: SIM118 - not a dict
                    part, _, name = key.partition("/")
                    if part in parts:
                        on_device = device if part != "curves" else "cpu"
                        # A copy, since a mapped file is not aligned as PyTorch's memory is, and the last bits of
                        # a sum may depend on the alignment.
                        parts[part][name] = stream.get_tensor(key).clone().to(on_device)
        except (SafetensorError, OSError, KeyError, ValueError):
            return None
        curves: dict[str, np.ndarray] = {name: parts["curves"][name].numpy() for name in CURVES}
        return TrainingState(epoch, parts["tensors"], parts["best"], parts["optimiser"], best_epoch, curves)

    def save_snapshot(self, round_index: int, state: TrainingState) -> None:
        """Keep the stack as it is after this epoch."""
        with atomic_path(self._snapshot(round_index, state.epoch)) as temporary:
            save_file({name: t.detach().contiguous() for name, t in state.tensors.items()}, temporary)

    def load_snapshot(self, round_index: int, epoch: int) -> dict[str, torch.Tensor]:
        """The stack as it was after that epoch."""
        with safe_open(self._snapshot(round_index, epoch), framework="pt") as stream:
            return {key: stream.get_tensor(key) for key in stream.keys()}  # noqa: SIM118 - not a dict

    def _snapshot(self, round_index: int, epoch: int) -> Path:
        return self.path / f"round-{round_index}-epoch-{epoch}.safetensors"

    def remove(self) -> None:
        """Delete the folder; the configuration is done."""
        shutil.rmtree(self.path, ignore_errors=True)
