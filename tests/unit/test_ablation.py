"""Nodes that are switched off: against a whole forward pass in float64, and by what must hold."""

import copy

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from nodescope.analyses.ablation import SHARES, Ablation
from nodescope.analyses.mean_inputs import MeanInputs
from nodescope.families.shape import NetworkShape
from nodescope.measuring.networks import MeasuredNetwork
from nodescope.measuring.runner import all_tables
from nodescope.measuring.runner import measure as measured
from nodescope.networks.building import build_network

PLACE = ["layer", "kind", "node"]


def network_of(seed=0, **changes):
    """An untrained network whose parameters, and statistics of batch normalisation, are all drawn."""
    settings = {
        "model": "mlp", "input_shape": (1, 8, 8), "n_classes": 4, "depth": 3, "width": 6, "activation": "relu",
        "batch_norm": True, "initialisation": "xavier_normal",
    }  # fmt: skip
    torch.manual_seed(seed)
    network = build_network(NetworkShape(**{**settings, **changes})).eval()
    for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
        if tensor.is_floating_point():
            with torch.no_grad():
                tensor.add_(0.2 * torch.randn_like(tensor)).abs_() if "var" in name else tensor.add_(
                    0.2 * torch.randn_like(tensor)
                )
    return network


def samples(n=45, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(n, 64, generator=generator), torch.randint(0, 4, (n,), generator=generator)


def measured_network(network, x, y, **more):
    return MeasuredNetwork(network, x, y, "cross_entropy", input_shape=(1, 8, 8), **more)


def ablation(network, x, y, **options):
    return all_tables("ablation", measured_network(network, x, y), Ablation(**{"orders": 0, **options}))


def reference(network, path, node, kind, x, y):
    """One whole forward pass in float64 with, one without the node."""
    network = copy.deepcopy(network).double()
    kept = []

    def replace(module, inputs, output):
        kept.append(output[:, node])
        output = output.clone()
        output[:, node] = 0 if kind == "zero" else output[:, node].mean()
        return output

    with torch.no_grad():
        before = network(x.double())
        network.get_submodule(path).register_forward_hook(replace)
        after = network(x.double())
    change = functional.cross_entropy(after, y, reduction="none") - functional.cross_entropy(
        before, y, reduction="none"
    )
    right, still = before.argmax(1) == y, after.argmax(1) == y
    found = {
        "loss_change": change.mean().item(),
        "standard_error": (change.std() / len(y) ** 0.5).item(),
        "lost": (right & ~still).sum().item(),
        "gained": (~right & still).sum().item(),
        "flipped": (before.argmax(1) != after.argmax(1)).double().mean().item(),
    }
    return found, change


FAMILIES = {
    "batch normalisation": {},
    "sigmoid, layer normalisation": {"activation": "sigmoid", "batch_norm": False, "layer_norm": True},
    "tanh, biases": {"activation": "tanh", "batch_norm": False, "bias": "all_and_output"},
    "shortcuts": {"skip_connections": True, "depth": 4},
    "learned slope": {"activation": "prelu", "batch_norm": False},
    "one layer": {"depth": 1},
    "cnn": {"model": "cnn", "depth": 3},
    "convnet": {"model": "convnet", "depth": 2},
    "fixup_resnet": {"model": "fixup_resnet", "depth": 8, "batch_norm": False, "width": 4},
    "pyramidnet": {"model": "pyramidnet", "depth": 8, "width": 4},
    "resnet": {"model": "resnet", "depth": 8, "width": 4},
    "toynet": {"model": "toynet", "depth": 8, "width": 4},
    "torchvision_resnet": {"model": "torchvision_resnet", "depth": 18, "width": 4},
}


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_each_node_of_every_family_counts_as_a_whole_pass_without_it_says(family):
    network, (x, y) = network_of(**FAMILIES[family]), samples(21)
    layers = measured_network(network, x, y).hidden_layers()
    tables = ablation(network, x, y)
    found = tables["ablation"]
    assert found.group_by("layer", maintain_order=True).len()["len"].to_list() == [2 * each.nodes for each in layers]
    for row in found.sample(min(30, len(found)), seed=0).iter_rows(named=True):
        expected, change = reference(network, layers[row["layer"] - 1].path, row["node"], row["kind"], x, y)
        assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-4, abs=2e-6), row
        classes = tables["ablation_classes"].filter(*(pl.col(name) == row[name] for name in PLACE))
        for c, value in classes.select("class", "loss_change").iter_rows():
            of_class = change[y == c]
            assert value == (pytest.approx(of_class.mean().item(), rel=1e-5, abs=1e-5) if len(of_class) else None)


