"""A fused net is the same net as one trained alone, whatever it shares its stack with."""

import numpy as np
import pytest
import torch
from torch import nn

from nodescope.config.training import Training
from nodescope.networks import NetworkShape, build_network, initialise_stack, stack_of
from nodescope.networks.dropout import Dropout
from nodescope.training import replicas as fused
from nodescope.training.augmentation import FlipAndCrop
from nodescope.training.data import TrainingData
from nodescope.training.snapshots import StepSnapshots
from nodescope.training.state import Replica

pytestmark = pytest.mark.slow

torch.set_num_threads(1)


def make_shape(activation="relu", batch_norm=False, depth=3, **further):
    return NetworkShape("mlp", (7,), 4, depth, 9, activation, batch_norm, "kaiming_normal", **further)


def make_data(n_train=53, n_validation=20, dtype=torch.float64, seed=0):
    random = np.random.default_rng(seed)
    x = torch.from_numpy(random.normal(size=(n_train + n_validation, 7))).to(dtype)
    y = torch.from_numpy(random.integers(0, 4, n_train + n_validation))
    return TrainingData(x[:n_train], y[:n_train], x[n_train:], y[n_train:])


def train_fused(shape, replicas, training, data, after_epoch=lambda state: None):
    state = fused.start(shape, replicas, training.epochs, data)
    return fused.train(shape, replicas, training, data, state, after_epoch)


