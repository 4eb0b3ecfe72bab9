"""Emission and absorption of the channels of a convolution: in closed form, and from the local gradients themselves."""

from typing import Any

import numpy as np
from measure import Row, side

CHANNELS, ROWS, KERNEL = 64, 32, 3
TOLERANCE = 1e-5


def made_layer(samples: int) -> tuple[Any, Any]:
    """A 3x3 convolution of 64 channels, and a gradient on its output."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    layer = torch.nn.Conv2d(CHANNELS, CHANNELS, KERNEL, padding=KERNEL // 2, bias=False)
    return layer, torch.randn(samples, CHANNELS, ROWS, ROWS)


def closed_form(samples: int) -> Any:
    """By the product."""
    from nodescope.numerics.channel_gradients import emission_and_absorption

    layer, gradient = made_layer(samples)
    return lambda: emission_and_absorption(layer, gradient, (ROWS, ROWS)), _as_array


def materialised(samples: int) -> Any:
    """From all local gradients, by a transposed convolution with one group per output channel."""
    import torch

    layer, gradient = made_layer(samples)

    @torch.inference_mode()
    def run() -> Any:
        local = torch.nn.functional.conv_transpose2d(gradient, layer.weight, padding=KERNEL // 2, groups=CHANNELS)
        norms = local.view(samples, CHANNELS, CHANNELS, -1).norm(dim=3)
        return norms.sum(2), norms.sum(1)

    return run, _as_array


def materialised_by_products(samples: int) -> Any:
    """From all local gradients of one sample at a time, by matrix products with the unfolded gradient."""
    import torch

    layer, gradient = made_layer(samples)

    @torch.inference_mode()
    def run() -> Any:
        kernels = layer.weight.flatten(2).flip(-1)
        norms = torch.empty(samples, CHANNELS, CHANNELS)
        for sample, one in enumerate(gradient):
            unfolded = torch.nn.functional.unfold(one[:, None], KERNEL, padding=KERNEL // 2)
            norms[sample] = torch.bmm(kernels, unfolded).norm(dim=2)
        return norms.sum(2), norms.sum(1)

    return run, _as_array


def _as_array(found: Any) -> Any:
    return np.stack([part.numpy() for part in found])


def compare_local_gradients(samples: int) -> list[Row]:
    """Against the materialised form, as a user would write it, and as fast as it goes."""
    ours = side(closed_form, samples)
    rivals = (
        ("local-gradients", "the local gradients by conv_transpose2d", materialised, ">= 50x at <= 1e-5"),
        ("local-gradients-products", "the local gradients by unfold and bmm", materialised_by_products, ""),
    )
    rows = []
    for name, rival, work, reach in rivals:
        theirs = side(work, samples, repeat=2)
        error = float(np.abs(ours.result / theirs.result - 1).max())
        if error > TOLERANCE:
            raise AssertionError(f"emission or absorption differs by {error}")
        reached = theirs.seconds >= 50 * ours.seconds if reach else None
        what = f"emission and absorption, {KERNEL}x{KERNEL}, {CHANNELS} channels of {ROWS}x{ROWS}, {samples} samples"
        rows.append(Row(name, what, rival, reach, ours, theirs, reached, f"largest relative difference {error:.0e}"))
    return rows
