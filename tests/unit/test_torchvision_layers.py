"""Every activation function of every network of torchvision is found."""

from collections import Counter

import pytest
import torch
import torchvision
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


NAMES = [name for name in torchvision.models.list_models(module=torchvision.models) if not name.startswith(NOT_ON_META)]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The default weight initialization")
@pytest.mark.parametrize("name", NAMES)
def test_the_layers_found_are_the_functions_that_are_called(name):
    with torch.device("meta"):
        network = torchvision.models.get_model(name).eval()
        x = torch.empty(5, 3, *[299 if name.startswith("inception") else 224] * 2)
    with torch.no_grad(), Counting(5) as counting:
        network(x)
    found = find_layers(network, x)
    assert len(found) == len(counting.seen) > 0
    by_size = Counter((layer.nodes * layer.positions) for layer in found)
    assert by_size == Counter(torch.Size(shape).numel() for shape in counting.seen)
    assert len({layer.name for layer in found}) == len(found)
    assert all(layer.values == "pre_activation" and not layer.note for layer in found)


def test_there_are_networks_of_every_kind():
    assert len(NAMES) >= 60
