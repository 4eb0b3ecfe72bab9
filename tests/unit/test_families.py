"""What a family declares of its networks is what the built network has, for every family that there is."""

import dataclasses
import math
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nodescope.families import FAMILIES
from nodescope.families.layers import linear_maps
from nodescope.families.shape import NetworkShape
from nodescope.networks import HiddenActivation, build_network, hidden_layers

pytestmark = pytest.mark.slow

DEEPEST = 60
#: Odd and unequal sides, an even one, one of a single row.
IMAGES = ((3, 32, 32), (1, 8, 8), (2, 9, 13), (1, 1, 5))
FEATURES = ((5,), (1, 4, 3))


def depths_of(family):
    """The least, the next and the largest depths of a family, as far as networks of them are built in a moment."""
    known = [depth for depth in range(1, DEEPEST) if family.has_depth(depth)]
    return sorted({*known[:3], known[-1]}) if len(known) < DEEPEST - 1 else [1, 2, 5]


def sample_shapes(family):
    shapes = IMAGES if family.takes_images else FEATURES
    return [shape for shape in shapes if family.problem_with_samples(shape) is None]


def made(family, **fields):
    least = {
        "model": family.name,
        "input_shape": sample_shapes(family)[0],
        "n_classes": 3,
        "depth": depths_of(family)[0],
        "width": 5,
        "activation": "relu",
        "batch_norm": False,
        "initialisation": "zeros",
    }
    return NetworkShape(**{**least, **fields})


#: What a key of ``network`` that only some families take is tried with.
SETTINGS = {
    "bias": ["first_layer", "all", "all_and_output", "none"],
    "taper": [1.0, 0.5],
    "layer_norm": [False, True],
    "skip_connections": [False, True],
    "dropout": [0.0, 0.2],
}


def test_every_setting_of_a_family_is_tried():
    assert {setting for family in FAMILIES.values() for setting in family.settings} == set(SETTINGS)


def settings_of(family):
    return [
        dict(zip(family.settings, values, strict=True)) for values in product(*(SETTINGS[s] for s in family.settings))
    ]


def norms_of(family):
    return (False, True) if family.can_normalise else (False,)


SHAPES = [
    made(family, depth=depth, input_shape=shape, batch_norm=batch_norm, activation=activation)
    for family in FAMILIES.values()
    for depth in depths_of(family)
    for shape in sample_shapes(family)
    for batch_norm in norms_of(family)
    for activation in ("relu", "prelu")
    if depth == depths_of(family)[0] or (shape == sample_shapes(family)[0] and activation == "relu")
]
SHAPES += [
    made(family, depth=depths_of(family)[-1], batch_norm=batch_norm, **settings)
    for family in FAMILIES.values()
    if family.settings
    for batch_norm in norms_of(family)
    for settings in settings_of(family)
]


def title(shape):
    given = dataclasses.asdict(shape)
    return "-".join(str(given[name]) for name in ("model", "depth", "input_shape", "batch_norm", "activation"))


@pytest.mark.parametrize("shape", SHAPES, ids=title)
def test_the_layers_of_a_family_are_those_of_the_network(shape):
    check(shape)


@given(st.data())
def test_they_are_for_any_width_and_number_of_classes(data):
    family = FAMILIES[data.draw(st.sampled_from(sorted(FAMILIES)))]
    lengths = st.integers(family.smallest_image, 40)
    images = st.tuples(st.integers(1, 4), lengths, lengths)
    check(
        made(
            family,
            depth=data.draw(st.sampled_from(depths_of(family)[:2])),
            width=data.draw(st.integers(1, 40)),
            n_classes=data.draw(st.integers(2, 12)),
            input_shape=data.draw(images if family.takes_images else st.tuples(st.integers(1, 50))),
            batch_norm=data.draw(st.sampled_from(norms_of(family))),
            activation=data.draw(st.sampled_from(["relu", "prelu"])),
            **{name: data.draw(st.sampled_from(SETTINGS[name])) for name in family.settings},
        )
    )


