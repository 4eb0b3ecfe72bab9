"""Emission and absorption of a layer's channels in closed form (Park 2022; methods, section 3).

The local gradient ``LG[c1->c2]`` is the part of the gradient on input channel ``c2`` that comes from output channel
``c1``: the transposed convolution of the output's gradient ``G[c1]`` with the kernel ``w[c1, c2]``. Emission
``Em[c1] = sum over c2 of ||LG[c1->c2]||``, absorption ``Ab[c2] = sum over c1``; Euclidean norms over positions.

The local gradients are not made. ``||LG[c1->c2]||^2 = w' R w``, where ``R[k, k']`` is the sum over input positions
``p`` of the values of ``G[c1]`` that meet ``p`` under the kernel's positions ``k`` and ``k'``. ``R`` does not depend on
``c2``. Its entries are sums of products of ``G[c1]`` with itself, shifted; those with the same shift differ only at
the borders, so that each shift is multiplied out once and summed over the few strips that make the difference.

Dimension letters: N sample, O output channel (c1), I input channel (c2), P pair of kernel positions.
All is computed in float64: the terms of ``w' R w`` may cancel.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn

Tensor = torch.Tensor

#: Values of a piece of gradients, products of weights, and local norms that are in memory at a time.
PIECE = 2**18
PRODUCTS = 2**22


@dataclass(frozen=True)
class _Pair:
    """Two positions along one axis of the kernel that can meet in an input position.

    Attributes
    ----------
    k, other : int
    begin, end : int
        The range of output positions ``o`` such that ``o`` meets, under ``k``, an input position that output position
        ``o + shift`` meets under ``other``.
    """

    k: int
    other: int
    begin: int
    end: int


def emission_and_absorption(layer: nn.Module, gradient: Tensor, input_size: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Emission and absorption of every channel for every sample.

    Parameters
    ----------
    layer
        ``nn.Conv2d`` (any stride, padding with zeros, dilation, groups) or ``nn.Linear``.
    gradient
        Gradient on the layer's output, [N, O, row, column] or [N, O].
    input_size
        Rows and columns of the layer's input; not used for a linear layer.

    Returns
    -------
    tuple of float64 Tensor
        Emission [N, O], absorption [N, I].

    Raises
    ------
    TypeError
        For another kind of layer.
    """
    if isinstance(layer, nn.Linear):
        g_NO, w_OI = gradient.detach().double().abs(), layer.weight.detach().double().abs()
        return g_NO * w_OI.sum(1), g_NO @ w_OI
    if not isinstance(layer, nn.Conv2d) or layer.padding_mode != "zeros":
        raise TypeError(f"local gradients are not defined here for {layer}")
    return _of_convolution(layer, gradient.detach().double(), input_size)


