"""How well the nets of a stack do on samples."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray

from nodescope.networks import NetworkStack
from nodescope.networks.losses import summed_cross_entropy, summed_squared_error
from nodescope.training.data import TrainingData
from nodescope.training.state import TrainingState

Tensor = torch.Tensor

#: Samples at a time: few enough for a core's cache, enough to keep a GPU busy.
EVALUATION_BATCH = {"cpu": 1024, "cuda": 16384}
MODULE_EVALUATION_BATCH = 256


@dataclass(frozen=True)
class Performance:
    """Of one net on some samples; each is NaN where the outputs are not finite.

    Attributes
    ----------
    accuracy : float
        In [0, 1].
    loss : float
        Mean cross-entropy in nats, whichever loss the net was trained with.
    mean_squared_error : float
        Of the outputs against one-hot targets, see `nodescope.networks.losses`.
    """

    accuracy: float
    loss: float
    mean_squared_error: float


#: Names of the curves of a `nodescope.training.state.TrainingState`.
CURVES = tuple(f"{split}_{field.name}" for split in ("train", "validation") for field in fields(Performance))


@torch.no_grad()
def performance(stack: NetworkStack, replica: int, x: Tensor, y: Tensor) -> Performance:
    """How well one replica does on samples, as it is used after training."""
    correct = torch.zeros((), dtype=torch.int64, device=x.device)
    cross_entropy = torch.zeros((), dtype=torch.float64, device=x.device)
    squared_error = torch.zeros((), dtype=torch.float64, device=x.device)
    size = EVALUATION_BATCH[x.device.type] if stack.fuses else MODULE_EVALUATION_BATCH
    for x_part, target in zip(torch.split(x, size), torch.split(y, size), strict=True):
        logits = stack.forward_evaluation(replica, x_part)
        correct += (logits.argmax(dim=1) == target).sum()
        cross_entropy += summed_cross_entropy(logits, target)
        # In float64 the square of a finite output is finite.
        squared_error += summed_squared_error(logits.double(), target)
    if not torch.isfinite(cross_entropy):
        return Performance(np.nan, np.nan, np.nan)
    return Performance(int(correct) / len(x), float(cross_entropy) / len(x), float(squared_error) / len(x))


@torch.no_grad()
def predicted_classes(stack: NetworkStack, replica: int, x: Tensor) -> NDArray[np.int64]:
    """The class that one replica predicts for each sample [N]; of equal logits the lowest class."""
    size = EVALUATION_BATCH[x.device.type] if stack.fuses else MODULE_EVALUATION_BATCH
    parts = [stack.forward_evaluation(replica, part).argmax(dim=1) for part in torch.split(x, size)]
    return torch.cat(parts).cpu().numpy()


def evaluate(stack: NetworkStack, places: Sequence[int], data: TrainingData, state: TrainingState) -> None:
    """Fill the curves' row of this epoch; ``places`` are those of the replicas' nets in the stack."""
    evaluated = slice(None) if data.evaluated is None else data.evaluated
    for split, x, y in (
        ("train", data.x_train[evaluated], data.y_train[evaluated]),
        ("validation", data.x_validation, data.y_validation),
    ):
        for replica, place in enumerate(places):
            for name, value in asdict(performance(stack, place, x, y)).items():
                state.curves[f"{split}_{name}"][state.epoch, replica] = value
