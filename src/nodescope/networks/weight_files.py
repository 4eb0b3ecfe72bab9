"""Read the tensors of a foreign file of weights, whatever it is called and however they are wrapped.

safetensors, or what ``torch.save`` wrote: a state dict, or one within a mapping (``{"state_dict": ...}``, Lightning's
checkpoints). Nothing but tensors and plain values is ever loaded from a file (``weights_only``).
"""

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError  # what torch.load raises where a file holds more than tensors
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from nodescope.messages.errors import WeightsError

#: How deep state dicts are looked for in mappings of mappings.
DEEPEST_WRAPPING = 3

#: How files begin that people save as weights by mistake.
MISTAKEN = (
    (
        rb"\s*(<!doctype|<html|<\?xml|<head)",
        "it is an HTML page; download the file itself",
    ),
    (rb"version https://git-lfs", "it is a Git LFS pointer; fetch the file with `git lfs pull`"),
    (rb"\x89HDF", "it is HDF5, as Keras writes it: save the weights with PyTorch or as safetensors"),
    (rb"\x93NUMPY", "it is a NumPy array: save the weights with PyTorch or as safetensors"),
)


@dataclass(frozen=True)
class StateDict:
    """One state dict of a file.

    Attributes
    ----------
    where : str
        The keys that lead to it, ``a.b``; empty for one that is not wrapped.
    tensors : dict of Tensor
        By name.
    ordered : bool
        Whether they come in the order of the network that they were saved from; safetensors sorts them by name.
    """

    where: str
    tensors: dict[str, torch.Tensor]
    ordered: bool


def read_state_dicts(path: str | Path) -> list[StateDict]:
    """The state dicts of a file, at least one.

    Raises
    ------
    WeightsError
        If the file is missing, is something else, or is damaged.
    """
    path = Path(path)
    if path.is_dir():
        raise WeightsError(f"{path} is a folder, not a file of weights. Hint: name the file in it.")
    if not path.is_file():
        raise WeightsError(f"There is no file of weights {path}.")
    try:
        with path.open("rb") as stream:
            head = stream.read(512)
        _check_head(path, head)
        if head[8:9] == b"{":  # a length of eight bytes, then JSON
            return [StateDict("", load_file(path), ordered=False)]
        # A stream, since torch.load goes by the suffix of a path; its warnings are followed by errors.
        with path.open("rb") as stream, warnings.catch_warnings(action="ignore"):
            loaded = torch.load(stream, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise _unreadable(
            path,
            "it holds more than tensors and plain values (a whole module, or settings of a class of its own), or is no file "
            "of PyTorch",
        ) from error
    except (SafetensorError, OSError, EOFError, ValueError, KeyError, RuntimeError, TypeError, AttributeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise _unreadable(path, f"it is damaged, not whole, or no file of weights ({reason})") from error
    found = [StateDict(where, tensors, ordered=True) for where, tensors in _state_dicts(loaded, "", 0)]
    if not found:
        raise _unreadable(path, "it does not contain a mapping of names to tensors")
    return found


def _check_head(path: Path, head: bytes) -> None:
    if not head:
        raise _unreadable(path, "it is empty")
    for pattern, meaning in MISTAKEN:
        if re.match(pattern, head, re.IGNORECASE):
            raise _unreadable(path, meaning)


def _state_dicts(value: Any, where: str, depth: int) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    if not isinstance(value, dict) or depth > DEEPEST_WRAPPING:
        return
    tensors = {
        name: entry for name, entry in value.items() if isinstance(name, str) and isinstance(entry, torch.Tensor)
    }
    if tensors:
        yield where, tensors
    for name, entry in value.items():
        if isinstance(name, str):
            yield from _state_dicts(entry, f"{where}.{name}" if where else name, depth + 1)


def _unreadable(path: Path, reason: str) -> WeightsError:
    return WeightsError(
        f"The file of weights {path} cannot be read: {reason}. "
        "Hint: save network.state_dict() with torch.save, or as safetensors."
    )