@pytest.mark.parametrize("family", ["batch normalisation", "shortcuts", "cnn", "resnet"])
def test_effects_of_classes_add_up_to_those_of_all_samples(family):
    network, (x, y) = network_of(**FAMILIES[family]), samples()
    tables = ablation(network, x, y)
    classes = tables["ablation_classes"].with_columns(weighted=pl.col("loss_change") * pl.col("samples"))
    total = classes.group_by(PLACE).agg(pl.col("weighted", "lost", "gained", "samples").sum())
    both = tables["ablation"].join(total, on=PLACE)
    assert np.allclose(both["weighted"] / both["samples"], both["loss_change"], atol=1e-9)
    for name in ("lost", "gained", "samples"):
        assert (both[name] == both[f"{name}_right"]).all()
    assert (both["samples"] == len(y)).all()
    change = both["flipped"] * len(y)
    assert np.allclose(change, change.round(), atol=1e-9) and (change >= both["lost"] + both["gained"] - 1e-9).all()


def test_a_dead_relu_and_a_constant_node_change_nothing_at_all():
    network, (x, y) = network_of(batch_norm=False, bias="all"), samples()
    with torch.no_grad():
        network.hidden[0].linear.bias[2] = -1e3  # dead
        network.hidden[1].linear.weight[4] = 0
        network.hidden[1].linear.bias[4] = 3  # constant, not zero
    found = ablation(network, x, y)["ablation"]
    numbers = ("loss_change", "standard_error", "lost", "gained", "flipped")
    dead = found.filter(pl.col("layer") == 1, pl.col("node") == 2)
    constant = found.filter(pl.col("layer") == 2, pl.col("node") == 4)
    assert dead.select(numbers).rows() == [(0, 0, 0, 0, 0)] * 2
    assert constant.filter(pl.col("kind") == "mean").select(numbers).rows() == [(0, 0, 0, 0, 0)]
    assert constant.filter(pl.col("kind") == "zero")["loss_change"][0] != 0


@settings(max_examples=10)
@given(st.integers(0, 20), st.floats(0.1, 10))
def test_scaling_the_weights_into_a_relu_and_out_of_it_against_each_other_changes_nothing(seed, scale):
    network, (x, y) = network_of(seed, depth=2, width=3, batch_norm=False), samples(seed=seed)
    before = ablation(network, x, y)["ablation"]
    with torch.no_grad():
        network.hidden[0].linear.weight[1] *= scale
        network.hidden[0].linear.bias[1] *= scale
        network.hidden[1].linear.weight[:, 1] /= scale
    after = ablation(network, x, y)["ablation"]
    assert np.allclose(before["loss_change"], after["loss_change"], atol=1e-4)


@settings(max_examples=10)
@given(st.permutations(range(4)))
def test_permuting_nodes_permutes_their_effects(order):
    network, (x, y) = network_of(depth=2, width=4, batch_norm=False), samples()
    before = ablation(network, x, y)["ablation"].filter(pl.col("layer") == 1).sort("kind", "node")
    with torch.no_grad():
        for tensor in (network.hidden[0].linear.weight, network.hidden[0].linear.bias):
            tensor.copy_(tensor[list(order)])
        network.hidden[1].linear.weight.copy_(network.hidden[1].linear.weight[:, list(order)])
    after = ablation(network, x, y)["ablation"].filter(pl.col("layer") == 1).sort("kind", "node")
    values = before["loss_change"].to_numpy().reshape(2, -1)[:, list(order)]
    assert np.allclose(values, after["loss_change"].to_numpy().reshape(2, -1), atol=1e-6)


