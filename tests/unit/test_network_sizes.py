"""What is estimated of a network before it is built is what the built one has."""

import pytest
import torch
from torch import nn

from nodescope.config.loading import parse_config
from nodescope.families.network_sizes import network_size, sample_size
from nodescope.networks import NetworkShape, build_network, hidden_layers
from nodescope.storage.json_files import write_json
from nodescope.study.configurations import configurations_of
from nodescope.study.layout import description_path


def study(model, depth, width, **further):
    batch_norm = model != "fixup_resnet"
    axes = {"depth": [depth], "width": [width], "activation": ["relu"], "batch_norm": [batch_norm]}
    section = {"name": "made", "dataset": "cifar10", "model": model, "grid": axes} | further
    return parse_config({"studies": [section]}).studies[0]


@pytest.mark.parametrize(
    ("model", "depth", "width", "network", "exact"),
    [
        ("mlp", 3, 64, {"taper": 0.5}, True),
        ("cnn", 4, 16, {}, True),
        ("resnet", 20, 16, {}, False),
        ("convnet", 14, 8, {}, False),
        ("toynet", 20, 16, {}, False),
        ("pyramidnet", 20, 16, {}, False),
        ("fixup_resnet", 8, 16, {}, False),
        ("torchvision_resnet", 18, 64, {}, False),
        ("torchvision_resnet", 50, 64, {}, False),
    ],
)
def test_sizes_are_those_of_the_module(model, depth, width, network, exact):
    made = study(model, depth, width, network=network)
    configuration = configurations_of(made)[0]
    found = network_size(made, configuration, sample_size(made))
    shape = NetworkShape(
        model, (3, 32, 32), 10, depth, width, "relu", configuration["batch_norm"], "kaiming_normal", **network
    )
    module = build_network(shape).eval()
    weighted = [m for m in module.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    multiply_adds, nodes = [], []
    for layer in weighted:
        layer.register_forward_hook(
            lambda m, _, y: multiply_adds.append(m.weight.numel() * (y[0, 0].numel() if y.ndim == 4 else 1))
        )
    for layer in hidden_layers(module).values():
        layer.register_forward_pre_hook(lambda _, inputs: nodes.append(inputs[0].shape[1]))
    x = torch.zeros(1, 3, 32, 32)
    module(x.flatten(1) if model == "mlp" else x)
    for estimated, true in (
        (found.parameters, sum(m.weight.numel() for m in weighted)),
        (found.multiply_adds, sum(multiply_adds)),
        (found.nodes, sum(nodes) + 10),
        (max(layer.nodes for layer in found.layers), max(nodes)),
    ):
        assert estimated == true if exact else true / 2 < estimated < 2 * true


def test_what_is_not_known_of_a_data_set_is_assumed_and_said_so(tmp_path):
    own = study("mlp", 2, 5, dataset={"source": "npz", "path": "x.npz", "name": "own"})
    assert not sample_size(own, tmp_path).known
    description = description_path(own.dataset, tmp_path)
    description.parent.mkdir()
    write_json(description, {"samples": 12, "shape": [7]})
    found = sample_size(own, tmp_path)
    assert (found.samples, found.shape, found.known) == (12, (7,), True)
    drawn = study("mlp", 2, 5, dataset={"source": "gaussian", "samples": 300, "features": 20})
    assert sample_size(drawn, tmp_path) == type(found)(300, (20,), True)
