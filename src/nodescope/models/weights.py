"""Fill a network with the weights of a local file."""

from pathlib import Path
from pickle import UnpicklingError  # what torch.load raises where a file holds more than tensors

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from nodescope.errors import WeightsError

NAMED_IN_MESSAGE = 5


def load_weights(network: nn.Module, path: str | Path) -> None:
    """Fill a network with the tensors of a local file, in place.

    Parameters
    ----------
    path
        safetensors, or a state dict that PyTorch saved (``.pth``, ``.pt``), of which only tensors are read.

    Raises
    ------
    WeightsError
        If the file is missing or damaged, or its tensors are not those of the network; says which are not.
    """
    tensors = _read_tensors(Path(path))
    wanted = network.state_dict()
    counters = {name for name in wanted if name.endswith("num_batches_tracked")}  # older files lack them
    missing = [name for name in wanted if name not in tensors and name not in counters]
    unknown = [name for name in tensors if name not in wanted]
    misfits = [
        f"{name} is {_shape(tensors[name])}, the network's {_shape(wanted[name])}"
        for name in wanted
        if name in tensors and tensors[name].shape != wanted[name].shape
    ]
    problems = [
        f"{what}: {_some(names)}"
        for what, names in (("missing", missing), ("not in the network", unknown), ("of another shape", misfits))
        if names
    ]
    if problems:
        raise WeightsError(
            f"The weights in {path} do not fit the network.\n  "
            + "\n  ".join(problems)
            + "\nHint: depth, width, batch normalisation, colours of the images and number of classes must be those "
            "of the network that the file was made from."
        )
    network.load_state_dict(tensors, strict=False)


def _read_tensors(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise WeightsError(f"There is no file of weights {path}.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise _unreadable(path, "it holds more than tensors, or is no file of PyTorch") from error
    except (SafetensorError, OSError, EOFError, ValueError, KeyError, RuntimeError) as error:
        raise _unreadable(path, str(error)) from error
    if not isinstance(loaded, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in loaded.values()):
        raise _unreadable(path, "it is not a mapping of names to tensors")
    return loaded


def _unreadable(path: Path, reason: str) -> WeightsError:
    return WeightsError(
        f"The file of weights {path} cannot be read: {reason}. "
        "Hint: save network.state_dict() with torch.save, or as safetensors."
    )


def _shape(tensor: torch.Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a single number"


def _some(names: list[str]) -> str:
    shown = "; ".join(names[:NAMED_IN_MESSAGE])
    further = len(names) - NAMED_IN_MESSAGE
    return f"{shown}; and {further} more" if further > 0 else shown