def test_the_last_layer_is_estimated_exactly_and_others_rank_alike():
    network, (x, y) = network_of(), samples()
    exact = ablation(network, x, y, method="exact")["ablation"]
    estimated = ablation(network, x, y, method="logit_linear")["ablation"]
    assert set(exact["method"]) == {"exact"} and set(estimated["method"]) == {"logit_linear"}
    both = exact.join(estimated, on=PLACE)
    last = both.filter(pl.col("layer") == 3)
    assert np.allclose(last["loss_change"], last["loss_change_right"], atol=1e-5)
    assert both.select(pl.corr("loss_change", "loss_change_right", method="spearman")).item() > 0.8


def test_a_layer_that_costs_much_is_estimated_and_some_of_its_nodes_are_computed():
    network, (x, y) = network_of(model="cnn", width=8), samples()
    found = ablation(network, x, y, exact_limit=1e5, checked=2)["ablation"]
    exact = ablation(network, x, y, method="exact")["ablation"]
    assert set(found["method"]) == {"exact", "logit_linear"} and found["estimate"].null_count() == 0
    both = found.join(exact, on=PLACE)
    computed = both.filter(pl.col("method") == "exact")
    assert np.allclose(computed["loss_change"], computed["loss_change_right"], atol=1e-6)
    assert (computed.group_by("layer", "kind").len()["len"] <= 4).all()


def test_many_nodes_off_at_once_leave_what_a_whole_pass_leaves():
    for family in ("batch normalisation", "shortcuts", "cnn", "resnet"):
        network, (x, y) = network_of(**FAMILIES[family]), samples()
        measured_one = measured_network(network, x, y)
        off = torch.tensor([[True, False] * 20])
        for number, layer in measured_one.layers_off(x, [1, 2]):
            found = measured_one.hidden_layers()[number - 1]
            ((_, logits),) = layer.several(off[:, : found.nodes], torch.full((found.nodes,), 0.3))

            def replace(module, inputs, output, off=off[0, : found.nodes]):
                output = output.clone()
                output[:, off] = 0.3
                return output

            handle = network.get_submodule(found.path).register_forward_hook(replace)
            with torch.no_grad():
                expected = network(x)
            handle.remove()
            assert torch.allclose(logits[0], expected, atol=1e-5), family


def test_joint_removal_starts_at_the_networks_accuracy_and_takes_the_least_important_first():
    network, (x, y) = network_of(width=10), samples()
    joint = ablation(network, x, y, orders=5)["ablation_joint"]
    with torch.no_grad():
        accuracy = (network(x).argmax(1) == y).double().mean().item()
    assert joint.filter(pl.col("share") == 0)["accuracy"].to_list() == pytest.approx([accuracy] * 12)
    assert sorted(joint["share"].unique()) == [0, *SHARES]
    assert joint.filter(pl.col("order") == "random", pl.col("share") > 0)["orders"].unique().to_list() == [5]
    assert joint.filter(pl.col("share") == 0.3)["off"].unique().to_list() == [3]
    ones = ablation(network, x, y)["ablation"].filter(pl.col("layer") == 3, pl.col("kind") == "mean")
    first = joint.filter(
        pl.col("layer") == 3, pl.col("kind") == "mean", pl.col("order") == "least", pl.col("share") == 0.1
    )
    assert first["loss_change"][0] == pytest.approx(ones["loss_change"].min(), abs=1e-6)
    assert ablation(network, x, y)["ablation_joint"].is_empty()


