"""What is measured on the networks themselves, against autograd and NumPy; and that they stay as they were."""

import copy

import numpy as np
import polars as pl
import pytest
import torch
from conftest import small_dataset
from scipy import stats
from torch import nn
from torch.nn import functional

from nodescope.analyses import registered
from nodescope.config.analyses import Analyses
from nodescope.measuring.networks import MeasuredNetwork, linear_maps, split_samples
from nodescope.measuring.runner import measure as measured
from nodescope.networks import HiddenActivation, NetworkShape
from nodescope.networks.losses import SUMMED_LOSSES
from nodescope.networks.mlp import FullyConnected

pytestmark = pytest.mark.slow

ON_NETWORKS = [name for name, analysis in registered().items() if analysis.of_networks]
OPTIONS = Analyses()


class SmallConvolution(nn.Module):
    """Two convolutions, the second with a shortcut that has one of its own, and a linear output."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.one = HiddenActivation("relu")
        self.second = nn.Conv2d(4, 6, 3, stride=2)
        self.shortcut = nn.Conv2d(4, 6, 3, stride=2, bias=False)
        self.two = HiddenActivation("tanh")
        self.dropout = nn.Dropout(0.5)
        self.output = nn.Linear(6 * 3 * 3, 3)

    def forward(self, x):
        x = self.one(self.norm(self.first(x)))
        x = self.two(self.second(x) + self.shortcut(x))
        return self.output(self.dropout(x.flatten(1)))


def fully_connected(activation="tanh", batch_norm=False):
    return FullyConnected(NetworkShape("mlp", (5,), 3, 2, 7, activation, batch_norm, "xavier_normal", "all"))


@pytest.fixture(params=["fully connected", "with batch normalisation", "convolution"])
def network_and_samples(request):
    torch.manual_seed(0)
    y = torch.arange(40) % 3
    if request.param == "convolution":
        return SmallConvolution().eval(), torch.randn(40, 1, 8, 8), y
    return fully_connected(batch_norm="with" in request.param).eval(), torch.randn(40, 5), y


def measure(name, network, x, y, objective="cross_entropy", **options):
    shape = (1, 1, 5) if x.ndim == 2 else tuple(x.shape[1:])
    network = MeasuredNetwork(network, x, y, objective, input_shape=shape)
    return measured(name, network, OPTIONS[name].model_copy(update=options))


@pytest.mark.parametrize("name", ON_NETWORKS)
def test_a_measurement_gives_its_columns_and_leaves_the_network_as_it_was(name, network_and_samples):
    network, x, y = network_and_samples
    before = {key: value.clone() for key, value in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    frame = measure(name, network, x, y)
    assert ["state", *frame.columns] == list(registered()[name].table.schema())
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert [module.training for module in network.modules()] == modes
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())


def test_a_linear_map_belongs_to_the_layer_that_is_computed_next():
    found = [(linear.layer, linear.name) for linear in linear_maps(SmallConvolution().eval(), torch.zeros(1, 1, 8, 8))]
    assert found == [(1, "first"), (2, "second"), (2, "shortcut"), (3, "output")]


def test_weights_are_described_as_scipy_does(network_and_samples):
    network, x, y = network_and_samples
    frame = measure("weights", network, x, y)
    linear = {name: m for name, m in network.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)}
    assert set(frame["name"]) == set(linear)
    for row in frame.iter_rows(named=True):
        values = getattr(linear[row["name"]], row["parameter"]).detach().double().numpy().ravel()
        assert row["count"] == len(values)
        expected = {
            "mean": values.mean(), "std": values.std(), "minimum": values.min(), "maximum": values.max(),
            "skew": None if values.std() == 0 else stats.skew(values),
            "kurtosis": None if values.std() == 0 else stats.kurtosis(values),
        }  # fmt: skip
        for column, reference in expected.items():
            assert row[column] == pytest.approx(reference, rel=1e-9, abs=1e-12), (row["name"], column)


def test_histograms_of_weights_hold_each_weight_once(network_and_samples):
    network, x, y = network_and_samples
    frame = measure("weight_distributions", network, x, y, bins=5)
    for (name, parameter), part in frame.group_by("name", "parameter"):
        values = dict(network.named_parameters())[f"{name}.{parameter}"].detach().double().numpy().ravel()
        counts, edges = np.histogram(values, 5)
        assert part["count"].to_list() == counts.tolist()
        np.testing.assert_allclose(part["bin_left"], edges[:-1])


def mean_loss(objective, logits, y):
    """PyTorch's own, of a batch."""
    if objective == "cross_entropy":
        return nn.CrossEntropyLoss()(logits, y)
    return nn.MSELoss()(logits, functional.one_hot(y, logits.shape[1]).to(logits))


