"""A fused net is the same net as one trained alone, whatever it shares its stack with."""

import numpy as np
import pytest
import torch
from torch import nn

from nodescope.models import FullyConnected, NetworkShape, StackedFullyConnected
from nodescope.models.mlp import unstack
from nodescope.training import replicas as fused
from nodescope.training.replicas import Protocol, Replica, TrainingData

torch.set_num_threads(1)


def make_shape(activation="relu", batch_norm=False, bias="first_layer", depth=3):
    return NetworkShape(
        n_inputs=7,
        n_classes=4,
        depth=depth,
        width=9,
        activation=activation,
        batch_norm=batch_norm,
        bias=bias,
        initialisation="kaiming_normal",
    )


def make_data(n_train=53, n_validation=20, dtype=torch.float64, seed=0):
    random = np.random.default_rng(seed)
    x = torch.from_numpy(random.normal(size=(n_train + n_validation, 7))).to(dtype)
    y = torch.from_numpy(random.integers(0, 4, n_train + n_validation))
    return TrainingData(x[:n_train], y[:n_train], x[n_train:], y[n_train:])


def train_fused(shape, replicas, protocol, data, after_epoch=lambda state: None):
    state = fused.start(shape, replicas, protocol.epochs, data)
    return fused.train(shape, replicas, protocol, data, state, after_epoch)


def train_alone(shape, replica, protocol, data):
    """The same protocol as anyone would write it: nn.Module, torch.optim.Adam, a loop."""
    stack = StackedFullyConnected.initialise(shape, [replica.seed], dtype=torch.float64)
    network = FullyConnected(shape).double()
    network.load_state_dict(unstack(stack.tensors(), 0))
    optimiser = torch.optim.Adam(network.parameters(), lr=replica.learning_rate)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, protocol.learning_rate_decay)
    best_accuracy, best_state, best_epoch = -1.0, None, 0
    for epoch in range(protocol.epochs):
        network.train()
        order = np.random.default_rng([replica.seed, 1, epoch]).permutation(len(data.x_train))
        for begin in range(0, len(order), protocol.batch_size):
            samples = order[begin : begin + protocol.batch_size]
            if len(samples) == 1 and shape.batch_norm:
                continue
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(data.x_train[samples]), data.y_train[samples]).backward()
            optimiser.step()
        schedule.step()
        network.eval()
        with torch.no_grad():
            accuracy = (network(data.x_validation).argmax(1) == data.y_validation).double().mean().item()
        if accuracy > best_accuracy:
            best_accuracy, best_epoch = accuracy, epoch + 1
            best_state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    return network.state_dict(), best_state, best_epoch


