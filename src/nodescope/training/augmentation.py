"""Random mirroring and shifting of training images (He et al. 2016, section 4.2).

Dimension letters: R replica, N training sample, B batch, C channel, H row, W column.
"""

import numpy as np
import torch
from torch.nn import functional

Tensor = torch.Tensor

LARGEST_SHIFT = 4


class FlipAndCrop:
    """What chance does to each training sample in one epoch, by the replicas' seeds alone.

    Parameters
    ----------
    seeds
        Of the replicas.
    epoch
        From 0.
    n_samples
        Training samples.
    image_shape
        (C, H, W) of the samples, which come flat.
    """

    def __init__(
        self, seeds: list[int], epoch: int, n_samples: int, image_shape: tuple[int, ...], device: torch.device
    ) -> None:
        generators = [np.random.default_rng([seed, 2, epoch]) for seed in seeds]
        flips = np.stack([g.integers(2, size=n_samples) for g in generators])
        shifts = np.stack([g.integers(2 * LARGEST_SHIFT + 1, size=(2, n_samples)) for g in generators])
        self._flips_RN = torch.from_numpy(flips).to(device)
        self._shifts_R2N = torch.from_numpy(shifts).to(device)
        self._image_shape = image_shape
        self._replicas_R1 = torch.arange(len(seeds), device=device)[:, None]

    def __call__(self, x_RBI: Tensor, samples_RB: Tensor) -> Tensor:
        """The samples mirrored and shifted, zeros moving in; [R, B, C*H*W] as they came."""
        n_channels, n_rows, n_columns = self._image_shape
        images = x_RBI.reshape(-1, n_channels, n_rows, n_columns)
        padded = functional.pad(images, [LARGEST_SHIFT] * 4)
        flips = self._flips_RN[self._replicas_R1, samples_RB].flatten()[:, None]
        top = self._shifts_R2N[self._replicas_R1, 0, samples_RB].flatten()[:, None]
        left = self._shifts_R2N[self._replicas_R1, 1, samples_RB].flatten()[:, None]
        rows = top + torch.arange(n_rows, device=x_RBI.device)
        columns = torch.arange(n_columns, device=x_RBI.device)
        columns = left + torch.where(flips == 1, n_columns - 1 - columns, columns)
        image = torch.arange(len(images), device=x_RBI.device)[:, None, None]
        # Indices around a slice put the channels last.
        moved_BHWC = padded[image, :, rows[:, :, None], columns[:, None, :]]
        return moved_BHWC.movedim(-1, 1).reshape(x_RBI.shape)