def reference_gradients(network, x, y, objective):
    """Each sample's gradients by autograd in float64; everything as in evaluation."""
    network = copy.deepcopy(network).double()
    kept = {}

    def keep(name, quantity):
        def hook(module, inputs, output=None):
            tensor = inputs[0] if output is None else output
            tensor.retain_grad()
            kept[name, quantity] = tensor

        return hook

    for name, module in network.named_modules():
        if isinstance(module, HiddenActivation):
            short = name.removesuffix(".activation")
            module.register_forward_pre_hook(keep(short, "pre_activation"))
            module.register_forward_hook(keep(short, "activation"))
    logits = network(x.double())
    logits.retain_grad()
    kept["output", "pre_activation"] = logits
    mean_loss(objective, logits, y).backward()
    samples = len(x)
    found = {key: tensor.grad.numpy() * samples for key, tensor in kept.items()}
    for name, module in network.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            found |= {(name, p): value.grad.numpy() for p, value in module.named_parameters()}
    return found


def fitted(network, x, y):
    """The network trained until float32 has hardly a digit left for what the probabilities lack to 1."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(300):
        optimiser.zero_grad()
        functional.cross_entropy(network(x), y).backward()
        optimiser.step()
    network.eval()
    with torch.no_grad():  # as training on would, at length: a margin of 25 nats in the middle
        logits, own = network(x), functional.one_hot(y, 3).bool()
        margin = logits[own] - logits.masked_fill(own, -torch.inf).max(1).values
        for parameter in network.output.parameters():
            parameter *= 25 / margin.median()
    return network


@pytest.mark.parametrize("objective", SUMMED_LOSSES)
@pytest.mark.parametrize("fits", [False, True], ids=["untrained", "fitted"])
def test_gradients_are_those_of_the_loss_of_training(network_and_samples, fits, objective):
    network, x, y = network_and_samples
    if fits:
        network = fitted(network, x, y)
        rounded = torch.softmax(network(x), 1)[torch.arange(len(x)), y]
        exact = torch.softmax(copy.deepcopy(network).double()(x.double()), 1)[torch.arange(len(x)), y]
        assert (rounded == 1).double().mean() > 0.3 and (exact == 1).double().mean() < 0.2
    frame = measure("gradients", network, x, y, objective)
    assert frame["objective"].unique().to_list() == [objective]
    expected = reference_gradients(network, x, y, objective)
    assert {(row["name"], row["quantity"]) for row in frame.iter_rows(named=True)} == set(expected)
    for row in frame.iter_rows(named=True):
        values = expected[row["name"], row["quantity"]]
        assert row["count"] == values.size
        scale = np.abs(values).max()
        assert row["mean"] == pytest.approx(values.mean(), rel=1e-9, abs=1e-15 * scale)
        assert row["std"] == pytest.approx(values.std(), rel=1e-9)
        assert row["maximum"] == pytest.approx(values.max(), rel=1e-9)
        assert row["zero_share"] == np.mean(values == 0)
        if row["quantity"] in ("weight", "bias"):
            norm = np.linalg.norm(values)
        else:
            norm = np.sqrt(np.mean([np.linalg.norm(sample) ** 2 for sample in values]))
        assert row["norm"] == pytest.approx(norm, rel=1e-9)


def test_layers_of_gradients_are_numbered_from_the_first_hidden_layer_to_the_output(network_and_samples):
    network, x, y = network_and_samples
    frame = measure("gradients", network, x, y).filter(pl.col("quantity") == "pre_activation")
    assert frame["layer"].to_list() == [1, 2, 3]
    assert frame["name"][2] == "output"


@pytest.mark.parametrize("name", ON_NETWORKS)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_diverged_net_gives_null_not_nan(name, bad):
    network = fully_connected("relu").eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(bad)
    frame = measure(name, network, torch.randn(10, 5), torch.arange(10) % 3)
    assert len(frame) > 0
    floats = frame.select(pl.selectors.float())
    if name == "input_probe":  # which looks at what a network is given, whatever became of it
        assert floats.null_count().sum_horizontal()[0] == 0
        return
    assert floats.null_count().sum_horizontal()[0] == floats.width * len(frame)


def test_training_samples_are_spread_over_the_split():
    dataset = small_dataset()
    x, y = split_samples(dataset, "train", 4)
    chosen = dataset.splits.train[[0, 20, 40, 60]]
    np.testing.assert_array_equal(x.numpy(), dataset.x[chosen])
    np.testing.assert_array_equal(y.numpy(), dataset.y[chosen])
    assert len(split_samples(dataset, "train", 10_000)[0]) == len(dataset.splits.train)
