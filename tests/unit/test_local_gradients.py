"""Emission and absorption without local gradients are those of the local gradients made one by one."""

import copy
import dataclasses

import numpy as np
import polars as pl
import pytest
import torch
from conftest import small_dataset
from torch import nn
from torch.nn import functional

from nodescope.analyses import local_gradients as analysis
from nodescope.analyses.local_gradients import LocalGradients
from nodescope.config.loading import parse_config
from nodescope.config.network import Network
from nodescope.config.training import Training
from nodescope.measuring.networks import MeasuredNetwork
from nodescope.measuring.runner import measure
from nodescope.messages.errors import ConfigError, WeightsError
from nodescope.networks import NetworkShape, build_network, initialise_stack
from nodescope.networks.losses import SUMMED_LOSSES
from nodescope.numerics import channel_gradients
from nodescope.numerics.channel_gradients import emission_and_absorption
from nodescope.study.configurations import configurations_of
from nodescope.training.configuration import network_shape, train_configuration

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


# --- the analysis ---


RESNET = NetworkShape("resnet", (1, 6, 6), 3, 8, 4, "relu", True, "kaiming_normal")


def network_and_samples(n=37):
    torch.manual_seed(0)
    network = build_network(RESNET)
    network(torch.rand(64, 36))  # running statistics that are not those of the start
    return network.eval(), torch.rand(n, 36), torch.arange(n) % 3


def trained_until_it_fits(network, x, y):
    """Till float32 has hardly a digit left for what the probability of a sample's class lacks to 1."""
    optimiser = torch.optim.Adam(network.train().parameters(), 0.02)
    for _ in range(60):
        optimiser.zero_grad()
        functional.cross_entropy(network(x), y).backward()
        optimiser.step()
    with torch.no_grad():
        network.output.weight *= 8
        network.output.bias *= 8
        probability = torch.softmax(network.eval()(x), 1)[torch.arange(len(x)), y]
    assert (probability == 1).float().mean() > 0.3
    return network


@pytest.mark.parametrize("name", ["stage_2.block_1.layer_1.conv", "output"])
@pytest.mark.parametrize("fits", [False, True], ids=["untrained", "fitted"])
@pytest.mark.parametrize("objective", SUMMED_LOSSES)
def test_the_table_holds_the_box_plots_of_the_local_gradients(name, fits, objective):
    network, x, y = network_and_samples()
    if fits:
        network = trained_until_it_fits(network, x, y)
    frame = measure(
        "local_gradients", MeasuredNetwork(network, x, y, objective), LocalGradients(layers=[name], channels=3)
    )
    assert frame["objective"].unique().to_list() == [objective]
    assert frame["weights_file"].null_count() == len(frame) == 6
    # What is computed next: the fourth layer's pre-activations, or the logits behind seven layers.
    assert frame["layer"].unique().to_list() == [4 if "conv" in name else 8]

    kept = []
    network = copy.deepcopy(network).double()
    layer = network.get_submodule(name)
    layer.register_forward_hook(lambda module, inputs, output: kept.extend([output, inputs[0]]))
    logits = network(x.double())
    if objective == "cross_entropy":
        loss = nn.CrossEntropyLoss(reduction="sum")(logits, y)
    else:  # a sample's own is the mean over the classes
        loss = nn.MSELoss(reduction="none")(logits, functional.one_hot(y, 3).double()).mean(1).sum()
    (gradient,) = torch.autograd.grad(loss, kept[0])
    if "conv" in name:
        norms = local_gradients(layer, gradient, kept[1].shape[2:]).flatten(3).norm(dim=3).detach().numpy()
    else:
        norms = (gradient[:, :, None] * layer.weight).abs().detach().numpy()
    for quantity, values in (("emission", norms.sum(2)), ("absorption", norms.sum(1))):
        part = frame.filter(pl.col("quantity") == quantity)
        assert part["channel"].to_list() == [0, 1, 2]
        for row, column in zip(part.iter_rows(named=True), values.T[:3], strict=True):
            expected = quartiles_and_whiskers(np.sort(column))
            for statistic, value in expected.items():
                assert row[statistic] == pytest.approx(value, rel=1e-9), statistic
            assert row["samples"] == 37


def quartiles_and_whiskers(values):
    q1, median, q3 = np.percentile(values, [25, 50, 75])
    inside = [v for v in values if q1 - 1.5 * (q3 - q1) <= v <= q3 + 1.5 * (q3 - q1)]
    return {
        "whisker_low": min(inside), "q1": q1, "median": median, "q3": q3, "whisker_high": max(inside),
        "mean": values.mean(),
    }  # fmt: skip


