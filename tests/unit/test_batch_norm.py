"""Batch normalisation starts with the factors, and has the momentum and the epsilon, that the configuration gives."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from nodescope.config.network import Network
from nodescope.config.training import Training
from nodescope.families import FAMILIES
from nodescope.networks import NetworkShape, build_network, initialise_stack, load_network, save_network
from nodescope.storage.tensors import load_tensors
from nodescope.training import replicas as fused
from nodescope.training.data import TrainingData
from nodescope.training.state import Replica

torch.set_num_threads(1)

DEPTHS = {"mlp": 2, "cnn": 4, "torchvision_resnet": 18}
NORMALISED = [name for name, architecture in FAMILIES.items() if architecture.can_normalise]


def shape_of(model, width=4, **changes):
    depth = DEPTHS.get(model, 8)
    return NetworkShape(model, (1, 8, 8), 3, depth, width, "relu", True, "kaiming_normal", **changes)


def norms(network):
    return {
        name: module for name, module in network.named_modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)
    }


def one_of(shape, seeds, place):
    network = build_network(shape)
    network.load_state_dict(initialise_stack(shape, seeds).network_tensors(place))
    return network


@pytest.mark.parametrize("model", NORMALISED)
def test_uniform_factors_are_the_seed_s_own_and_change_nothing_else(model):
    constant, uniform = shape_of(model), shape_of(model, batch_norm_scale="uniform")
    plain, drawn = one_of(constant, [7], 0), one_of(uniform, [3, 7], 1)
    scales = {f"{name}.weight" for name in norms(drawn)}
    assert len(scales) >= 2
    for name, tensor in drawn.state_dict().items():
        if name in scales:
            assert (plain.state_dict()[name] == 1).all()
            assert ((tensor >= 0) & (tensor <= 1)).all() and len(tensor.unique()) == len(tensor)
        else:
            assert torch.equal(tensor, plain.state_dict()[name]), name
    alone, other = one_of(uniform, [7], 0), one_of(uniform, [8], 0)
    for name in scales:
        assert torch.equal(alone.state_dict()[name], drawn.state_dict()[name])
        assert not torch.equal(other.state_dict()[name], drawn.state_dict()[name])


def test_uniform_factors_are_uniform_between_0_and_1():
    network = one_of(shape_of("mlp", width=2000, batch_norm_scale="uniform"), [0], 0)
    drawn = torch.cat([module.weight.detach() for module in norms(network).values()]).double().numpy()
    assert len(drawn) == 4000 and stats.kstest(drawn, "uniform").pvalue > 1e-3


def test_a_network_that_is_fused_starts_with_the_factors_of_the_same_network_that_is_not():
    fused_shape = shape_of("mlp", width=6, batch_norm_scale="uniform")
    # Widths of input and output differ, so that no layer skips: the same network, one replica after another.
    alone = dataclasses.replace(fused_shape, dropout=1e-9)
    found, expected = (initialise_stack(shape, [0, 5]) for shape in (fused_shape, alone))
    assert found.fuses and not expected.fuses
    for replica in range(2):
        for name, tensor in expected.network_tensors(replica).items():
            assert torch.equal(found.network_tensors(replica)[name], tensor), name


@pytest.mark.parametrize("model", NORMALISED)
def test_every_family_is_trained_and_saved_with_the_given_momentum_and_epsilon(model, tmp_path):
    shape = shape_of(model, batch_norm_scale="uniform", batch_norm_momentum=0.35, batch_norm_epsilon=0.02)
    random = np.random.default_rng(1)
    x, y = torch.from_numpy(random.random((26, 64))), torch.arange(26) % 3
    data = TrainingData(x[:20], y[:20], x[20:], y[20:])
    replicas = [Replica(4, 0.1)]
    # Adam would blow up the rounding of gradients that are 0, of shifts that another normalisation takes away.
    training = Training(epochs=2, batch_size=8, optimiser="sgd", momentum=0.0, learning_rate_decay=1.0)
    state = fused.train(shape, replicas, training, data, fused.start(shape, replicas, 2, data), lambda _: None)

    alone = build_network(dataclasses.replace(shape, batch_norm_momentum=0.1, batch_norm_epsilon=1e-5)).double()
    alone.load_state_dict(initialise_stack(shape, [4], dtype=torch.float64).network_tensors(0))
    for module in norms(alone).values():
        module.momentum, module.eps = 0.35, 0.02
    optimiser = torch.optim.SGD(alone.parameters(), 0.1)
    for epoch in range(2):
        order = np.random.default_rng([4, 1, epoch]).permutation(20)
        for begin in range(0, 20, 8):
            samples = order[begin : begin + 8]
            optimiser.zero_grad()
            nn.functional.cross_entropy(alone(x[samples]), y[samples]).backward()
            optimiser.step()
    stack = fused.stack_of(shape, state.tensors)
    for name, tensor in stack.network_tensors(0).items():
        if "num_batches_tracked" not in name:
            torch.testing.assert_close(tensor, alone.state_dict()[name], rtol=1e-10, atol=1e-10)

    save_network(tmp_path / "net.safetensors", shape, {n: t.float() for n, t in stack.network_tensors(0).items()})
    loaded = load_network(tmp_path / "net.safetensors")
    assert {(module.momentum, module.eps) for module in norms(loaded).values()} == {(0.35, 0.02)}
    torch.testing.assert_close(loaded.double()(x), alone.eval()(x), rtol=1e-4, atol=1e-4)
    assert '"batch_norm_scale": "uniform"' in load_tensors(tmp_path / "net.safetensors")[1]["shape"]


def test_what_the_configuration_says_is_what_the_shape_says():
    fields = {field.name: field.default for field in dataclasses.fields(NetworkShape)}
    for name, value in Network().model_dump().items():
        assert fields[name] == value
