"""A trained network as a safetensors file: its tensors, and its shape as metadata.

Tensors are named and laid out as in the state dict of `nodescope.models.FullyConnected`, so that a user needs
no more than ``safetensors.torch.load_file`` to use them.
"""

import dataclasses
import json
from pathlib import PurePath

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from nodescope.errors import DamagedFileError
from nodescope.files import atomic_path
from nodescope.models.mlp import FullyConnected, NetworkShape


def save_network(path: str | PurePath, shape: NetworkShape, tensors: dict[str, torch.Tensor]) -> None:
    """Write one network's tensors (as `nodescope.models.mlp.unstack` gives them) and its shape."""
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={"nodescope_shape": json.dumps(dataclasses.asdict(shape))})


def load_network(path: str | PurePath) -> FullyConnected:
    """Read a network back, ready for evaluation.

    Raises
    ------
    DamagedFileError
        If the file is truncated or is not a network of nodescope.
    """
    try:
        with safe_open(path, framework="pt") as stream:
            shape = NetworkShape(**json.loads((stream.metadata() or {})["nodescope_shape"]))
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118 - not a dict
        network = FullyConnected(shape)
        network.load_state_dict(tensors)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise DamagedFileError(
            f"The network {path} cannot be read ({error}). "
            "Hint: delete the models folder of its configuration; the next run trains it again."
        ) from error
    return network.eval()