def _of_convolution(layer: nn.Conv2d, gradient: Tensor, input_size: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    n, n_out = gradient.shape[:2]
    n_in = layer.in_channels // layer.groups  # that an output channel is connected to
    per_group = n_out // layer.groups
    weight = layer.weight.detach().double()
    axes = [_axis_pairs(layer, axis, gradient.shape[2 + axis], input_size[axis]) for axis in (0, 1)]
    n_pairs = sum(len(of_shift) for of_shift in axes[0].values()) * sum(len(of_shift) for of_shift in axes[1].values())
    emission = gradient.new_empty(n, n_out)
    absorption = gradient.new_zeros(n, layer.groups, n_in)
    channels_at_a_time = max(1, PRODUCTS // (n_in * max(1, n_pairs)))
    for group in range(layer.groups):
        for begin in range(group * per_group, (group + 1) * per_group, channels_at_a_time):
            channels = slice(begin, min(begin + channels_at_a_time, (group + 1) * per_group))
            some = channels.stop - channels.start
            samples_at_a_time = max(1, min(PIECE // (some * gradient[0, 0].numel()), PRODUCTS // (some * n_in)))
            ww_OPI = _weight_products(weight[channels], axes)
            for first in range(0, n, samples_at_a_time):
                samples = slice(first, first + samples_at_a_time)
                r_OPN = _shifted_products(gradient[samples, channels], axes)
                squared_OIN = torch.bmm(ww_OPI.transpose(1, 2), r_OPN)
                norm_OIN = squared_OIN.clamp_(min=0).sqrt_()
                emission[samples, channels] = norm_OIN.sum(1).T
                absorption[samples, group] += norm_OIN.sum(0).T
    return emission, absorption.flatten(1)


def _axis_pairs(layer: nn.Conv2d, axis: int, n_out: int, n_in: int) -> dict[int, list[_Pair]]:
    """The pairs of kernel positions along an axis by the shift ``o' - o`` of the output positions that meet."""
    size, stride, dilation = layer.kernel_size[axis], layer.stride[axis], layer.dilation[axis]
    if layer.padding == "same":
        padding = dilation * (size - 1) // 2
    else:
        padding = 0 if isinstance(layer.padding, str) else layer.padding[axis]
    pairs = defaultdict(list)
    for k in range(size):
        for other in range(size):
            distance = (k - other) * dilation
            if distance % stride:
                continue
            shift = distance // stride
            # 0 <= o * stride + k * dilation - padding < n_in, 0 <= o < n_out, 0 <= o + shift < n_out
            offset = k * dilation - padding
            begin = max(0, -shift, -(offset // stride))
            end = min(n_out, n_out - shift, -((offset - n_in) // stride))
            if begin < end:
                pairs[shift].append(_Pair(k, other, begin, end))
    return dict(pairs)


def _shifts(axes: list[dict[int, list[_Pair]]]) -> Iterator[tuple[int, int]]:
    """Shifts along both axes, one of each two that are opposite: products commute."""
    for dy in axes[0]:
        for dx in axes[1]:
            if (dy, dx) >= (0, 0):
                yield dy, dx


def _weight_products(weight: Tensor, axes: list[dict[int, list[_Pair]]]) -> Tensor:
    """``w[k] w[k']`` for every pair [O, P, I], twice where the pair stands for its opposite too."""
    products = []
    for dy, dx in _shifts(axes):
        factor = 1.0 if (dy, dx) == (0, 0) else 2.0
        for y in axes[0][dy]:
            for x in axes[1][dx]:
                products.append(weight[:, :, y.k, x.k] * weight[:, :, y.other, x.other] * factor)
    if not products:
        return weight.new_zeros(len(weight), 0, weight.shape[1])
    return torch.stack(products, 1)


def _shifted_products(gradient: Tensor, axes: list[dict[int, list[_Pair]]]) -> Tensor:
    """The entries of ``R`` for every pair [O, P, N], in the order of `_weight_products`."""
    entries = []
    memory = torch.empty_like(gradient).flatten()  # new memory at each shift would cost about as much as the products
    for dy, dx in _shifts(axes):
        ys, xs = axes[0][dy], axes[1][dx]
        top, left = min(y.begin for y in ys), min(x.begin for x in xs)
        bottom, right = max(y.end for y in ys), max(x.end for x in xs)
        here = gradient[..., top:bottom, left:right]
        there = gradient[..., top + dy : bottom + dy, left + dx : right + dx]
        product = torch.mul(here, there, out=memory[: here.numel()].view(here.shape))
        rows, columns = _strips(ys, top), _strips(xs, left)
        sums = [[product[..., a:b, c:d].sum((-2, -1)) for c, d in columns] for a, b in rows]
        strips_NOyx = torch.stack([torch.stack(row, -1) for row in sums], -2)
        entries.append(
            torch.einsum(
                "noyx,py,qx->opqn",
                strips_NOyx,
                _membership(ys, rows, top, product),
                _membership(xs, columns, left, product),
            ).flatten(1, 2)
        )
    if not entries:
        return gradient.new_zeros(gradient.shape[1], 0, len(gradient))
    return torch.cat(entries, 1)


def _strips(pairs: list[_Pair], origin: int) -> list[tuple[int, int]]:
    """Neighbouring ranges, counted from the origin, of which every pair's range is made up."""
    cuts = sorted({pair.begin for pair in pairs} | {pair.end for pair in pairs})
    return [(a - origin, b - origin) for a, b in pairwise(cuts)]


def _membership(pairs: list[_Pair], strips: list[tuple[int, int]], origin: int, like: Tensor) -> Tensor:
    """1 where a strip belongs to a pair's range, else 0: [pair, strip]."""
    return like.new_tensor(
        [[float(pair.begin <= a + origin and b + origin <= pair.end) for a, b in strips] for pair in pairs]
    )
