"""A trained network as a safetensors file: its tensors, and its shape as metadata.

Tensors are named and laid out as in the state dict of the plain module that `build_network` makes, so that a user needs
no more than ``safetensors.torch.load_file`` to use them.
"""

import dataclasses
import json
from pathlib import PurePath

import torch
from torch import nn

from nodescope.families.shape import NetworkShape
from nodescope.messages.errors import DamagedFileError
from nodescope.networks.building import build_network
from nodescope.storage.tensors import load_tensors, save_tensors


def save_network(path: str | PurePath, shape: NetworkShape, tensors: dict[str, torch.Tensor]) -> None:
    """Write one network's tensors (named and laid out as in the module's state dict) and its shape."""
    save_tensors(path, tensors, {"shape": json.dumps(dataclasses.asdict(shape))})


def load_network(path: str | PurePath) -> nn.Module:
    """Read a network back, ready for evaluation.

    Raises
    ------
    DamagedFileError
        If the file is damaged or is not a network of nodescope.
    """
    try:
        tensors, metadata = load_tensors(path)
        fields = json.loads(metadata["shape"])
        network = build_network(NetworkShape(**{**fields, "input_shape": tuple(fields["input_shape"])}))
        network.load_state_dict(tensors)
    except (DamagedFileError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DamagedFileError(
            f"The network {path} cannot be used: {error} "
            "Hint: delete the models folder of its configuration; the next run trains it again."
        ) from error
    return network.eval()
