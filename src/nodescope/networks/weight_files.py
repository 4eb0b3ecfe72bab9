"""Read the tensors of a foreign file of weights, whatever it is called and however they are wrapped.

safetensors, or what ``torch.save`` wrote: a state dict, or one within a mapping (``{"state_dict": ...}``, Lightning's
checkpoints); or a folder of Hugging Face with either, in one file or several. Nothing but tensors and plain values is loaded
from a file (``weights_only``), unless the user trusts it. Files are mapped where they can be, so that only what is used is
read.
"""

import json
import pickletools
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError  # what torch.load raises where a file holds more than tensors
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from nodescope.messages.errors import WeightsError

#: How deep state dicts are looked for in mappings of mappings.
DEEPEST_WRAPPING = 3

#: Keys of checkpoints below which lie no weights.
NO_WEIGHTS = re.compile(r"optim|sched|scaler|rng|callbacks|loops", re.IGNORECASE)

#: How files begin that people save as weights by mistake.
MISTAKEN = (
    (
        rb"\s*(<!doctype|<html|<\?xml|<head)",
        "it is an HTML page; download the file itself",
    ),
    (rb"version https://git-lfs", "it is a Git LFS pointer; fetch the file with `git lfs pull`"),
    (rb"\x89HDF", "it is HDF5, as Keras writes it: save the weights with PyTorch or as safetensors"),
    (rb"\x93NUMPY", "it is a NumPy array: save the weights with PyTorch or as safetensors"),
    (rb"GGUF", "it is GGUF: save the weights with PyTorch or as safetensors"),
)

#: Members of ZIP archives that are programs or other things, not weights.
PROGRAMS = (
    (r"(^|/)constants\.pkl$", "a TorchScript program"),
    (r"(^|/)(archive_format|serialized_exported_program\.json)$", "a torch.export program"),
)
MISTAKEN_ARCHIVES = (
    (r"\.npy$", "it is an archive of NumPy (.npz): save the weights with PyTorch or as safetensors"),
    (r"(^|/)model\.weights\.h5$", "it is a model of Keras: save the weights with PyTorch or as safetensors"),
)

#: Files in folders of Hugging Face, the first that is there; and those in them that are no weights.
IN_FOLDERS = (
    "model.safetensors.index.json",
    "model.safetensors",
    "pytorch_model.bin.index.json",
    "pytorch_model.bin",
)
NO_WEIGHTS_IN_FOLDERS = re.compile(r"^(optimizer|scheduler|scaler|rng_state|training_args)", re.IGNORECASE)

#: Before this version ``weights_only`` could be bypassed (CVE-2026-24747).
SAFE_TORCH = (2, 10)

#: What pickles of tensors ask for.
_HARMLESS = re.compile(
    r"(collections|builtins|__builtin__|torch\._utils|torch\.storage|torch\._tensor|torch\.nn\.parameter)\.|torch\.\w+Storage$"
)
_READING_ERRORS = (
    SafetensorError, OSError, EOFError, ValueError, KeyError, IndexError, RuntimeError, TypeError, AttributeError,
    ImportError, NotImplementedError, zipfile.BadZipFile,
)  # fmt: skip


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


def read_state_dicts(path: str | Path, *, trust: bool | None = None) -> list[StateDict]:
    """The state dicts of a file or folder, at least one.

    Parameters
    ----------
    path
    trust
        Whether pickles may hold more than tensors and plain values, which can execute code; None where the user has no such
        choice.

    Raises
    ------
    WeightsError
        If the file is missing, is something else, or is damaged.
    """
    path = Path(path)
    if path.is_dir():
        files = _files_in(path)
        if len(files) > 1 or files[0].suffix == ".safetensors":
            tensors: dict[str, torch.Tensor] = {}
            for file in files:
                for state_dict in _read_file(file, trust=trust):
                    tensors |= state_dict.tensors
            return [StateDict("", tensors, ordered=False)]
        return _read_file(files[0], trust=trust)
    if not path.is_file():
        raise WeightsError(f"There is no file of weights {path}.")
    return _read_file(path, trust=trust)


def is_pickle(path: Path) -> bool:
    """Whether weights are in a format of ``torch.save``, which is a pickle inside."""
    if path.is_dir():
        return any(is_pickle(file) for file in _files_in(path))
    with path.open("rb") as stream:
        return stream.read(9)[8:] != b"{"


def reads_unsafely() -> str | None:
    """What is to be said of pickles that this version of PyTorch reads; None where it reads them safely."""
    version = tuple(int(part) for part in re.findall(r"[0-9]+", torch.__version__)[:2])
    if version >= SAFE_TORCH:
        return None
    return (
        f"Warning: torch {torch.__version__} reads .pt files unsafely even with weights_only (CVE-2026-24747). Hint: torch 2.10 "
        "or newer, or safetensors"
    )


def _read_file(path: Path, *, trust: bool | None) -> list[StateDict]:
    try:
        with path.open("rb") as stream:
            head = stream.read(512)
        _check_head(path, head)
        if head[8:9] == b"{":  # a length of eight bytes, then JSON
            return [StateDict("", load_file(path), ordered=False)]
        is_zip = zipfile.is_zipfile(path)
        if is_zip:
            _check_archive(path)
        # Only a path can be mapped; where torch.load would go by its suffix, a stream is read.
        is_mapped = is_zip and path.suffix != ".safetensors"
        with path.open("rb") as stream, warnings.catch_warnings(action="ignore"):  # they are followed by errors
            file: Any = path if is_mapped else stream
            loaded = torch.load(file, map_location="cpu", weights_only=not trust, mmap=is_mapped)
    except UnpicklingError as error:
        raise _holds_more(path, trust=trust) from error
    except _READING_ERRORS as error:
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


