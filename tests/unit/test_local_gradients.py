"""Emission and absorption without local gradients are those of the local gradients made one by one."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from nodescope.analyses import channel_gradients
from nodescope.analyses.channel_gradients import emission_and_absorption

torch.set_num_threads(1)


def local_gradients(layer, gradient, size):
    """Every LG[c1->c2] by itself, [N, c1, c2, row, column]; zero where the channels are not connected."""
    n, n_out = gradient.shape[:2]
    made = gradient.new_zeros(n, n_out, layer.in_channels, *size)
    per_group, inputs = n_out // layer.groups, layer.in_channels // layer.groups
    for c1 in range(n_out):
        for c2 in range(inputs):
            made[:, c1, c1 // per_group * inputs + c2] = input_gradient(
                layer.weight[c1 : c1 + 1, c2 : c2 + 1], gradient[:, c1 : c1 + 1], size, layer
            )[:, 0]
    return made


def input_gradient(kernel, gradient, size, layer):
    x = torch.zeros(len(gradient), 1, *size, dtype=gradient.dtype, requires_grad=True)
    y = functional.conv2d(x, kernel.detach(), None, layer.stride, layer.padding, layer.dilation)
    return torch.autograd.grad(y, x, gradient)[0]


CONVOLUTIONS = {
    "3x3": ((2, 3, 3), {"padding": 1}, (6, 5)),
    "stride 2": ((2, 3, 3), {"padding": 1, "stride": 2}, (7, 8)),
    "stride 2, even": ((2, 3, 3), {"padding": 1, "stride": 2}, (8, 8)),
    "no padding": ((3, 2, 3), {}, (5, 6)),
    "wide padding": ((2, 2, 3), {"padding": 4}, (3, 4)),
    "padding of one axis": ((2, 2, (3, 1)), {"padding": (1, 0)}, (5, 5)),
    "same": ((2, 2, 5), {"padding": "same"}, (5, 6)),
    "stem of a ResNet": ((3, 2, 7), {"padding": 3, "stride": 2}, (11, 12)),
    "1x1": ((3, 4, 1), {}, (4, 4)),
    "1x1, stride 2": ((3, 4, 1), {"stride": 2}, (5, 4)),
    "stride beyond the kernel": ((2, 2, 2), {"stride": 3}, (8, 7)),
    "strides that differ": ((2, 2, (3, 5)), {"stride": (1, 3), "padding": (2, 1)}, (4, 9)),
    "dilation": ((2, 2, 3), {"dilation": 2, "padding": 2}, (6, 7)),
    "dilation and stride": ((2, 2, 3), {"dilation": 3, "stride": 2, "padding": 3}, (9, 8)),
    "groups": ((4, 6, 3), {"groups": 2, "padding": 1}, (4, 5)),
    "depthwise": ((4, 4, 3), {"groups": 4, "padding": 1, "stride": 2}, (5, 5)),
    "image smaller than the kernel": ((2, 3, 5), {"padding": 2}, (2, 1)),
    "one pixel": ((2, 3, 3), {"padding": 1}, (1, 1)),
    "one pixel, stride 2": ((2, 3, 3), {"padding": 1, "stride": 2}, (1, 1)),
}


@pytest.fixture(params=CONVOLUTIONS, ids=lambda name: name.replace(" ", "-"))
def convolution(request):
    """A convolution, a gradient on its output, the size of its input."""
    torch.manual_seed(0)
    sizes, options, size = CONVOLUTIONS[request.param]
    layer = nn.Conv2d(*sizes, **options).double()
    output = layer(torch.zeros(3, sizes[0], *size, dtype=torch.float64))
    return layer, torch.randn_like(output), size


def test_the_closed_form_is_the_sum_of_norms_of_the_local_gradients(convolution):
    layer, gradient, size = convolution
    norms = local_gradients(layer, gradient, size).flatten(3).norm(dim=3)
    emission, absorption = emission_and_absorption(layer, gradient, size)
    torch.testing.assert_close(emission, norms.sum(2), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(absorption, norms.sum(1), rtol=1e-12, atol=1e-12)


def test_the_local_gradients_sum_to_the_input_gradient(convolution):
    layer, gradient, size = convolution
    x = torch.zeros(len(gradient), layer.in_channels, *size, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(layer(x), x, gradient)
    torch.testing.assert_close(local_gradients(layer, gradient, size).sum(1), expected, rtol=1e-12, atol=1e-12)


def test_pieces_do_not_change_the_result(convolution, monkeypatch):
    layer, gradient, size = convolution
    whole = emission_and_absorption(layer, gradient, size)
    monkeypatch.setattr(channel_gradients, "PIECE", 1)
    monkeypatch.setattr(channel_gradients, "PRODUCTS", 1)
    for pieced, at_once in zip(emission_and_absorption(layer, gradient, size), whole, strict=True):
        torch.testing.assert_close(pieced, at_once, rtol=1e-12, atol=1e-12)


def test_terms_that_cancel_leave_what_is_left():
    """A smooth gradient under a kernel that takes differences: each term is 10^4 times the result."""
    layer = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    layer.weight.data = torch.tensor([[[[0.0, 1, 0], [1, -4, 1], [0, 1, 0]]]])
    y, x = torch.meshgrid(torch.linspace(0, 1, 64), torch.linspace(0, 1, 64), indexing="ij")
    gradient = (torch.sin(3.14159 * y) * torch.sin(3.14159 * x))[None, None]
    expected = local_gradients(layer.double(), gradient.double(), (64, 64)).norm()
    emission, _ = emission_and_absorption(layer.float(), gradient, (64, 64))
    assert emission.item() == pytest.approx(expected.item(), rel=1e-6)


def test_a_linear_layer_is_a_convolution_of_one_pixel():
    torch.manual_seed(0)
    linear, convolution = nn.Linear(5, 4).double(), nn.Conv2d(5, 4, 1).double()
    convolution.weight.data = linear.weight.data[:, :, None, None]
    gradient = torch.randn(7, 4, dtype=torch.float64)
    of_linear = emission_and_absorption(linear, gradient, ())
    of_convolution = emission_and_absorption(convolution, gradient[:, :, None, None], (1, 1))
    for found, expected in zip(of_linear, of_convolution, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    norms = (gradient[:, :, None] * linear.weight.detach()).abs()
    np.testing.assert_allclose(of_linear[0], norms.sum(2))
    np.testing.assert_allclose(of_linear[1], norms.sum(1))


def test_other_layers_are_refused():
    with pytest.raises(TypeError, match="circular"):
        emission_and_absorption(nn.Conv2d(1, 1, 3, padding_mode="circular"), torch.zeros(1, 1, 3, 3), (5, 5))
