"""Tensors on disk, with a checksum: safetensors notices a truncated file, but not a flipped bit."""

import json
from pathlib import PurePath

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from nodescope.messages.errors import DamagedFileError
from nodescope.storage.digests import check_digest, digested_path

#: The one key of the file's metadata, which holds all texts as JSON: safetensors puts several in no certain order, and
#: the same network would give different files.
KEY = "nodescope"


def save_tensors(path: str | PurePath, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
    """Write named tensors and texts about them; whole or not at all."""
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with digested_path(path) as temporary:
        save_file(on_cpu, temporary, metadata={KEY: json.dumps(metadata, sort_keys=True)})


def load_tensors(path: str | PurePath) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Read back what `save_tensors` wrote.

    Raises
    ------
    DamagedFileError
        If the file is missing, truncated, or not what was written.
    """
    try:
        check_digest(path)
        with safe_open(path, framework="pt") as stream:
            metadata: dict[str, str] = json.loads((stream.metadata() or {})[KEY])
            # A copy, since a mapped file is not aligned as PyTorch's memory is, and the last bits of a sum may depend
            # on the alignment.
            tensors = {name: stream.get_tensor(name).clone() for name in stream.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise DamagedFileError(f"{path} cannot be read ({error}).") from error
    return tensors, metadata
