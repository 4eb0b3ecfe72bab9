"""The samples of a data set on the device that trains."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from nodescope.datasets import PreparedDataset

Tensor = torch.Tensor


@dataclass(frozen=True)
class TrainingData:
    """The samples on the device: x float [sample, I], y int64 [sample].

    ``evaluated`` are the training samples on which loss and accuracy are measured; None for all.
    """

    x_train: Tensor
    y_train: Tensor
    x_validation: Tensor
    y_validation: Tensor
    evaluated: Tensor | None = None


def training_data(dataset: PreparedDataset, device: str, evaluation_samples: int | None) -> TrainingData:
    """The samples for training and validation; so many of the former are evaluated, or all."""
    x_train, y_train = on_device(dataset, dataset.splits.train, device)
    x_validation, y_validation = on_device(dataset, dataset.splits.validation, device)
    evaluated = None
    if evaluation_samples is not None and evaluation_samples < len(x_train):
        # Drawn, since the samples may lie sorted by class; always the same ones.
        drawn = np.random.default_rng(0).choice(len(x_train), evaluation_samples, replace=False)
        evaluated = torch.from_numpy(np.sort(drawn)).to(device)
    return TrainingData(x_train, y_train, x_validation, y_validation, evaluated)


def on_device(dataset: PreparedDataset, samples: NDArray[np.int64], device: str) -> tuple[Tensor, Tensor]:
    """Inputs, float32 [sample, I], and labels, int64 [sample], of some samples."""
    x, y = dataset.inputs(samples), dataset.labels(samples)
    return torch.from_numpy(x).to(device), torch.from_numpy(y).to(device)