def _check_archive(path: Path) -> None:
    """That an archive is no program: torch.load would run one of TorchScript."""
    with zipfile.ZipFile(path) as archive:
        members = archive.namelist()
    for pattern, meaning in PROGRAMS:
        if any(re.search(pattern, member) for member in members):
            raise WeightsError(
                f"{path} is {meaning}, no file of weights: it has no layers to look into. Hint: save the state_dict() of the "
                "nn.Module it was made from"
            )
    for pattern, meaning in MISTAKEN_ARCHIVES:
        if any(re.search(pattern, member) for member in members):
            raise _unreadable(path, meaning)


def _state_dicts(value: Any, where: str, depth: int) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    if isinstance(value, nn.Module):
        value = value.state_dict()
    if not isinstance(value, Mapping) or depth > DEEPEST_WRAPPING:
        return
    tensors = {
        name: entry for name, entry in value.items() if isinstance(name, str) and isinstance(entry, torch.Tensor)
    }
    if tensors:
        yield where, tensors
    for name, entry in value.items():
        if isinstance(name, str) and not (depth == 0 and NO_WEIGHTS.search(name)):
            yield from _state_dicts(entry, f"{where}.{name}" if where else name, depth + 1)


# --- folders ---


def _files_in(folder: Path) -> list[Path]:
    """The files of weights of a folder of Hugging Face."""
    chosen = next((folder / name for name in IN_FOLDERS if (folder / name).is_file()), None)
    if chosen is None:
        files = [
            path
            for path in sorted(folder.iterdir())
            if path.suffix in (".safetensors", ".bin", ".pt", ".pth") and not NO_WEIGHTS_IN_FOLDERS.match(path.name)
        ]
        if not files:
            raise WeightsError(f"{folder} is a folder without a file of weights. Hint: name the file itself.")
        if len(files) > 1:
            names = ", ".join(path.name for path in files[:5])
            raise WeightsError(
                f"{folder} is a folder with several files of weights: {names}. Hint: name the file itself."
            )
        return files
    if chosen.suffix != ".json":
        return [chosen]
    try:
        shards = {str(name) for name in json.loads(chosen.read_text(encoding="utf-8"))["weight_map"].values()}
        outside = sorted(name for name in shards if Path(name).name != name)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(chosen, f"it is no index of weights ({type(error).__name__})") from error
    missing = sorted(name for name in shards if not (folder / name).is_file())
    if outside or missing or not shards:
        wrong = (
            f"{outside[0]} lies outside of the folder" if outside else f"{', '.join(missing[:3]) or 'no file'} missing"
        )
        raise WeightsError(f"{chosen} does not match its folder: {wrong}. Hint: copy the whole folder again.")
    return [folder / name for name in sorted(shards)]


# --- refusals ---


def _holds_more(path: Path, *, trust: bool | None) -> WeightsError:
    names = more_than_tensors(path)
    what = f"{path} holds more than tensors and plain values"
    modules = [name for name in names if name.startswith("torch.nn.modules.")]
    if modules:
        own = [name for name in names if not name.startswith("torch.")]
        what += f", a whole module ({', '.join(name.rpartition('.')[2] for name in (own or modules)[:3])})"
    elif names:
        shown = [_said(name) for name in names if name != "numpy.dtype"] or names
        what += f", settings of a class of its own ({', '.join(dict.fromkeys(shown[:5]))})"
    else:
        what += ", or is no file of PyTorch"
    allowed = ", or trust: true if the file is yours" if trust is not None else ""
    return WeightsError(f"{what}; reading it can run code. Hint: save network.state_dict(){allowed}.")


def _said(name: str) -> str:
    return "numpy scalar" if re.fullmatch(r"numpy\..*\.scalar", name) else name


def more_than_tensors(path: Path) -> list[str]:
    """The classes and functions that a pickle asks for beside tensors and plain values; nothing is loaded."""
    try:
        found = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except (*_READING_ERRORS, UnpicklingError):
        found = list(_globals_of(path))
    return sorted(
        {name for name in found if not _HARMLESS.match(name)}, key=lambda name: (name.startswith("torch."), name)
    )


def _globals_of(path: Path) -> Iterator[str]:
    """As the pickles in a file name them, one after another, before anything else follows."""
    with path.open("rb") as stream:
        try:
            while True:
                yield from _globals_in(pickletools.genops(stream))
        except Exception:  # tensors follow, which are no pickles, or the file is damaged in any way
            return


def _globals_in(operations: Iterator[tuple[Any, Any, int | None]]) -> Iterator[str]:
    """Of one pickle: names stand in it as texts, or in places where texts were put before."""
    texts: list[str] = []
    places: dict[int, str] = {}
    last: str | None = None
    for code, argument, _ in operations:
        match code.name:
            case "GLOBAL":
                yield str(argument).replace(" ", ".")
            case "STACK_GLOBAL" if len(texts) > 1:
                yield ".".join(texts[-2:])
            case "MEMOIZE":
                places[len(places)] = last or ""
            case "BINPUT" | "LONG_BINPUT":
                places[argument] = last or ""
            case "BINGET" | "LONG_BINGET":
                texts = [*texts[-1:], places.get(argument, "")]
        last = argument if isinstance(argument, str) and code.name != "GLOBAL" else None
        if last is not None:
            texts = [*texts[-1:], last]


def _unreadable(path: Path, reason: str) -> WeightsError:
    return WeightsError(
        f"The file of weights {path} cannot be read: {reason}. "
        "Hint: save network.state_dict() with torch.save, or as safetensors."
    )