def train_alone(shape, replica, training, data):
    """The same training as anyone would write it: nn.Module, an optimiser and a schedule of PyTorch, a loop."""
    network = build_network(shape).double()
    network.load_state_dict(initialise_stack(shape, [replica.seed], dtype=torch.float64).network_tensors(0))
    steps_per_epoch = len(range(0, len(data.x_train), training.batch_size))
    settings = {"lr": replica.learning_rate, "weight_decay": training.weight_decay}
    optimiser = {
        "adam": lambda: torch.optim.Adam(network.parameters(), eps=training.optimiser_epsilon, **settings),
        "rmsprop": lambda: torch.optim.RMSprop(
            network.parameters(), alpha=training.rmsprop_alpha, eps=training.optimiser_epsilon,
            momentum=training.momentum_of_optimiser(), **settings,
        ),
        "sgd": lambda: torch.optim.SGD(network.parameters(), momentum=training.momentum_of_optimiser(), **settings),
    }[training.optimiser]()  # fmt: skip
    one_hot = torch.eye(shape.n_classes, dtype=torch.float64)
    measure = {
        "cross_entropy": nn.CrossEntropyLoss(),
        "mean_squared_error": lambda logits, y: nn.MSELoss()(logits, one_hot[y]),
    }[training.loss]
    schedule = {
        "exponential": lambda: torch.optim.lr_scheduler.LambdaLR(
            optimiser, lambda step: training.learning_rate_decay ** (step // steps_per_epoch)
        ),
        "multi_step": lambda: torch.optim.lr_scheduler.MultiStepLR(
            optimiser, [m * steps_per_epoch for m in training.milestones], training.learning_rate_decay
        ),
        "cyclic": lambda: torch.optim.lr_scheduler.CyclicLR(
            optimiser, 0.1 * replica.learning_rate, replica.learning_rate,
            step_size_up=training.cycle_epochs * steps_per_epoch // 2, cycle_momentum=False,
        ),
        "one_cycle": lambda: torch.optim.lr_scheduler.OneCycleLR(
            optimiser, replica.learning_rate, training.epochs * steps_per_epoch, cycle_momentum=False
        ),
    }[training.schedule]()  # fmt: skip
    best_accuracy, best_state, best_epoch = -1.0, None, 0
    for epoch in range(training.epochs):
        network.train()
        order = np.random.default_rng([replica.seed, 1, epoch]).permutation(len(data.x_train))
        for begin in range(0, len(order), training.batch_size):
            samples = order[begin : begin + training.batch_size]
            if len(samples) == 1 and shape.batch_norm:
                continue
            optimiser.zero_grad()
            loss = measure(network(data.x_train[samples]), data.y_train[samples])
            weights = [module.weight for module in network.modules() if isinstance(module, nn.Linear)]
            (loss + training.l1 * sum(weight.abs().sum() for weight in weights)).backward()
            if training.gradient_clip is not None:
                nn.utils.clip_grad_norm_(network.parameters(), training.gradient_clip)
            optimiser.step()
            schedule.step()
        network.eval()
        with torch.no_grad():
            accuracy = (network(data.x_validation).argmax(1) == data.y_validation).double().mean().item()
        if accuracy > best_accuracy or (training.ties == "last" and accuracy == best_accuracy):
            best_accuracy, best_epoch = accuracy, epoch + 1
            best_state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    return network.state_dict(), best_state, best_epoch


def assert_equal_to_nets_trained_alone(shape, training):
    data = make_data()
    replicas = [Replica(0, 0.01), Replica(1, 0.01), Replica(0, 0.001), Replica(2, 0.0001)]
    state = train_fused(shape, replicas, training, data)
    for place, replica in enumerate(replicas):
        last, best, best_epoch = train_alone(shape, replica, training, data)
        assert state.best_epoch[place] == (training.epochs if training.keep == "last" else best_epoch)
        for tensors, alone in ((state.tensors, last), (state.best, last if training.keep == "last" else best)):
            stacked = stack_of(shape, tensors).network_tensors(place)
            assert stacked.keys() == alone.keys()
            for name in stacked:
                if "num_batches_tracked" not in name:
                    torch.testing.assert_close(stacked[name], alone[name], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("batch_norm", [False, True], ids=["without-bn", "with-bn"])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_each_fused_replica_equals_the_net_trained_alone(activation, batch_norm):
    training = Training(epochs=5, batch_size=8, learning_rate_decay=0.9)
    assert_equal_to_nets_trained_alone(make_shape(activation, batch_norm), training)


@pytest.mark.parametrize(
    "further",
    [{"taper": 0.6}, {"layer_norm": True}, {"skip_connections": True}, {"layer_norm": True, "batch_norm": True}],
    ids=lambda further: "-".join(further),
)
def test_each_kind_of_network_is_trained_as_its_module_would_be(further):
    assert_equal_to_nets_trained_alone(make_shape(**further), Training(epochs=3, batch_size=8))


@pytest.mark.parametrize(
    "changes",
    [
        {"optimiser": "sgd"},
        {"optimiser": "sgd", "momentum": 0.0, "weight_decay": 0.01},
        {"weight_decay": 0.01},
        {"l1": 0.01},
        {"optimiser": "rmsprop", "momentum": 0.0},
        {"optimiser": "rmsprop", "momentum": 0.0, "weight_decay": 0.01, "gradient_clip": 0.3},
        {"optimiser": "rmsprop", "momentum": 0.7, "weight_decay": 0.01, "l1": 0.001},
        {
            "optimiser": "rmsprop",
            "momentum": 0.9,
            "rmsprop_alpha": 0.8,
            "optimiser_epsilon": 1e-3,
            "gradient_clip": 0.3,
        },
        {"optimiser": "rmsprop", "momentum": 0.0, "rmsprop_alpha": 0.0, "optimiser_epsilon": 1e-4},
        {"optimiser": "rmsprop", "momentum": 0.0, "schedule": "cyclic", "cycle_epochs": 2},
        {"optimiser": "rmsprop", "momentum": 0.5, "schedule": "one_cycle"},
        {"optimiser_epsilon": 1e-3},
        {"loss": "mean_squared_error"},
        {"loss": "mean_squared_error", "optimiser": "rmsprop", "momentum": 0.0, "l1": 0.01, "gradient_clip": 0.1},
        {"loss": "mean_squared_error", "optimiser": "sgd", "batch_size": 53, "keep": "last"},
        {"ties": "last"},
        {"gradient_clip": 0.5},
        {"keep": "last"},
        {"schedule": "multi_step", "milestones": (2, 3), "learning_rate_decay": 0.1},
        {"schedule": "cyclic", "cycle_epochs": 2},
        {"schedule": "one_cycle"},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_each_way_to_train_is_pytorch_s(changes):
    assert_equal_to_nets_trained_alone(
        make_shape(batch_norm=True), Training(**{"epochs": 5, "batch_size": 8} | changes)
    )


@pytest.mark.parametrize(
    "further",
    [{}, {"skip_connections": True}, {"taper": 0.6, "dropout": 0.0, "layer_norm": True}],
    ids=["fused", "one-after-another", "tapered"],
)
@pytest.mark.parametrize(
    ("scale", "momentum", "epsilon"), [("uniform", 0.1, 1e-5), ("constant", 0.7, 0.03), ("uniform", 1.0, 1e-9)]
)
def test_batch_normalisation_is_pytorch_s_with_the_values_that_are_given(scale, momentum, epsilon, further):
    shape = make_shape(
        "tanh", True, batch_norm_scale=scale, batch_norm_momentum=momentum, batch_norm_epsilon=epsilon, **further
    )
    found = [m for m in build_network(shape).modules() if isinstance(m, nn.BatchNorm1d)]
    assert [(m.momentum, m.eps) for m in found] == [(momentum, epsilon)] * 3
    # Adam divides by gradients that a factor near 0 makes as small as its epsilon, and blows up their rounding.
    assert_equal_to_nets_trained_alone(shape, Training(epochs=4, batch_size=8, optimiser="sgd"))


@pytest.mark.parametrize("bias", ["first_layer", "all", "all_and_output", "none"])
def test_bias_stands_where_the_configuration_says(bias):
    names = initialise_stack(make_shape(bias=bias), [0]).parameters
    biased = [name for name in names if name.endswith("linear.bias")]
    assert len(biased) == {"first_layer": 1, "all": 3, "all_and_output": 3, "none": 0}[bias]
    assert ("output.bias" in names) == (bias == "all_and_output")


def test_a_replica_does_not_depend_on_its_neighbours():
    shape, data = make_shape(batch_norm=True), make_data()
    training = Training(epochs=3, batch_size=8, learning_rate_decay=0.99)
    alone = train_fused(shape, [Replica(5, 0.01)], training, data)
    among_others = train_fused(shape, [Replica(1, 0.1), Replica(5, 0.01), Replica(7, 0.01)], training, data)
    for name, tensor in stack_of(shape, alone.tensors).network_tensors(0).items():
        torch.testing.assert_close(
            tensor, stack_of(shape, among_others.tensors).network_tensors(1)[name], rtol=1e-10, atol=1e-10
        )


@pytest.mark.parametrize("batch_norm", [False, True], ids=["without-bn", "with-bn"])
def test_replicas_that_step_in_turns_are_those_that_step_together(monkeypatch, batch_norm):
    shape, data = make_shape(batch_norm=batch_norm), make_data()
    training = Training(epochs=3, batch_size=8, learning_rate_decay=0.9)
    replicas = [Replica(seed, rate) for rate in (0.01, 0.001) for seed in range(3)]
    together = train_fused(shape, replicas, training, data)
    bytes_of_two = 2 * 4 * sum(t[0].nbytes for name, t in together.tensors.items() if "running_" not in name)
    monkeypatch.setattr(fused, "CACHE_BYTES", bytes_of_two)  # parts of 2, 1, 2 and 1 replicas
    in_turns = train_fused(shape, replicas, training, data)
    for name, tensor in together.tensors.items():
        torch.testing.assert_close(in_turns.tensors[name], tensor, rtol=1e-10, atol=1e-10)


def test_a_run_is_repeated_bit_for_bit():
    shape, data = make_shape(batch_norm=True), make_data(dtype=torch.float32)
    training = Training(epochs=3, batch_size=8, learning_rate_decay=0.99)
    replicas = [Replica(0, 0.01), Replica(1, 0.01)]
    first, second = (train_fused(shape, replicas, training, data) for _ in range(2))
    for name, tensor in first.tensors.items():
        assert torch.equal(tensor, second.tensors[name])


def test_a_diverged_replica_is_reported_and_does_not_touch_the_others():
    shape, data = make_shape(), make_data(dtype=torch.float32)
    training = Training(epochs=3, batch_size=8, learning_rate_decay=1.0)
    state = train_fused(shape, [Replica(0, 1e30), Replica(0, 0.01)], training, data)
    alone = train_fused(shape, [Replica(0, 0.01)], training, data)

    assert state.best_epoch[0] == 0
    assert state.diverged_epoch().tolist() == [1, 0]
    assert np.isnan(state.best_accuracy()[0])
    assert not all(torch.isfinite(t[0]).all() for t in state.best.values())
    for name, tensor in stack_of(shape, alone.tensors).network_tensors(0).items():
        torch.testing.assert_close(
            tensor, stack_of(shape, state.tensors).network_tensors(1)[name], rtol=1e-5, atol=1e-6
        )


def test_the_kept_epoch_is_the_first_of_the_best():
    shape, data = make_shape(), make_data()
    training = Training(epochs=12, batch_size=8, learning_rate_decay=0.99)
    seen = []
    state = train_fused(
        shape, [Replica(0, 0.01)], training, data,
        after_epoch=lambda s: seen.append({k: v.detach().clone() for k, v in s.tensors.items()}),
    )  # fmt: skip
    accuracy = state.curves["validation_accuracy"][1:, 0]
    assert state.best_epoch[0] == 1 + int(accuracy.argmax())
    for name, tensor in state.best.items():
        assert torch.equal(tensor, seen[state.best_epoch[0] - 1][name])


@pytest.mark.parametrize("ties", ["first", "last"])
def test_of_equally_good_epochs_the_one_that_was_asked_for_is_kept(ties):
    shape, data = make_shape(), make_data(n_validation=3)  # accuracies of 0, 1/3, 2/3 and 1 must tie
    training = Training(epochs=12, batch_size=8, learning_rate_decay=0.99, ties=ties)
    seen = []
    state = train_fused(
        shape, [Replica(1, 0.01), Replica(3, 0.01)], training, data,
        after_epoch=lambda s: seen.append({k: v.detach().clone() for k, v in s.tensors.items()}),
    )  # fmt: skip
    for replica in range(2):
        accuracy = state.curves["validation_accuracy"][1:, replica]
        best = 1 + np.flatnonzero(accuracy == accuracy.max())
        assert len(best) > 1
        assert state.best_epoch[replica] == best[0 if ties == "first" else -1]
        for name, tensor in state.best.items():
            assert torch.equal(tensor[replica], seen[state.best_epoch[replica] - 1][name][replica])


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
@pytest.mark.parametrize("further", [{}, {"skip_connections": True}], ids=["fused", "one-after-another"])
def test_both_losses_of_every_net_are_told_whichever_it_was_trained_with(loss, further):
    shape, data = make_shape(**further), make_data()
    state = train_fused(shape, [Replica(0, 0.01), Replica(1, 0.003)], Training(epochs=4, batch_size=8, loss=loss), data)
    for replica in range(2):
        network = build_network(shape).double()
        network.load_state_dict(stack_of(shape, state.tensors).network_tensors(replica))
        for split, x, y in (
            ("train", data.x_train, data.y_train),
            ("validation", data.x_validation, data.y_validation),
        ):
            with torch.no_grad():
                logits = network.eval()(x)
            one_hot = nn.functional.one_hot(y, 4).double()
            found = {name: state.curves[f"{split}_{name}"][-1, replica] for name in ("loss", "mean_squared_error")}
            assert found["loss"] == pytest.approx(nn.CrossEntropyLoss()(logits, y).item(), rel=1e-12)
            assert found["mean_squared_error"] == pytest.approx(nn.MSELoss()(logits, one_hot).item(), rel=1e-12)
    key = {"cross_entropy": "train_loss", "mean_squared_error": "train_mean_squared_error"}[loss]
    assert (state.curves[key][-1] < state.curves[key][0]).all()


def test_a_net_whose_squared_error_grows_beyond_all_bounds_has_diverged():
    shape, data = make_shape(), make_data(dtype=torch.float32)
    training = Training(epochs=3, batch_size=8, learning_rate_decay=1.0, loss="mean_squared_error", optimiser="sgd")
    state = train_fused(shape, [Replica(0, 1e6), Replica(0, 0.01)], training, data)
    assert state.diverged_epoch().tolist() == [1, 0] and state.best_epoch[0] == 0
    for name, curve in state.curves.items():
        assert np.isnan(curve[1:, 0]).all() and np.isfinite(curve[:, 1]).all(), name


def test_a_step_with_all_samples_follows_the_whole_gradient():
    """One step of plain descent along the gradient of nn.MSELoss over every training sample."""
    shape, data = make_shape("tanh", batch_norm=False), make_data(n_train=37)
    training = Training(
        epochs=1, batch_size="all", loss="mean_squared_error", optimiser="sgd", momentum=0.0, learning_rates=[0.5]
    )
    state = train_fused(shape, [Replica(2, 0.5)], training, data)
    assert state.optimiser["steps"] == 1
    network = build_network(shape).double()
    network.load_state_dict(initialise_stack(shape, [2], dtype=torch.float64).network_tensors(0))
    nn.MSELoss()(network(data.x_train), nn.functional.one_hot(data.y_train, 4).double()).backward()
    for name, tensor in stack_of(shape, state.tensors).network_tensors(0).items():
        parameter = network.get_parameter(name)
        torch.testing.assert_close(tensor, parameter.detach() - 0.5 * parameter.grad, rtol=1e-12, atol=1e-12)


def test_a_momentum_that_is_not_given_is_that_of_the_optimiser():
    given = {"adam": {}, "sgd": {}, "rmsprop": {}}
    found = {name: Training(optimiser=name, **more).momentum_of_optimiser() for name, more in given.items()}
    assert found == {"adam": 0.0, "sgd": 0.9, "rmsprop": 0.0}
    assert Training(optimiser="rmsprop", momentum=0.3).momentum_of_optimiser() == 0.3
    assert Training(optimiser="sgd", momentum=0.0).momentum_of_optimiser() == 0.0


def test_rmsprop_stays_pytorch_s_over_many_steps():
    shape, data = make_shape("tanh"), make_data()
    for changes in ({"momentum": 0.0, "weight_decay": 0.01}, {"momentum": 0.9}):
        training = Training(epochs=60, batch_size=8, optimiser="rmsprop", learning_rate_decay=0.99, **changes)
        state = train_fused(shape, [Replica(0, 0.001)], training, data)
        last, _, _ = train_alone(shape, Replica(0, 0.001), training, data)
        for name, tensor in stack_of(shape, state.tensors).network_tensors(0).items():
            torch.testing.assert_close(tensor, last[name], rtol=1e-10, atol=1e-10)


def test_a_last_batch_of_one_sample_is_left_out_with_batch_normalisation():
    data = make_data(n_train=17)
    training = Training(epochs=1, batch_size=8, learning_rate_decay=1.0)
    state = train_fused(make_shape(batch_norm=True), [Replica(0, 0.01)], training, data)
    assert all(torch.isfinite(t).all() for t in state.tensors.values())


def test_a_drawn_mask_belongs_to_the_replica_and_drops_its_share():
    shape, data = make_shape(dropout=0.5), make_data()
    training = Training(epochs=3, batch_size=8)
    alone = train_fused(shape, [Replica(5, 0.01)], training, data)
    torch.manual_seed(7)
    among_others = train_fused(shape, [Replica(1, 0.1), Replica(5, 0.01)], training, data)
    for name, tensor in alone.tensors.items():
        assert torch.equal(tensor[0], among_others.tensors[name][1])
    undropped = train_fused(make_shape(), [Replica(5, 0.01)], training, data)
    assert not torch.equal(undropped.tensors["output.weight"][0].T, alone.tensors["output.weight"][0])

    layer = Dropout(0.3)
    layer.generator = torch.Generator().manual_seed(0)
    dropped = layer(torch.ones(100_000))
    assert abs((dropped == 0).double().mean() - 0.3) < 0.01
    assert abs(dropped.mean() - 1) < 0.01
    assert torch.equal(layer.eval()(torch.ones(5)), torch.ones(5))


def test_images_are_mirrored_and_shifted_and_nothing_else():
    images = torch.arange(1.0, 2 * 3 * 25 + 1).reshape(1, 2, 3, 5, 5)
    augment = FlipAndCrop([3], epoch=0, n_samples=9, image_shape=(3, 5, 5), device=torch.device("cpu"))
    samples = torch.tensor([[4, 7]])
    moved = augment(images.reshape(1, 2, 75), samples).reshape(2, 3, 5, 5)
    for image, found in zip(images[0], moved, strict=True):
        padded = nn.functional.pad(image, [4] * 4)
        windows = [padded[:, top : top + 5, left : left + 5] for top in range(9) for left in range(9)]
        assert sum(torch.equal(found, w) or torch.equal(found, w.flip(-1)) for w in windows) == 1


def test_augmentation_draws_every_shift_and_both_sides_and_trains_alike_alone_and_among_others():
    augment = FlipAndCrop([0], epoch=1, n_samples=5000, image_shape=(1, 12, 12), device=torch.device("cpu"))
    marked = torch.zeros(12, 12)
    marked[5, 4] = 1.0
    moved = augment(marked.reshape(1, 1, -1).expand(1, 5000, -1), torch.arange(5000)[None]).reshape(-1, 12, 12)
    rows, columns = moved.flatten(1).argmax(1) // 12, moved.flatten(1).argmax(1) % 12
    assert sorted(set(rows.tolist())) == list(range(1, 10))
    assert sorted(set(columns.tolist())) == list(range(0, 12))  # 0 to 8 as it was, 3 to 11 mirrored

    shape = NetworkShape("mlp", (1, 2, 4), 4, 2, 9, "relu", False, "kaiming_normal")
    data = make_data()
    wide = TrainingData(*(torch.nn.functional.pad(x, (0, 1)) if x.ndim == 2 else x
                          for x in (data.x_train, data.y_train, data.x_validation, data.y_validation)))  # fmt: skip
    training = Training(epochs=2, batch_size=8, augmentation="flip_crop")
    alone = train_fused(shape, [Replica(5, 0.01)], training, wide)
    among_others = train_fused(shape, [Replica(1, 0.01), Replica(5, 0.01)], training, wide)
    for name, tensor in alone.tensors.items():
        torch.testing.assert_close(tensor[0], among_others.tensors[name][1], rtol=1e-10, atol=1e-10)
    plain = train_fused(shape, [Replica(5, 0.01)], Training(epochs=2, batch_size=8), wide)
    assert not torch.allclose(plain.tensors["output.weight"], alone.tensors["output.weight"])


def test_snapshots_by_step_are_the_net_after_that_many_steps():
    shape, data = make_shape(), make_data(n_train=48)
    replicas = [Replica(0, 0.01), Replica(1, 0.001)]
    state = fused.start(shape, replicas, 2, data)
    snapshots = StepSnapshots((3, 6, 8), state.tensors)
    fused.train(shape, replicas, Training(epochs=2, batch_size=8), data, state, lambda _: None, [snapshots])
    taken = dict(snapshots.taken())
    assert sorted(taken) == [3, 6, 8] and not dict(snapshots.taken())
    after_an_epoch = train_fused(shape, replicas, Training(epochs=1, batch_size=8), data)
    for name, tensor in after_an_epoch.tensors.items():
        assert torch.equal(taken[6][name], tensor)
        assert not torch.equal(taken[3][name], tensor)


def test_networks_that_are_not_trained_are_as_they_were_initialised():
    shape, data = make_shape(), make_data()
    state = train_fused(shape, [Replica(0, 0.01)], Training(epochs=0, batch_size=8), data)
    for name, tensor in initialise_stack(shape, [0], dtype=torch.float64).tensors().items():
        assert torch.equal(state.tensors[name], tensor)
    assert state.epoch == 0 and np.isfinite(state.curves["train_loss"]).all()


def test_fewer_samples_can_be_evaluated():
    data = make_data()
    some = TrainingData(data.x_train, data.y_train, data.x_validation, data.y_validation, torch.tensor([1, 5, 20]))
    few = TrainingData(*(t[[1, 5, 20]] for t in (data.x_train, data.y_train)), data.x_validation, data.y_validation)
    states = [fused.start(make_shape(), [Replica(0, 0.1)], 1, found) for found in (some, few)]
    assert states[0].curves["train_loss"][0] == states[1].curves["train_loss"][0]
