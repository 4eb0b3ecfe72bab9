"""A trained network as a safetensors file: its tensors, and its shape as metadata.

Tensors are named and laid out as in the state dict of `nodescope.models.FullyConnected`, so that a user needs
no more than ``safetensors.torch.load_file`` to use them.
"""

import dataclasses
import json
from pathlib import PurePath

import torch

from nodescope.errors import DamagedFileError
from nodescope.models.mlp import FullyConnected, NetworkShape
from nodescope.tensors import load_tensors, save_tensors


def save_network(path: str | PurePath, shape: NetworkShape, tensors: dict[str, torch.Tensor]) -> None:
    """Write one network's tensors (as `nodescope.models.mlp.unstack` gives them) and its shape."""
    save_tensors(path, tensors, {"nodescope_shape": json.dumps(dataclasses.asdict(shape))})


def load_network(path: str | PurePath) -> FullyConnected:
    """Read a network back, ready for evaluation.

    Raises
    ------
    DamagedFileError
        If the file is damaged or is not a network of nodescope.
    """
    try:
        tensors, metadata = load_tensors(path)
        network = FullyConnected(NetworkShape(**json.loads(metadata["nodescope_shape"])))
        network.load_state_dict(tensors)
    except (DamagedFileError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DamagedFileError(
            f"The network {path} cannot be used: {error} "
            "Hint: delete the models folder of its configuration; the next run trains it again."
        ) from error
    return network.eval()
