"""The layers of any network are found, in the order of computation, and what is seen of them is what they compute."""

from collections import namedtuple
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from nodescope.messages.errors import NetworkError
from nodescope.networks import NetworkShape, build_network
from nodescope.networks.found_layers import find_layers
from nodescope.networks.watching import watched


class Shared(nn.Module):
    """One ReLU, in place, used twice, and a function."""

    def __init__(self, *, in_place=True):
        super().__init__()
        self.conv = nn.Conv2d(2, 6, 3)
        self.act = nn.ReLU(in_place)
        self.fc = nn.Linear(6 * 4 * 4, 7)
        self.head = nn.Linear(7, 3)

    def forward(self, x):
        h = self.act(self.conv(x))
        h = self.act(self.fc(h.flatten(1)))
        return self.head(functional.gelu(h))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 5, batch_first=True)
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


def seen_by(network, batch, layers="activations", **options):
    """The layers found, and the pre-activations and activations of one pass."""
    found = find_layers(network, batch, layers, **options)
    values = {}
    with (
        torch.no_grad(),
        watched(network, found, lambda i, z, a: values.update({found[i].name: (z.clone(), a.clone())})),
    ):
        network(**batch) if isinstance(batch, dict) else network(batch)
    return found, values


def by_name(found):
    return {layer.name: layer for layer in found}


