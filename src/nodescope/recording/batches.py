"""Batches as users give them: what the network takes, the labels, and which positions count."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nodescope.messages.errors import NetworkError
from nodescope.networks.outputs import parts_of

#: Keys of a batch that is a dict which are no arguments of the network, and the one of its mask.
LABELS = ("labels", "label")
MASK = "attention_mask"


def parts_of_batch(batch: Any, mask: str = MASK) -> tuple[Any, Any, Any]:
    """What the network takes, labels and mask of a batch of a loader; None where it has none.

    A tuple or list is ``(x, y)`` or ``(x, y, mask)``; of a dict the key ``labels`` or ``label`` is taken out.
    """
    labels = own_mask = None
    if isinstance(batch, tuple | list):
        if len(batch) not in (2, 3):
            raise NetworkError(
                f"A batch of the loader is a {type(batch).__name__} of {len(batch)}. Hint: (x, y) or (x, y, mask); several "
                "inputs as a tuple or dict x"
            )
        labels, own_mask = batch[1], batch[2] if len(batch) == 3 else None
        batch = batch[0]
    if isinstance(batch, Mapping):
        if labels is None:
            labels = next((batch[key] for key in LABELS if key in batch), None)
            batch = {key: value for key, value in batch.items() if key not in LABELS}
        own_mask = batch.get(mask) if own_mask is None else own_mask
    return batch, labels, own_mask


def moved(inputs: Any, device: torch.device) -> Any:
    """Inputs on a device."""
    if isinstance(inputs, torch.Tensor):
        return inputs.to(device)
    if isinstance(inputs, np.ndarray):
        return torch.from_numpy(inputs).to(device)
    if isinstance(inputs, Mapping):
        return {key: moved(value, device) for key, value in inputs.items()}
    return type(inputs)(moved(value, device) for value in inputs) if isinstance(inputs, tuple | list) else inputs


def check_numbers(inputs: Any, number: int) -> None:
    """Refuse a batch that holds NaN.

    Raises
    ------
    NetworkError
        With the place of the sample.
    """
    for part in [inputs, *parts_of(inputs).values()]:
        values = torch.from_numpy(part) if isinstance(part, np.ndarray) and part.dtype.kind == "f" else part
        if isinstance(values, torch.Tensor) and values.is_floating_point() and values.isnan().any():
            sample = int(values.isnan().reshape(len(values), -1).any(1).nonzero()[0, 0])
            raise NetworkError(
                f"Batch {number} of the loader holds NaN, in its sample {sample}. Hint: leave such samples out of the data"
            )


def labels_of(given: Any, number: int) -> NDArray[Any] | None:
    """Labels of a batch as numbers or texts."""
    if given is None:
        return None
    values = given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else np.asarray(given)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1 or (values.dtype.kind == "f" and not (values == np.round(values)).all()):
        raise NetworkError(
            f"The labels of batch {number} are {values.dtype} of the shape {values.shape}. Hint: one class for each sample, a "
            "whole number or a text"
        )
    return values.astype(np.int64) if values.dtype.kind in "fiub" else values.astype(str)


def mask_of(given: Any) -> NDArray[np.bool_] | None:
    """A mask of a batch, [B, T]."""
    if given is None:
        return None
    values = given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else np.asarray(given)
    return values.astype(np.bool_)


def is_other_process() -> bool:
    """Whether another process of ``torch.distributed`` records the same."""
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return False
    return torch.distributed.get_rank() > 0