def check(shape):
    family = FAMILIES[shape.model]
    layers = family.layers(shape)
    with torch.device("meta"):
        network = build_network(shape).eval()
        x = torch.zeros(1, *shape.input_shape)
        computed = run(network, x if family.takes_images else x.flatten(1))
    *hidden, output = layers
    assert [layer.name for layer in hidden] == list(hidden_layers(network))
    for layer, entered in zip(layers, [*computed.entered, computed.logits], strict=True):
        # A convolution of a single position has positions too.
        assert (layer.nodes, layer.positions) == (entered.shape[1], tuple(entered.shape[2:])), layer.name
    assert [layer.activation for layer in hidden] == [m.function for m in hidden_layers(network).values()]
    assert output.activation == "identity"
    of_network = {name: m for name, m in network.named_modules() if isinstance(m, nn.Linear | nn.Conv2d)}
    maps = linear_maps(layers)
    assert list(maps) == list(of_network) == family.map_names(shape.depth)
    for name, module in of_network.items():
        declared, given = maps[name], computed.given[name]
        assert declared.fan_in == module.weight[0].numel()
        assert declared.nodes == module.weight.shape[0]
        assert declared.bias == (module.bias is not None)
        assert declared.positions == tuple(given.shape[2:])
        assert declared.multiply_adds == module.weight.numel() * math.prod(given.shape[2:])
        assert declared.kind == ("convolution" if isinstance(module, nn.Conv2d) else "linear")
        stride = module.stride[0] if isinstance(module, nn.Conv2d) else 1
        assert declared.stride == stride
    assert [layer.parameters for layer in layers] == parameters_by_layer(network, computed)
    assert sum(layer.parameters for layer in layers) == sum(p.numel() for p in network.parameters())


@dataclasses.dataclass
class Computed:
    """What a network computes: what enters each activation function, what each linear map gives, and its output."""

    entered: list[torch.Tensor]
    given: dict[str, torch.Tensor]
    logits: torch.Tensor


def run(network, x):
    entered, given = [], {}
    for name, module in network.named_modules():
        if isinstance(module, HiddenActivation):
            module.register_forward_pre_hook(lambda _, inputs: entered.append(inputs[0]))
        if isinstance(module, nn.Linear | nn.Conv2d):
            module.register_forward_hook(lambda _, __, y, name=name: given.update({name: y}))
    return Computed(entered, given, network(x))


def parameters_by_layer(network, computed):
    """Each parameter counted in the first layer that depends on it, slopes in their own; found by differentiation."""
    slopes = [module.slope for module in hidden_layers(network).values()]
    open_parameters = [p for p in network.parameters() if not any(p is slope for slope in slopes)]
    found = []
    for z, slope in zip([*computed.entered, computed.logits], [*slopes, None], strict=True):
        gradients = torch.autograd.grad(z.sum(), open_parameters, retain_graph=True, allow_unused=True)
        of_layer = [p for p, gradient in zip(open_parameters, gradients, strict=True) if gradient is not None]
        found.append(sum(p.numel() for p in of_layer) + (0 if slope is None else slope.numel()))
        open_parameters = [p for p, gradient in zip(open_parameters, gradients, strict=True) if gradient is None]
        if not open_parameters:
            open_parameters = [torch.zeros(0, requires_grad=True, device="meta")]
    return found


def test_the_deepest_networks_have_the_published_sizes():
    """As torchvision's documentation has them."""
    for depth, parameters in ((18, 11_689_512), (50, 25_557_032), (101, 44_549_160), (152, 60_192_808)):
        shape = made(
            FAMILIES["torchvision_resnet"],
            depth=depth,
            width=64,
            n_classes=1000,
            input_shape=(3, 224, 224),
            batch_norm=True,
        )
        assert sum(layer.parameters for layer in FAMILIES[shape.model].layers(shape)) == parameters