def test_a_module_used_twice_is_two_layers_and_a_function_is_one():
    torch.manual_seed(0)
    network, x = Shared().double(), torch.randn(5, 2, 6, 6, dtype=torch.float64)
    found, values = seen_by(network, x)
    assert [layer.name for layer in found] == ["act", "act:2", "forward/gelu:1"]
    assert [(layer.nodes, layer.positions, layer.node_axis) for layer in found] == [(6, 16, 1), (7, 1, 1), (7, 1, 1)]
    assert [layer.activation for layer in found] == ["relu", "relu", "gelu"]
    assert [layer.fan_in for layer in found] == [18, 96, 96]
    assert [layer.n_parameters for layer in found] == [6 * 19, 7 * 97, 0]
    # By hand.
    z1 = functional.conv2d(x, network.conv.weight, network.conv.bias)
    z2 = z1.clamp(min=0).flatten(1) @ network.fc.weight.T + network.fc.bias
    z3 = z2.clamp(min=0)
    for name, z, a in (("act", z1, z1.clamp(min=0)), ("act:2", z2, z3), ("forward/gelu:1", z3, functional.gelu(z3))):
        torch.testing.assert_close(values[name][0], z, rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(values[name][1], a, rtol=1e-12, atol=1e-12)


def test_in_place_functions_are_seen_as_those_that_are_not():
    x = torch.randn(5, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    seen = []
    for in_place in (True, False):
        torch.manual_seed(0)
        seen.append(seen_by(Shared(in_place=in_place), x)[1])
    for name, (z, a) in seen[0].items():
        assert torch.equal(z, seen[1][name][0]) and torch.equal(a, seen[1][name][1])
    assert (seen[0]["act"][0] < 0).any()


def test_an_output_that_is_changed_later_is_seen_as_it_was():
    network = nn.Sequential(nn.Linear(4, 6), nn.ReLU(inplace=True), nn.Linear(6, 2))
    x = torch.randn(5, 4)
    _, values = seen_by(network, x, ["0", "1"])
    expected = network[0](x)
    assert torch.equal(values["0"][0], expected) and torch.equal(values["1"][0], expected)


@pytest.mark.parametrize("call", ["functional.relu(h)", "torch.relu(h)", "h.relu()", "h.relu_()", "torch.relu_(h)"])
def test_every_form_of_a_function_is_seen(call):
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 6)

        def forward(self, x):
            h = self.fc(x)
            return eval(call, {"functional": functional, "torch": torch, "h": h}).sum(1)

    network, x = Network(), torch.randn(5, 4)
    found, values = seen_by(network, x)
    assert [(layer.name, layer.kind) for layer in found] == [("forward/relu:1", "relu")]
    assert torch.equal(values["forward/relu:1"][0], network.fc(x))
    assert torch.equal(values["forward/relu:1"][1], network.fc(x).clamp(min=0))


@pytest.mark.parametrize(
    ("module", "name", "parameters"),
    [
        (nn.ReLU6(), "relu6", {}),
        (nn.LeakyReLU(0.2), "leaky_relu", {"slope": 0.2}),
        (nn.PReLU(), "prelu", {"slope": 0.25}),
        (nn.PReLU(3), "prelu", {"slope": (0.25, 0.25, 0.25)}),
        (nn.RReLU(0.1, 0.3).eval(), "leaky_relu", {"slope": 0.2}),
        (nn.ELU(0.5), "elu", {"alpha": 0.5}),
        (nn.CELU(), "elu", {}),
        (nn.Softplus(2), "softplus", {"beta": 2}),
        (nn.Hardtanh(-2, 0.5), "hardtanh", {"low": -2, "high": 0.5}),
        (nn.Hardtanh(0, 6), "relu6", {}),
        (nn.GELU("tanh"), "gelu_tanh", {}),
        (nn.Threshold(0, 0), "relu", {}),
        *((getattr(nn, kind)(), kind.lower(), {}) for kind in
          ("ReLU", "GELU", "SiLU", "Mish", "SELU", "Tanh", "Sigmoid", "Hardswish", "Hardsigmoid", "Softsign")),
    ],
)  # fmt: skip
def test_the_activation_functions_of_torch_are_known_with_their_parameters(module, name, parameters):
    network = nn.Sequential(nn.Linear(4, 3), module, nn.Linear(3, 2))
    (layer,), values = seen_by(network, torch.randn(9, 4))
    assert (layer.activation, layer.values) == (name, "pre_activation") and not layer.note
    assert layer.parameters.keys() == parameters.keys()
    for key, expected in parameters.items():
        np.testing.assert_allclose(layer.parameters[key], expected)
    assert torch.equal(values["1"][1], module(values["1"][0]))


class Swish(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(x)


class Clamped(nn.Module):
    def forward(self, x):
        return x.clamp(min=0)


class Odd(nn.Module):
    def forward(self, x):
        return torch.relu(x).square_() + 1


def test_a_home_made_module_is_known_by_what_it_computes():
    network = nn.Sequential(nn.Linear(4, 6), Swish(), nn.Dropout(), nn.Linear(6, 5), Clamped(), nn.Linear(5, 2)).eval()
    found, values = seen_by(network, torch.randn(64, 4))
    assert [(layer.name, layer.kind, layer.activation) for layer in found] == [
        ("1", "Swish", "silu"),
        ("4", "Clamped", "relu"),
    ]
    assert torch.equal(values["1"][1], functional.silu(values["1"][0])) or torch.allclose(
        values["1"][1], functional.silu(values["1"][0])
    )


def test_a_function_within_a_home_made_module_is_seen_before_its_result_is_changed():
    found, values = seen_by(nn.Sequential(nn.Linear(4, 6), Odd(), nn.Linear(6, 2)), torch.randn(9, 4))
    assert [layer.name for layer in found] == ["1/relu:1"]
    assert torch.equal(values["1/relu:1"][1], values["1/relu:1"][0].clamp(min=0))


def test_of_a_function_that_has_no_name_or_another_one_the_output_is_recorded():
    class Wrong(nn.Module):
        def forward(self, x):
            return torch.relu(x).add_(1)

    network, x = (
        nn.Sequential(nn.Linear(4, 6), nn.CELU(3.0), nn.Linear(6, 5), Wrong(), nn.Linear(5, 2)),
        torch.randn(9, 4),
    )
    found, values = seen_by(network, x)
    assert [(layer.values, layer.activation) for layer in found] == [("output", "identity")] * 2
    assert all("its output is recorded" in layer.note for layer in found)
    assert torch.equal(values["1"][0], network[:2](x)) and torch.equal(*values["1"])
    assert torch.equal(values["3"][0], network[:4](x))


def test_gates_and_softmax_are_left_out_unless_they_are_named():
    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.gate, self.head = nn.Linear(4, 6), nn.Linear(4, 6), nn.Linear(6, 3)
            self.sigmoid = nn.Sigmoid()

        def forward(self, x):
            return functional.softmax(self.head(functional.relu(self.fc(x)) * self.sigmoid(self.gate(x))), 1)

    network, x = Gated(), torch.randn(5, 4)
    assert list(by_name(find_layers(network, x))) == ["forward/relu:1"]
    named = by_name(find_layers(network, x, ["activations", "sigmoid", "type:softmax"]))
    assert list(named) == ["forward/relu:1", "sigmoid", "forward/softmax:1"]
    assert (named["sigmoid"].activation, named["sigmoid"].values) == ("sigmoid", "pre_activation")
    assert named["forward/softmax:1"].values == "output"
    only_gates = nn.Sequential(nn.Linear(4, 6), nn.Sigmoid(), nn.Linear(6, 3))
    assert list(by_name(find_layers(only_gates, x))) == ["1"]


@dataclass
class Encoded:
    states: torch.Tensor
    pooled: torch.Tensor


Pair = namedtuple("Pair", ["first", "second"])


class Encoder(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.fc, self.kind = nn.Linear(4, 6), kind

    def forward(self, x):
        h = self.fc(x)
        return self.kind(h, h[:, :3] * 2)


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        (lambda a, b: (a, b), "1"),
        (lambda a, b: {"states": a, "pooled": b}, "pooled"),
        (lambda a, b: {"none": None, "states": a, "pooled": [b]}, "pooled"),
        (Encoded, "pooled"),
        (Pair, "second"),
    ],
)
def test_of_several_outputs_the_first_is_recorded_or_one_by_its_name(kind, item):
    network, x = nn.ModuleDict({"encoder": Encoder(kind)}), torch.randn(5, 4)
    network.forward = lambda x: network["encoder"](x)
    found, values = seen_by(network, x, ["encoder", f"encoder[{item}]"])
    first, chosen = found
    assert (first.name, first.nodes, chosen.name, chosen.nodes) == ("encoder", 6, f"encoder[{item}]", 3)
    assert "the first tensor is recorded" in first.note and not chosen.note
    assert torch.equal(values[chosen.name][0], 2 * values["encoder"][0][:, :3])


def test_recurrent_layers_are_recorded_by_name():
    network, x = Recurrent(), torch.randn(5, 8, 4)
    with pytest.raises(NetworkError, match=r'seen in 2 modules of Recurrent\. Hint: layers: \["lstm", "head"\]'):
        find_layers(network, x)
    found, values = seen_by(network, x, ["lstm", "head"])
    assert [(layer.nodes, layer.positions, layer.values) for layer in found] == [(5, 8, "output"), (3, 1, "output")]
    assert torch.allclose(values["lstm"][0], network.lstm(x)[0].transpose(1, 2), atol=1e-6)


@pytest.mark.parametrize(
    ("network", "shape", "axes"),
    [
        (nn.Sequential(nn.Conv1d(4, 6, 3), nn.ReLU()), (5, 4, 9), (0, 1, 6, 7)),
        (nn.Sequential(nn.Conv3d(2, 6, 3), nn.BatchNorm3d(6), nn.ReLU()), (5, 2, 4, 4, 4), (0, 1, 6, 8)),
        (nn.Sequential(nn.ConvTranspose2d(2, 6, 3), nn.ReLU()), (5, 2, 4, 4), (0, 1, 6, 36)),
        (nn.Sequential(nn.Linear(4, 6), nn.ReLU()), (5, 9, 4), (0, 2, 6, 9)),
        (nn.Sequential(nn.Linear(4, 6), nn.ReLU()), (5, 3, 7, 4), (0, 3, 6, 21)),
        (nn.TransformerEncoderLayer(4, 2, 6, batch_first=True), (5, 9, 4), (0, 2, 6, 9)),
    ],
)
def test_samples_and_nodes_are_found_in_any_tensor(network, shape, axes):
    (layer,), _ = seen_by(network.eval(), torch.randn(shape))
    assert (layer.sample_axis, layer.node_axis, layer.nodes, layer.positions) == axes


def test_tokens_may_come_before_samples():
    class Transposed(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 6)

        def forward(self, x):  # [B, T, D]
            return functional.relu(self.fc(x.transpose(0, 1)))

    (layer,), values = seen_by(Transposed(), torch.randn(5, 9, 4))
    assert (layer.sample_axis, layer.node_axis, layer.nodes, layer.positions) == (1, 2, 6, 9)
    assert values[layer.name][0].shape == (5, 6, 9)


class Attention(nn.Module):
    """Weights of two heads."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.attn = nn.Linear(8, 8), nn.Linear(8, 8), nn.Identity()

    def forward(self, x):
        heads = [f(x).unflatten(2, (2, 4)).transpose(1, 2) for f in (self.q, self.k)]
        return self.attn((heads[0] @ heads[1].transpose(2, 3)).softmax(-1))


def test_an_axis_that_is_not_clear_is_asked_for():
    network, x = Attention(), torch.randn(5, 9, 8)
    with pytest.raises(NetworkError, match=r"Layer attn gives \(5, 2, 9, 9\): which axis are nodes\? Hint: axis: 1"):
        find_layers(network, x, "attn")
    (layer,), values = seen_by(network, x, "attn", axis=1)
    assert (layer.nodes, layer.positions) == (2, 81) and values["attn"][0].shape == (5, 2, 9, 9)


@pytest.mark.parametrize("axis", [4, -5])
def test_an_axis_that_a_layer_has_not_is_refused(axis):
    with pytest.raises(
        NetworkError, match=rf"Layer attn gives \(5, 2, 9, 9\), which has no axis {axis}\. Hint: axis: 1"
    ):
        find_layers(Attention(), torch.randn(5, 9, 8), "attn", axis=axis)


def test_an_axis_is_not_of_layers_without_positions():
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 5), nn.ReLU())
    found = find_layers(network, torch.randn(4, 1, 4, 4), axis=-3)
    assert [(layer.nodes, layer.positions) for layer in found] == [(3, 4), (5, 1)]


def test_windows_are_refused():
    class Windows(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 6)

        def forward(self, x):
            return functional.relu(self.fc(x.unflatten(1, (2, 4)).flatten(0, 1)))

    with pytest.raises(NetworkError, match=r"the number of samples changed inside \(5 to 10, in windows\?\)"):
        find_layers(Windows(), torch.randn(5, 8, 4))


@contextmanager
def refused(words):
    with pytest.raises(NetworkError, match=words):
        yield


def test_patterns_that_fit_nothing_are_named_with_the_nearest_names():
    network = nn.ModuleDict({"blocks": nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.ReLU(), nn.Linear(4, 4)))})
    network["unused"] = nn.Linear(4, 4)
    network.forward = lambda x: network["blocks"](x)
    x = torch.randn(5, 4)
    with refused(r"pattern 'block\.\*\.0' fits nothing; did you mean 'blocks\.\*\.\*'\?"):
        find_layers(network, x, ["block.*.0"])
    with refused(r"pattern 'blokcs\.0' fits nothing; did you mean 'blocks\.0'\?"):
        find_layers(network, x, ["blokcs.0"])
    with refused("pattern 'type:relu' fits nothing; did you mean 'type:ReLU'"):
        find_layers(network, x, ["type:relu"])
    with refused("pattern 'unused' fits unused, which is not used by forward"):
        find_layers(network, x, ["unused"])
    with refused("pattern '!zzz' fits nothing"):
        find_layers(network, x, ["!zzz"])
    with refused(r"Layer blocks\[1\] gives one tensor, not several"):
        find_layers(network, x, ["blocks[1]"])


def test_patterns_choose_by_names_types_and_what_they_leave_out():
    def block():
        return nn.ModuleDict({"fc": nn.Linear(4, 4), "act": nn.GELU(), "se": nn.Sequential(nn.Linear(4, 4), nn.ReLU())})

    network = nn.ModuleDict({"blocks": nn.ModuleList([block(), block()])})

    def forward(x):
        for each in network["blocks"]:
            x = each["se"](each["act"](each["fc"](x)))
        return x

    network.forward = forward
    x = torch.randn(5, 4)

    def names(layers):
        return [layer.name for layer in find_layers(network, x, layers)]

    assert names("activations") == ["blocks.0.act", "blocks.0.se.1", "blocks.1.act", "blocks.1.se.1"]
    assert names("blocks.*.act") == ["blocks.0.act", "blocks.1.act"]
    assert names(["blocks.1.**"]) == ["blocks.1.fc", "blocks.1.act", "blocks.1.se.0", "blocks.1.se.1", "blocks.1.se"]
    assert names(["!*.se.*"]) == names(["!**.se"]) == ["blocks.0.act", "blocks.1.act"]
    assert names(["type:GELU", "type:Linear", "!blocks.0"]) == ["blocks.1.fc", "blocks.1.act", "blocks.1.se.0"]
    assert names(["activations", "blocks.?.fc"])[:2] == ["blocks.0.fc", "blocks.0.act"]
    assert [layer.values for layer in find_layers(network, x, "blocks.0.**")] == [
        "output", "pre_activation", "output", "pre_activation", "output",
    ]  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_seen_as_it_is(dtype):
    network, x = Shared().to(dtype), torch.randn(5, 2, 6, 6).to(dtype)
    found, values = seen_by(network, x)
    assert [layer.values for layer in found] == ["pre_activation"] * 3
    assert values["act"][0].dtype == dtype


def test_complex_and_whole_numbers_are_refused():
    class Typed(nn.Module):
        def __init__(self):
            super().__init__()
            self.fft, self.top = nn.Identity(), nn.Identity()

        def forward(self, x):
            return self.fft(torch.fft.fft(x)).real + self.top(x.argmax(1, keepdim=True))

    x = torch.randn(5, 4)
    with refused(r'Layer fft gives complex numbers\. Hint: leave it out, "!fft"'):
        find_layers(Typed(), x, "fft")
    with refused("Layer top gives int64, no real numbers"):
        find_layers(Typed(), x, "top")


def test_layers_that_depend_on_the_data_are_refused():
    class Depends(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.act = nn.Linear(4, 4), nn.ReLU()

        def forward(self, x):
            x = self.act(self.fc(x))
            return self.act(-x) if x.sum() > 0 else x

    network = Depends()
    network.fc.weight.data.copy_(torch.eye(4)), network.fc.bias.data.zero_()
    found = find_layers(network, torch.ones(5, 4))
    with watched(network, found, lambda i, z, a: None):
        network(torch.ones(5, 4))
        with refused(
            r"Layer act was called twice in batch 1 and once in batch 2; recorded layers must not depend on the data\. "
            r'Hint: leave it out: "!act"'
        ):
            network(-torch.ones(5, 4))


def test_nothing_of_a_network_is_changed_by_looking_at_it():
    torch.manual_seed(0)
    network, x = Shared(), torch.randn(5, 2, 6, 6)
    expected = network(x)
    found = find_layers(network, x)
    with watched(network, found, lambda i, z, a: 17):
        assert torch.equal(network(x), expected)
    assert torch.equal(network(x), expected)
    for module in network.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_pass_that_fails_leaves_nothing_behind():
    class Fails(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x):
            h = functional.relu(self.fc(x))
            if len(x) == 3:
                raise RuntimeError("three")
            return h

    network, x = Fails(), torch.randn(5, 4)
    seen = []
    with watched(network, find_layers(network, x), lambda i, z, a: seen.append(i)):
        for samples in (x, x[:3], x):
            try:
                network(samples)
            except RuntimeError as error:
                assert str(error) == "three"
    assert seen == [0, 0, 0]
    functional.relu(x)
    assert seen == [0, 0, 0] and not torch.overrides._get_current_function_mode_stack()


def test_the_hidden_layers_of_the_families_are_found_by_their_names():
    network = build_network(NetworkShape("mlp", (5,), 3, 2, 4, "prelu", True, "xavier_normal", "all")).eval()
    found, _ = seen_by(network, torch.randn(9, 5))
    assert [layer.name for layer in found] == ["hidden.0", "hidden.1"]
    assert [layer.kind for layer in found] == ["HiddenActivation"] * 2
    assert found[0].activation == "prelu" and found[0].parameters == {"slope": 0.25}
    assert [layer.name for layer in find_layers(network, torch.randn(9, 5), "hidden.1")] == ["hidden.1"]


def test_wrappers_are_looked_through_and_programs_refused(tmp_path):
    network, x = Shared(), torch.randn(5, 2, 6, 6)
    names = [layer.name for layer in find_layers(network, x)]
    compiled = torch.compile(network, backend="eager")
    averaged = torch.optim.swa_utils.AveragedModel(network)
    for wrapped in (compiled, averaged, nn.DataParallel(network), nn.DataParallel(compiled)):
        assert [layer.name for layer in find_layers(wrapped, x)] == names
    inside = nn.Sequential(torch.compile(network, backend="eager"))
    with torch.compiler.set_stance("force_eager"):
        assert [layer.name for layer in find_layers(inside, x)] == ["0.act", "0.act:2", "0/gelu:1"]
    with pytest.warns(FutureWarning, match="deprecated"):
        scripted = torch.jit.trace(network.eval(), x)
    with refused("is a TorchScript program"):
        find_layers(scripted, x)
    with refused("is a torch.export program"):
        find_layers(torch.export.export(network.eval(), (x,)).module(), x)
    with refused("is of type OrderedDict, not an nn.Module"):
        find_layers(network.state_dict(), x)


def test_inputs_may_be_keywords_and_several():
    class Keywords(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.fc, self.act = nn.Embedding(9, 4), nn.Linear(4, 6), nn.ReLU()

        def forward(self, ids=None, scale=None):
            return self.act(input=self.fc(self.embed(ids)) * scale)

    batch = {"ids": torch.randint(9, (5, 7)), "scale": torch.ones(5, 1, 1)}
    (layer,), values = seen_by(Keywords(), batch)
    assert (layer.name, layer.nodes, layer.positions) == ("act", 6, 7)
    assert (values["act"][0] < 0).any()
    with refused("A batch is a str without a tensor"):
        find_layers(Keywords(), "text")


def test_only_the_inputs_need_be_looked_at():
    network, x = Shared(), torch.randn(5, 2, 6, 6)
    found = find_layers(network, x)
    _, whole = seen_by(network, x)
    seen = {}
    with watched(network, found, lambda i, z, a: seen.update({found[i].name: z.clone()}), inputs_only={0, 1, 2}):
        network(x)
    assert all(torch.equal(seen[name], z) for name, (z, _) in whole.items())
    assert np.isfinite(seen["act"].numpy()).all()
