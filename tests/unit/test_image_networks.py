"""Networks for images: their sizes are the published ones, and they compute what their definitions say."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import torch
from conftest import small_dataset
from torch import nn
from torch.func import functional_call
from torch.nn import functional

from nodescope.config.loading import parse_config
from nodescope.config.network import Network
from nodescope.config.training import Training
from nodescope.families import FAMILIES
from nodescope.messages.errors import ConfigError, WeightsError
from nodescope.networks import (
    HiddenActivation,
    NetworkShape,
    build_network,
    hidden_layers,
    initialise_stack,
    load_network,
)
from nodescope.networks.initialisation import draw_tensor, initialise
from nodescope.networks.mlp import FullyConnected
from nodescope.networks.weights import load_weights
from nodescope.recording import read
from nodescope.recording.recorder import record_configuration
from nodescope.training import replicas as fused
from nodescope.training.configuration import network_shape, train_configuration
from nodescope.training.data import TrainingData
from nodescope.training.state import Replica

pytestmark = pytest.mark.slow

torch.set_num_threads(1)

IMAGE_MODELS = [name for name, family in FAMILIES.items() if family.takes_images]
CIFAR10, DIGITS = (3, 32, 32), (1, 8, 8)


def least_depth(model):
    return next(depth for depth in range(1, 100) if FAMILIES[model].has_depth(depth))


def build(model, *, input_shape=DIGITS, n_classes=10, depth=None, width=4, activation="relu", batch_norm=None):
    normalised = FAMILIES[model].can_normalise if batch_norm is None else batch_norm
    depth = depth or least_depth(model)
    return build_network(
        NetworkShape(model, input_shape, n_classes, depth, width, activation, normalised, "kaiming_normal")
    )


def n_parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("model", "depth", "width", "parameters", "hidden"),
    [
        ("resnet", 20, 16, 269_722, 19),  # as the ResNet-20 of He et al. (0.27 million)
        ("resnet", 32, 16, 464_154, 31),  # 0.46 million
        ("resnet", 56, 16, 853_018, 55),  # 0.85 million
        ("convnet", 20, 16, 269_722, 19),  # option-A shortcuts have no parameters
        ("toynet", 20, 32, 9 * 3 * 32 + 18 * 9 * 32 * 32 + 19 * 2 * 32 + 330, 19),
        ("cnn", 4, 16, 448 + 2 * 2_320 + 524_800 + 5_130, 4),
    ],
)
def test_networks_for_cifar10_have_the_published_sizes(model, depth, width, parameters, hidden):
    network = build(model, input_shape=CIFAR10, depth=depth, width=width, batch_norm=model != "cnn")
    assert n_parameters(network) == parameters
    assert len(hidden_layers(network)) == hidden


def test_fixup_replaces_normalisation_by_scalars():
    network = build("fixup_resnet", input_shape=CIFAR10, depth=20, width=16)
    convolutions = 267_696 + 64 * 10 + 10
    scalars = 1 + 9 * 5 + 1  # stem, four biases and a factor per block, before the output
    assert n_parameters(network) == convolutions + scalars
    assert len(network.slow_parameters()) == scalars
    assert len(hidden_layers(network)) == 19


def test_the_channels_of_a_pyramid_grow_by_as_much_in_every_block():
    network = build("pyramidnet", input_shape=CIFAR10, depth=20, width=16)
    channels = [m.out_channels for name, m in network.named_modules() if name.endswith("layer_2.conv")]
    assert channels == [25, 35, 44, 53, 63, 72, 81, 91, 100]
    assert len(hidden_layers(network)) == 10
    of_blocks = sum(9 * (a * b + b * b) + 2 * (a + 2 * b) for a, b in pairwise([16, *channels]))
    assert n_parameters(network) == 9 * 3 * 16 + 2 * 16 + of_blocks + 2 * 100 + 1_010


@pytest.mark.parametrize("model", IMAGE_MODELS)
@pytest.mark.parametrize("input_shape", [DIGITS, CIFAR10, (2, 5, 7)], ids=["digits", "cifar10", "odd"])
def test_flat_samples_are_the_same_as_images(model, input_shape):
    network = build(model, input_shape=input_shape, n_classes=3).eval()
    x = torch.rand(6, *input_shape)
    with torch.no_grad():
        logits = network(x)
        assert torch.equal(network(x.flatten(1)), logits)
    assert logits.shape == (6, 3)
    assert logits.isfinite().all()


@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_hidden_layers_stand_in_the_order_of_computation_and_are_used_once(model):
    network = build(model)
    called = []
    for name, module in hidden_layers(network).items():
        module.register_forward_pre_hook(lambda _, inputs, name=name: called.append((name, inputs[0].ndim)))
    network(torch.rand(2, *DIGITS))
    assert [name for name, _ in called] == list(hidden_layers(network))
    assert {dimensions for _, dimensions in called} <= {2, 4}


@pytest.mark.parametrize("model", IMAGE_MODELS)
@pytest.mark.parametrize("activation", ["relu", "prelu", "gelu"])
def test_every_parameter_gets_a_gradient(model, activation):
    torch.manual_seed(0)
    network = build(model, activation=activation).double()
    if model == "fixup_resnet":  # whose weights at zero keep gradients from others at first
        for name, parameter in network.named_parameters():
            if name.endswith(("layer_2.conv.weight", "output.weight")):
                nn.init.normal_(parameter, std=0.1)
    loss = functional.cross_entropy(network(torch.rand(16, *DIGITS).double()), torch.arange(16) % 10)
    loss.backward()
    without = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_a_network_runs_on_tensors_from_outside(model):
    torch.manual_seed(0)
    network, other = build(model), build(model)
    x = torch.rand(4, *DIGITS)
    state = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    found = functional_call(network, state, (x,))
    assert torch.equal(found, other(x))
    for name, tensor in other.state_dict().items():  # running statistics included
        assert torch.equal(state[name], tensor), name


# --- against their definitions ---


def by_name(network, x):
    """A pre-activation network written down as its formula, from its tensors alone."""
    tensors = dict(network.state_dict())

    def normalised(x, name):
        weight, bias = tensors[f"{name}.norm.weight"], tensors[f"{name}.norm.bias"]
        mean, variance = tensors[f"{name}.norm.running_mean"], tensors[f"{name}.norm.running_var"]
        return ((x - mean[:, None, None]) / (variance[:, None, None] + 1e-5).sqrt()) * weight[:, None, None] + bias[
            :, None, None
        ]

    x = functional.conv2d(x, tensors["stem.conv.weight"], padding=1)
    for stage in (1, 2, 3):
        for block in (1, 2):
            name, stride = f"stage_{stage}.block_{block}", 2 if stage > 1 and block == 1 else 1
            y = normalised(x, f"{name}.layer_1").relu()
            y = functional.conv2d(y, tensors[f"{name}.layer_1.conv.weight"], stride=stride, padding=1)
            y = normalised(y, f"{name}.layer_2").relu()
            y = functional.conv2d(y, tensors[f"{name}.layer_2.conv.weight"], padding=1)
            shortcut = torch.zeros_like(y)
            shortcut[:, : x.shape[1]] = x[:, :, ::stride, ::stride]
            x = y + shortcut
    features = normalised(x, "final").relu().mean((2, 3))
    return features @ tensors["output.weight"].T + tensors["output.bias"]


def randomised(network):
    torch.manual_seed(0)
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.5 if "norm" in name or "bn" in name else torch.randn_like(tensor))
    return network.double().eval()


def test_the_residual_network_is_its_formula():
    network = randomised(build("resnet", depth=14))
    x = torch.randn(3, *DIGITS, dtype=torch.float64)
    torch.testing.assert_close(network(x), by_name(network, x), rtol=1e-10, atol=1e-10)


def test_without_residual_branches_the_shortcuts_carry_the_stem_to_the_end():
    x = torch.randn(3, *DIGITS, dtype=torch.float64)
    for model, carries in (("resnet", True), ("pyramidnet", True), ("convnet", False), ("toynet", False)):
        network = randomised(build(model, depth=14, batch_norm=False))
        for name, parameter in network.named_parameters():
            if "layer_2.conv" in name:
                nn.init.zeros_(parameter)
        carried = (network(x) - network(0 * x)).abs().max().item()
        assert (carried > 1e-6) == carries, model


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_tensors_are_named_and_shaped_as_torchvisions(depth):
    from torchvision import models

    with torch.device("meta"):
        theirs = models.get_model(f"resnet{depth}")
        ours = build("torchvision_resnet", input_shape=(3, 224, 224), n_classes=1000, depth=depth, width=64)
    shapes = [{name: tensor.shape for name, tensor in net.state_dict().items()} for net in (ours, theirs)]
    assert shapes[0] == shapes[1]
    names = [name for name, module in ours.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    assert FAMILIES["torchvision_resnet"].map_names(depth) == names


@pytest.mark.parametrize("depth", [18, 50])
def test_torchvisions_weights_give_torchvisions_logits(depth, tmp_path):
    from torchvision import models

    torch.manual_seed(0)
    theirs = models.get_model(f"resnet{depth}", num_classes=7).double().eval()
    for name, buffer in theirs.named_buffers():
        if "running" in name:
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    torch.save(theirs.state_dict(), tmp_path / "weights.pth")
    ours = build("torchvision_resnet", input_shape=CIFAR10, n_classes=7, depth=depth, width=64).double().eval()

    load_weights(ours, tmp_path / "weights.pth")

    x = torch.randn(2, *CIFAR10, dtype=torch.float64)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-9, atol=1e-9)


# --- weights from a file ---


def test_weights_of_another_network_are_named(tmp_path):
    tensors = build("resnet").state_dict()
    tensors["output.weight"] = tensors["output.weight"][:7]
    del tensors["stem.conv.weight"]
    tensors["head.bias"] = torch.zeros(3)
    torch.save(tensors, tmp_path / "other.pth")
    network = build("resnet")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(WeightsError) as caught:
        load_weights(network, tmp_path / "other.pth")
    message = str(caught.value)
    assert "missing: stem.conv.weight" in message
    assert "not in the network: head.bias" in message
    assert "output.weight is 7x16, the network's 10x16" in message
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


class Payload:
    def __reduce__(self):
        return print, ("a file of weights ran code",)


@pytest.mark.parametrize("content", ["object", "not tensors", "truncated", "text", "absent"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_that_holds_no_weights_is_refused(tmp_path, capsys, content, suffix):
    path = tmp_path / f"weights{suffix}"
    if content == "object":
        torch.save({"conv1.weight": Payload()}, path)
    elif content == "not tensors":
        torch.save([1, 2], path)
    elif content == "truncated":
        torch.save(build("resnet").state_dict(), path)
        path.write_bytes(path.read_bytes()[:500])
    elif content == "text":
        path.write_text("no weights")
    with pytest.raises(WeightsError, match="weights"):
        load_weights(build("resnet"), path)
    assert "ran code" not in capsys.readouterr().out


# --- what cannot be built ---


def test_what_does_not_fit_is_said_before_anything_is_built():
    resnet, fixup, cnn = FAMILIES["resnet"], FAMILIES["fixup_resnet"], FAMILIES["cnn"]
    assert "images" in resnet.problem_with_samples((64,))
    assert resnet.problem_with_samples(DIGITS) is None
    assert "4x4" in cnn.problem_with_samples((1, 3, 9))
    assert FAMILIES["mlp"].problem_with_samples((64,)) is None
    assert "6n + 2" in resnet.problem_with_depth(21)
    assert [depth for depth in range(40) if resnet.has_depth(depth)] == [8, 14, 20, 26, 32, 38]
    assert "normalisation" in fixup.problem_with_normalisation(batch_norm=True)
    assert fixup.problem_with_normalisation(batch_norm=False) is None
    assert "kaiming" in fixup.problem_with_initialisation("orthogonal")
    assert fixup.problem_with_initialisation("kaiming_normal_fan_out") is None
    assert resnet.problem_with_initialisation("zeros") is None


def test_a_layer_that_does_not_exist_is_named_with_those_that_do():
    resnet = FAMILIES["resnet"]
    problem = resnet.problem_with_layers(8, ["output", "stage_1.block_1.layer_3.conv"])
    assert "'stage_1.block_1.layer_3.conv'" in problem
    assert "did you mean 'stage_1.block_1.layer_" in problem
    assert "stage_3.block_1.layer_2.conv" in problem
    assert resnet.problem_with_layers(8, ["stem.conv", "output"]) is None


def test_a_study_of_networks_that_cannot_be_is_refused_with_all_that_is_wrong():
    study = {
        "name": "a",
        "dataset": "iris",
        "model": ["resnet", "fixup_resnet"],
        "grid": {
            "depth": [8, 9], "width": [4], "activation": ["relu"], "batch_norm": [True], "initialisation": ["orthogonal"],
        },
    }  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        parse_config({"studies": [study]})
    for part in (
        "studies[0].model: resnet needs images",
        "studies[0].grid.depth: resnet has no depth 9",
        "studies[0].grid.batch_norm: fixup_resnet does not support normalisation",
        "studies[0].grid.initialisation: fixup_resnet scales weights that were drawn by kaiming, not orthogonal",
    ):
        assert part in str(caught.value)


def test_flat_data_of_the_user_are_refused_before_training():
    dataset = small_dataset()
    keys = {"model": "resnet", "depth": 8, "width": 4, "activation": "relu", "batch_norm": True}
    with pytest.raises(ConfigError, match="images"):
        network_shape(keys, dataset, Network(), None)
    keys |= {"model": "fixup_resnet", "activation": "sigmoid"}
    images = dataclasses.replace(dataset, x=dataset.x[:, :4].reshape(-1, 1, 2, 2))
    with pytest.raises(ConfigError, match="xavier"):
        network_shape(keys, images, Network(), None)


@pytest.mark.parametrize(("model", "layers"), [("resnet", 7), ("fixup_resnet", 7), ("cnn", 4)])
def test_networks_for_images_are_trained_and_recorded_like_any_other(tmp_path, model, layers):
    random = np.random.default_rng(0)
    x = random.random((120, 1, 4, 4)).astype(np.float32)
    dataset = dataclasses.replace(small_dataset(), x=x, y=(x[:, 0, 0, 0] > 0.5).astype(np.int64))
    keys = {
        "dataset": "made", "model": model, "depth": least_depth(model), "width": 4, "activation": "prelu",
        "batch_norm": model == "resnet",
    }  # fmt: skip
    training = Training(epochs=3, batch_size=16, learning_rates=[0.01], refinement_rounds=0, keep="last")
    trained = train_configuration(
        "net", network_shape(keys, dataset, Network(), None), [0, 1], training, dataset,
        device="cpu", progress_folder=tmp_path / "progress", title="test",
    )  # fmt: skip
    trained.save_networks(tmp_path / "models")
    record_configuration(
        tmp_path / "models", tmp_path / "activations", dataset, "made", [0, 1], ["initial", "trained"],
        positions="summary", random_inputs=0,
    )  # fmt: skip

    for seed in (0, 1):
        network = load_network(tmp_path / f"models/seed-{seed}/trained.safetensors")
        hidden = list(hidden_layers(network).values())
        assert len(hidden) == layers
        assert any(activation.learned_slope() != 0.25 for activation in hidden)
        folder = tmp_path / f"activations/seed-{seed}/trained/test"
        assert len(list(folder.glob("layer-*.parquet"))) == layers
        logits = read(folder / "output.parquet")
        with torch.no_grad():
            expected = network(torch.from_numpy(dataset.inputs(logits.samples.astype(np.int64)))).T
        np.testing.assert_allclose(logits.z, expected, rtol=1e-5, atol=1e-5)
        for number, activation in enumerate(hidden, start=1):
            metadata = read(folder / f"layer-{number}.parquet").metadata
            assert metadata.parameters.get("slope") == activation.learned_slope()


@pytest.mark.parametrize("optimiser", ["adam", "rmsprop", "sgd"])
def test_the_scalars_of_fixup_learn_with_a_tenth_of_the_rate(optimiser):
    shape = NetworkShape("fixup_resnet", (1, 4, 4), 2, 8, 4, "relu", False, "kaiming_normal")
    random = np.random.default_rng(0)
    x, y = torch.from_numpy(random.random((24, 16))), torch.arange(24) % 2
    data = TrainingData(x[:20], y[:20], x[20:], y[20:])
    training = Training(optimiser=optimiser, weight_decay=0.01, learning_rates=[0.05], epochs=3, batch_size=8)
    replicas = [Replica(0, 0.05)]
    trained = fused.train(shape, replicas, training, data, fused.start(shape, replicas, 3, data), lambda state: None)

    network = build_network(shape).double()
    initialise(network, shape.initialisation, np.random.default_rng([0, 0]))
    slow = set(network.slow_parameters())
    groups = [
        {"params": [p for name, p in network.named_parameters() if name not in slow], "lr": 0.05},
        {"params": [p for name, p in network.named_parameters() if name in slow], "lr": 0.005},
    ]
    made = {"adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop, "sgd": torch.optim.SGD}[optimiser]
    alone = made(groups, weight_decay=0.01, **({"momentum": 0.9} if optimiser == "sgd" else {}))
    schedule = torch.optim.lr_scheduler.ExponentialLR(alone, 0.99)
    for epoch in range(3):
        order = np.random.default_rng([0, 1, epoch]).permutation(20)
        for begin in range(0, 20, 8):
            samples = order[begin : begin + 8]
            alone.zero_grad()
            functional.cross_entropy(network(x[samples]), y[samples]).backward()
            alone.step()
        schedule.step()
    for name, tensor in network.named_parameters():
        torch.testing.assert_close(trained.tensors[name][0], tensor.detach(), rtol=1e-8, atol=1e-10)


# --- initialisation ---


def test_a_module_starts_with_the_weights_of_the_stack():
    for initialisation in ("kaiming_normal", "xavier_uniform", "orthogonal"):
        shape = NetworkShape("mlp", (7,), 4, 3, 9, "relu", False, initialisation)
        network = FullyConnected(shape)
        initialise(network, initialisation, np.random.default_rng([5, 0]))
        stacked = initialise_stack(shape, [3, 5]).network_tensors(1)
        for name, tensor in network.state_dict().items():
            assert torch.equal(tensor, stacked[name]), name


@pytest.mark.parametrize(
    ("initialisation", "variance"),
    [
        ("kaiming_normal", 2 / (30 * 9)),
        ("kaiming_uniform", 2 / (30 * 9)),
        ("kaiming_normal_fan_out", 2 / (80 * 9)),
        ("kaiming_uniform_fan_out", 2 / (80 * 9)),
        ("xavier_normal", 2 / (110 * 9)),
        ("xavier_uniform", 2 / (110 * 9)),
        ("xavier_normal_relu", 4 / (110 * 9)),
        ("xavier_uniform_relu", 4 / (110 * 9)),
        ("lecun_normal", 1 / (30 * 9)),
        ("lecun_uniform", 1 / (30 * 9)),
    ],
)
def test_kernels_have_the_published_variance(initialisation, variance):
    kernel = draw_tensor(initialisation, (80, 30, 3, 3), np.random.default_rng(0))
    assert kernel.mean() == pytest.approx(0, abs=4 * np.sqrt(variance / kernel.size))
    assert kernel.var() == pytest.approx(variance, rel=0.03)
    if "uniform" in initialisation:
        assert np.abs(kernel).max() <= np.sqrt(3 * variance)


@pytest.mark.parametrize(("initialisation", "gain"), [("orthogonal", 1), ("orthogonal_relu", np.sqrt(2))])
@pytest.mark.parametrize("shape", [(4, 5, 3, 3), (40, 2, 3, 3), (6, 9)])
def test_orthogonal_kernels_are_orthogonal_as_matrices(initialisation, gain, shape):
    matrix = draw_tensor(initialisation, shape, np.random.default_rng(0)).reshape(shape[0], -1) / gain
    small = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(small @ small.T, np.eye(len(small)), atol=1e-12)


def test_ones_and_zeros_are_what_they_are_called():
    network = build("cnn")
    for initialisation, value in (("ones", 1), ("zeros", 0)):
        initialise(network, initialisation, np.random.default_rng(0))
        assert (network.layer_2.conv.weight == value).all()
        assert (network.output.bias == 0).all()


@pytest.mark.parametrize("model", IMAGE_MODELS)
def test_a_seed_gives_one_network(model):
    first, second, other = (build(model) for _ in range(3))
    for network, seed in ((first, 0), (second, 0), (other, 1)):
        initialise(network, "kaiming_normal", np.random.default_rng([seed, 0]))
    states = [network.state_dict() for network in (first, second, other)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    name = next(name for name in states[0] if name.endswith("conv.weight") or name == "conv1.weight")
    assert not torch.equal(states[0][name], states[2][name])


def test_fixup_starts_as_its_authors_say():
    """Weights of first convolutions N(0, 2 / (k^2 C_out)) L^(-1/2), second ones and output zero."""
    network = build("fixup_resnet", input_shape=CIFAR10, depth=20, width=16)
    initialise(network, "kaiming_normal_fan_out", np.random.default_rng(0))
    for name, module in network.named_modules():
        if name.endswith("layer_1.conv"):
            expected = np.sqrt(2 / (9 * module.out_channels)) * 9**-0.5
            assert module.weight.std().item() == pytest.approx(expected, rel=0.05)
        if name.endswith("layer_2.conv") or name == "output":
            assert not module.weight.any()
    with torch.no_grad():
        assert not network(torch.rand(2, *CIFAR10)).any()


# --- PReLU ---


def test_a_prelu_learns_its_slope():
    activation = HiddenActivation("prelu")
    assert activation.learned_slope() == 0.25
    z = torch.tensor([-2.0, 0.0, 3.0], requires_grad=True)
    activation(z).sum().backward()
    assert activation.slope.grad.item() == -2.0
    assert z.grad.tolist() == [0.25, 0.25, 1.0]
    assert HiddenActivation("relu").learned_slope() is None
    assert list(HiddenActivation("relu").parameters()) == []
