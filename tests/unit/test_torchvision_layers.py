"""Every activation function of the networks of torchvision is found."""

import re
from collections import Counter

import pytest
import torch
from conftest import LONG
from torch.overrides import TorchFunctionMode

from nodescope.networks.found_layers import find_layers

#: As they are called in torch; gates and softmax are not recorded by default.
FUNCTIONS = {"relu", "relu_", "hardtanh", "gelu", "silu", "hardswish", "leaky_relu", "tanh", "elu"}

#: Their weights cannot be drawn on the meta device.
NOT_ON_META = "regnet"


class Counting(TorchFunctionMode):
    """Counts calls of functions whose first argument has the batch's samples, by the shape of the argument."""

    def __init__(self, samples):
        super().__init__()
        self.samples, self.seen = samples, []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if getattr(func, "__name__", "") in FUNCTIONS and args[0].shape[0] == self.samples:
            self.seen.append(tuple(args[0].shape[1:]))
        return func(*args, **(kwargs or {}))


#: Of each kind the smallest, and those with blocks of their own. The others are deeper or wider: `make reliability`.
SMALLEST = (
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "inception_v3", "maxvit_t",
    "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "resnet18", "resnet50", "resnext50_32x4d",
    "shufflenet_v2_x0_5", "squeezenet1_0", "squeezenet1_1", "swin_t", "swin_v2_t", "vgg11", "vgg11_bn", "vit_b_16",
)  # fmt: skip


def every_name():
    from torchvision import models

    return [name for name in models.list_models(module=models) if not name.startswith(NOT_ON_META)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The default weight initialization")
@pytest.mark.parametrize("name", every_name() if LONG else SMALLEST)
def test_the_layers_found_are_the_functions_that_are_called(name):
    from torchvision import models

    with torch.device("meta"):
        network = models.get_model(name).eval()
        x = torch.empty(5, 3, *[299 if name.startswith("inception") else 224] * 2)
    with torch.no_grad(), Counting(5) as counting:
        network(x)
    found = find_layers(network, x)
    assert len(found) == len(counting.seen) > 0
    by_size = Counter((layer.nodes * layer.positions) for layer in found)
    assert by_size == Counter(torch.Size(shape).numel() for shape in counting.seen)
    assert len({layer.name for layer in found}) == len(found)
    assert all(layer.values == "pre_activation" and not layer.note for layer in found)


@pytest.mark.slow
def test_there_are_networks_of_every_kind():
    names = every_name()
    assert len(names) >= 60 and set(SMALLEST) <= set(names)
    every, tried = ({re.match("[a-z]+", name)[0] for name in some} for some in (names, SMALLEST))
    assert every == tried | {"wide"}  # which are residual networks with more channels