class InPlace(nn.Module):
    """A network that writes over its activations, calls one module twice, and calls a function itself."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.third = nn.Linear(64, 6), nn.Linear(6, 6), nn.Linear(6, 6)
        self.relu = nn.ReLU(inplace=True)
        self.output = nn.Linear(6, 4)

    def forward(self, x):
        a = self.relu(self.first(x))
        b = self.relu(self.second(a))
        return self.output(functional.relu(self.third(b + a)))


def test_of_a_network_of_ones_own_every_layer_that_is_a_module_is_switched_off(caplog):
    torch.manual_seed(0)
    network, (x, y) = InPlace().eval(), samples()
    with caplog.at_level("INFO"):
        found = ablation(network, x, y, method="exact")["ablation"]
    assert found["layer"].unique().sort().to_list() == [1, 2]
    assert "forward/relu:1" in caplog.text
    means = [layer.mean for layer in measured_network(network, x, y).ranges(7)]
    for row in found.iter_rows(named=True):
        calls = 0

        def replace(module, inputs, output, row=row):
            nonlocal calls
            calls += 1
            if calls != row["layer"]:
                return None
            output = output.clone()
            output[:, row["node"]] = 0 if row["kind"] == "zero" else means[calls - 1][row["node"]].float()
            return output

        before = functional.cross_entropy(network(x), y)
        handle = network.relu.register_forward_hook(replace)
        after = functional.cross_entropy(network(x), y)
        handle.remove()
        assert row["loss_change"] == pytest.approx((after - before).item(), abs=1e-5)


def test_a_network_with_other_outputs_than_classes_has_no_rows():
    x, y = samples()
    network = measured_network(network_of(), x, y, n_classes=3)
    assert all(table.is_empty() for table in all_tables("ablation", network).values())


def test_a_single_sample_has_no_standard_error():
    found = ablation(network_of(), *samples(1))["ablation"]
    assert found["standard_error"].null_count() == len(found) and found["loss_change"].null_count() == 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_of_a_diverged_network_all_is_null_and_the_rows_stay(bad):
    network, (x, y) = network_of(batch_norm=False), samples()
    with torch.no_grad():
        network.output.weight[0, 0] = bad
    found = ablation(network, x, y)["ablation"]
    assert len(found) == 2 * 3 * 6 and found["loss_change"].null_count() == len(found)
    network = network_of(batch_norm=False)
    with torch.no_grad():
        network.hidden[1].linear.weight[0, 0] = bad
    assert ablation(network, x, y)["ablation"]["method"].null_count() == len(found)


# --- images of weights and inputs ---


def test_weights_of_the_first_layer_are_drawn_on_a_scale_of_their_own():
    x, y = samples()
    for changes, count in (({}, 6), ({"model": "cnn"}, 6)):
        network = network_of(**changes)
        frame = measured("weight_images", measured_network(network, x, y))
        weights = next(m.weight for m in network.modules() if isinstance(m, nn.Linear | nn.Conv2d)).detach()
        assert len(frame) == len(weights) >= count
        assert np.allclose(frame["high"], weights.flatten(1).abs().amax(1)) and (frame["low"] == -frame["high"]).all()
        assert frame["image"].str.starts_with("data:image/png;base64,").all()


def test_without_images_there_are_none():
    x, y = samples()
    network = MeasuredNetwork(network_of(), x, y, "cross_entropy", input_shape=(64,))
    assert measured("weight_images", network).is_empty() and measured("mean_inputs", network).is_empty()


@pytest.mark.parametrize("family", ["batch normalisation", "cnn"])
def test_mean_inputs_are_those_where_a_node_is_on_less_those_where_it_is_off(family):
    network, (x, y) = network_of(**FAMILIES[family]), samples()
    threshold = 0.05
    measured_one = measured_network(network, x, y, theta_threshold=threshold)
    frame = measured("mean_inputs", measured_one, MeanInputs(train_samples=len(x)))
    kept = {}
    layers = measured_one.hidden_layers()
    for layer in layers:
        module = network.get_submodule(layer.path)
        module.register_forward_pre_hook(lambda m, inputs, name=layer.path: kept.update({name: inputs[0]}))
    with torch.no_grad():
        network(x)
    assert len(frame) == sum(layer.nodes for layer in layers)
    for row in frame.iter_rows(named=True):
        z = kept[layers[row["layer"] - 1].path][:, row["node"]].reshape(len(x), -1).amax(1)
        on = z > threshold
        assert (row["on"], row["off"]) == (on.sum(), (~on).sum())
        if on.all() or not on.any():
            assert row["image"] is None and row["high"] is None
        else:
            difference = x[on].double().mean(0) - x[~on].double().mean(0)
            assert row["high"] == pytest.approx(difference.abs().max().item(), rel=1e-5)
            assert row["low"] == -row["high"]