@pytest.mark.parametrize("batch_norm", [False, True], ids=["without-bn", "with-bn"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_each_fused_replica_equals_the_net_trained_alone(activation, batch_norm):
    shape, data = make_shape(activation, batch_norm), make_data()
    protocol = Protocol(epochs=5, batch_size=8, learning_rate_decay=0.9, snapshots=())
    replicas = [Replica(0, 0.01), Replica(1, 0.01), Replica(0, 0.001), Replica(2, 0.0001)]

    state = train_fused(shape, replicas, protocol, data)

    for place, replica in enumerate(replicas):
        last, best, best_epoch = train_alone(shape, replica, protocol, data)
        assert state.best_epoch[place] == best_epoch
        for stacked, alone in ((unstack(state.tensors, place), last), (unstack(state.best, place), best)):
            for name in stacked:
                if "num_batches_tracked" not in name:
                    torch.testing.assert_close(stacked[name], alone[name], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("bias", ["first_layer", "all", "none"])
def test_bias_stands_where_the_configuration_says(bias):
    names = StackedFullyConnected.initialise(make_shape(bias=bias), [0]).parameters
    biased = [name for name in names if name.endswith("linear.bias")]
    assert len(biased) == {"first_layer": 1, "all": 3, "none": 0}[bias]
    assert "output.bias" not in names


def test_a_replica_does_not_depend_on_its_neighbours():
    shape, data = make_shape(batch_norm=True), make_data()
    protocol = Protocol(epochs=3, batch_size=8, learning_rate_decay=0.99, snapshots=())
    alone = train_fused(shape, [Replica(5, 0.01)], protocol, data)
    among_others = train_fused(shape, [Replica(1, 0.1), Replica(5, 0.01), Replica(7, 0.01)], protocol, data)
    for name, tensor in unstack(alone.tensors, 0).items():
        torch.testing.assert_close(tensor, unstack(among_others.tensors, 1)[name], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("batch_norm", [False, True], ids=["without-bn", "with-bn"])
def test_replicas_that_step_in_turns_are_those_that_step_together(monkeypatch, batch_norm):
    shape, data = make_shape(batch_norm=batch_norm), make_data()
    protocol = Protocol(epochs=3, batch_size=8, learning_rate_decay=0.9, snapshots=())
    replicas = [Replica(seed, rate) for rate in (0.01, 0.001) for seed in range(3)]
    together = train_fused(shape, replicas, protocol, data)
    bytes_of_two = 2 * 4 * sum(t[0].nbytes for name, t in together.tensors.items() if "running_" not in name)
    monkeypatch.setattr(fused, "CACHE_BYTES", bytes_of_two)  # parts of 2, 1, 2 and 1 replicas
    in_turns = train_fused(shape, replicas, protocol, data)
    for name, tensor in together.tensors.items():
        torch.testing.assert_close(in_turns.tensors[name], tensor, rtol=1e-10, atol=1e-10)


def test_a_run_is_repeated_bit_for_bit():
    shape, data = make_shape(batch_norm=True), make_data(dtype=torch.float32)
    protocol = Protocol(epochs=3, batch_size=8, learning_rate_decay=0.99, snapshots=())
    replicas = [Replica(0, 0.01), Replica(1, 0.01)]
    first, second = (train_fused(shape, replicas, protocol, data) for _ in range(2))
    for name, tensor in first.tensors.items():
        assert torch.equal(tensor, second.tensors[name])


def test_a_diverged_replica_is_reported_and_does_not_touch_the_others():
    shape, data = make_shape(), make_data(dtype=torch.float32)
    protocol = Protocol(epochs=3, batch_size=8, learning_rate_decay=1.0, snapshots=())
    state = train_fused(shape, [Replica(0, 1e30), Replica(0, 0.01)], protocol, data)
    alone = train_fused(shape, [Replica(0, 0.01)], protocol, data)

    assert state.best_epoch[0] == 0
    assert state.diverged_epoch().tolist() == [1, 0]
    assert np.isnan(state.best_accuracy()[0])
    assert not all(torch.isfinite(t[0]).all() for t in state.best.values())
    for name, tensor in unstack(alone.tensors, 0).items():
        torch.testing.assert_close(tensor, unstack(state.tensors, 1)[name], rtol=1e-5, atol=1e-6)


def test_the_kept_epoch_is_the_first_of_the_best():
    shape, data = make_shape(), make_data()
    protocol = Protocol(epochs=12, batch_size=8, learning_rate_decay=0.99, snapshots=())
    seen = []
    state = train_fused(
        shape, [Replica(0, 0.01)], protocol, data,
        after_epoch=lambda s: seen.append({k: v.detach().clone() for k, v in s.tensors.items()}),
    )  # fmt: skip
    accuracy = state.curves["validation_accuracy"][1:, 0]
    assert state.best_epoch[0] == 1 + int(accuracy.argmax())
    for name, tensor in state.best.items():
        assert torch.equal(tensor, seen[state.best_epoch[0] - 1][name])


def test_a_last_batch_of_one_sample_is_left_out_with_batch_normalisation():
    data = make_data(n_train=17)
    protocol = Protocol(epochs=1, batch_size=8, learning_rate_decay=1.0, snapshots=())
    state = train_fused(make_shape(batch_norm=True), [Replica(0, 0.01)], protocol, data)
    assert all(torch.isfinite(t).all() for t in state.tensors.values())