@pytest.mark.parametrize("values", [[3.0], [1.0, 9.0], [0, 0, 0, 0, 100], [0, 1, 1, 1, 1, 2], [-100, 0, 1, 2, 50]])
def test_few_values_and_outliers_make_a_box_too(values):
    found = analysis.box(np.array(values, np.float64))
    q1, q3 = np.percentile(values, [25, 75])
    assert found["whisker_low"] <= found["q1"] <= found["median"] <= found["q3"] <= found["whisker_high"]
    assert (found["q1"], found["q3"]) == (q1, q3)
    for whisker, edge in (("whisker_low", "q1"), ("whisker_high", "q3")):
        assert found[whisker] in values or found[whisker] == found[edge]


def test_layers_are_spread_over_the_network_from_the_first_to_the_last():
    network, x, y = network_and_samples()
    frame = measure("local_gradients", MeasuredNetwork(network, x, y, "cross_entropy"), LocalGradients())
    assert frame["name"].unique(maintain_order=True).to_list() == [
        "stem.conv", "stage_1.block_1.layer_2.conv", "stage_2.block_1.layer_2.conv", "stage_3.block_1.layer_1.conv",
        "output",
    ]  # fmt: skip
    assert frame["channel"].max() == 14
    assert frame.filter(pl.col("name") == "output", pl.col("quantity") == "emission")["channel"].to_list() == [0, 1, 2]


def test_batches_lose_no_sample_and_the_last_may_be_a_single_one(monkeypatch):
    network, x, y = network_and_samples(9)
    network = network.double()
    monkeypatch.setattr(analysis, "BATCH", 4)
    sizes = []
    network.stem.register_forward_hook(lambda module, inputs, output: sizes.append(len(output)))
    measured = MeasuredNetwork(network, x, y, "cross_entropy")
    ((emission, absorption),) = analysis.values_of(measured, measured.linear_maps()[:1])
    assert sizes[-3:] == [4, 4, 1]
    assert (emission.shape, absorption.shape) == ((9, 4), (9, 1))


def study(**changes):
    raw = {
        "name": "a", "dataset": "digits", "model": "resnet",
        "grid": {"depth": [8, 14], "width": [4], "activation": ["relu"]},
    }  # fmt: skip
    return parse_config({"studies": [raw | changes]}).studies[0]


def test_a_layer_that_does_not_exist_is_an_error_of_the_configuration():
    with pytest.raises(ConfigError) as caught:
        study(analyses={"local_gradients": {"layers": ["stem.conv", "stage_1.block_2.layer_1.conv"]}})
    message = str(caught.value)
    assert (
        "studies[0].analyses.local_gradients.layers: resnet of depth 8 has no layer 'stage_1.block_2.layer_1.conv'"
        in message
    )
    assert "depth 14" not in message
    assert "stage_3.block_1.layer_2.conv" in message
    study(analyses={"local_gradients": {"layers": ["stem.conv", "output"]}})


# --- weights from a file ---


def test_networks_start_from_the_weights_of_a_file(tmp_path):
    network, x, y = network_and_samples()
    torch.save(network.state_dict(), tmp_path / "resnet8.pth")
    shape = dataclasses.replace(RESNET, weights=str(tmp_path / "resnet8.pth"))
    stack = initialise_stack(shape, [0, 1])
    for replica in (0, 1):
        for name, tensor in stack.network_tensors(replica).items():
            assert torch.equal(tensor, network.state_dict()[name]), name

    loaded = build_network(shape)
    loaded.load_state_dict(stack.network_tensors(0))
    frame = measure(
        "local_gradients",
        MeasuredNetwork(loaded.eval(), x, y, "cross_entropy"),
        LocalGradients(layers=["output"], samples=2),
    )
    assert frame["weights_file"].unique().to_list() == ["resnet8.pth"]

    with pytest.raises(WeightsError, match=r"stem\.conv\.weight is 4x1x3x3, the network's 5x1x3x3"):
        initialise_stack(dataclasses.replace(shape, width=5), [0])


def test_a_file_of_weights_is_looked_at_as_it_is(tmp_path):
    """Networks that are not trained get the running statistics of the samples, but not those that bring their own."""
    network, _, _ = network_and_samples()
    torch.save(network.state_dict(), tmp_path / "resnet.pth")
    blobs = small_dataset(features=36)
    dataset = dataclasses.replace(blobs, x=blobs.x.reshape(-1, 1, 6, 6))
    keys = {"dataset": "made", "model": "resnet", "depth": 8, "width": 4, "activation": "relu", "batch_norm": True}
    trained = train_configuration(
        "net", network_shape(keys, dataset, Network(weights=str(tmp_path / "resnet.pth")), None), [0], Training(epochs=0),
        dataset, device="cpu", progress_folder=tmp_path / "progress", title="test",
    )  # fmt: skip
    for name, tensor in trained.networks()["initial"][0].items():
        assert torch.equal(tensor, network.state_dict()[name]), name


def test_the_name_of_the_file_may_hold_the_depth():
    settings = study(network={"weights": "resnet{depth}.pth"})
    files = [configuration.network(settings).weights for configuration in configurations_of(settings)]
    assert files == ["resnet8.pth", "resnet14.pth"]
    assert all(c.network(study()).weights is None for c in configurations_of(study()))
