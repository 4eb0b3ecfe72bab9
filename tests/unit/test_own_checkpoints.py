"""Checkpoints of networks of one's own: every layout is read, what fits is loaded, what does not is refused in words."""

import argparse
import collections
import io
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from nodescope.config.module import Module
from nodescope.messages.errors import FunctionError, WeightsError
from nodescope.networks.brought.building import build, fitting, with_weights
from nodescope.networks.brought.checkpoints import WantedTensors, fitting_weights, weights_of

NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, width), nn.BatchNorm1d(width), nn.ReLU())
        self.head = nn.Linear(width, 2)

    def forward(self, x):
        return self.head(self.body(x))

def build(width=4):
    return Net(width)
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(NET)
    return tmp_path


def section(make="net.py:build", checkpoints="x.pt", **keys):
    return Module.model_validate({"make": make, "checkpoints": checkpoints, **keys})


def network(seed=0, **values):
    return build(section(), values, seed=seed)[0]


def saved(content, path="x.pt", **keys):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    torch.save(content, path, **keys)
    return path


def assert_loaded(path, tensors, **keys):
    """That a network of another seed has the tensors after it was filled; gives what was decided."""
    made = network(seed=1)
    decisions = with_weights(made, path, section(**keys))
    state = made.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in tensors.items())
    return " | ".join(decisions)


def refusal(path, **keys):
    with pytest.raises(WeightsError) as error:
        with_weights(network(), path, section(**keys))
    return str(error.value)


def prefixed(tensors, prefix):
    return {prefix + name: tensor for name, tensor in tensors.items()}


# --- layouts ---


def test_a_file_of_pytorch_of_old_pytorch_and_safetensors_is_read(here):
    tensors = network().state_dict()
    safetensors.torch.save_file(dict(tensors), "x.safetensors")
    for path in (
        saved(tensors),
        saved(tensors, "old.pth", _use_new_zipfile_serialization=False),
        saved(tensors, "x.ckpt"),
        "x.safetensors",
    ):
        assert assert_loaded(path, tensors) == ""


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "model_state_dict", "net", "anything"])
def test_a_wrapper_is_found_out_and_said(here, wrapper):
    net = network()
    optimiser = torch.optim.Adam(net.parameters())
    net(torch.randn(5, 3)).sum().backward()
    optimiser.step()
    content = {"epoch": 3, wrapper: net.state_dict(), "optimizer": optimiser.state_dict(), "loss": torch.tensor(0.5)}
    assert assert_loaded(saved(content), net.state_dict()) == f"the weights are those under '{wrapper}'"


def test_a_lightning_checkpoint_is_read(here):
    tensors = network().state_dict()
    content = {
        "epoch": 3, "global_step": 100, "pytorch-lightning_version": "2.5.0", "callbacks": {"a": {"best": torch.ones(3)}},
        "state_dict": prefixed(tensors, "model."), "optimizer_states": [], "lr_schedulers": [],
        "hyper_parameters": {"lr": 0.1}, "loops": {"fit_loop": {"state": torch.ones(2)}},
    }  # fmt: skip
    said = assert_loaded(saved(content, "epoch=3-step=100.ckpt"), tensors)
    assert said == "the weights are those under 'state_dict' | the prefix 'model.' of names was left out"


@pytest.mark.parametrize(
    "prefix", ["module.", "model.", "net.", "_orig_mod.", "backbone.encoder.", "module._orig_mod.", "_orig_mod.module."]
)
def test_a_common_prefix_is_left_out_and_said(here, prefix):
    tensors = network().state_dict()
    assert "left out" in assert_loaded(saved(prefixed(tensors, prefix)), tensors)


def test_words_of_wrappers_within_names_are_left_out(here):
    tensors = network().state_dict()
    inner = {name.replace("body.", "body._orig_mod."): tensor for name, tensor in tensors.items()}
    assert "_orig_mod" in assert_loaded(saved(inner), tensors)


def test_an_averaged_model_is_read_without_its_counter(here):
    averaged = torch.optim.swa_utils.AveragedModel(network())
    said = assert_loaded(saved(averaged.state_dict()), network().state_dict())
    assert said == "the prefix 'module.' of names was left out | the counter n_averaged was passed over"


def test_a_network_within_a_module_of_ones_own_takes_weights_without_its_name(here):
    Path("net.py").write_text(
        NET
        + "\nclass Wrap(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.inner = Net()\n"
        "\ndef wrapped():\n    return Wrap()\n"
    )
    tensors = network().state_dict()
    made, _ = build(section("net.py:wrapped"), {}, seed=1)
    with_weights(made, saved(tensors), section("net.py:wrapped"))
    assert torch.equal(made.inner.head.weight, tensors["head.weight"])
    with_weights(made, saved(prefixed(tensors, "module.inner.")), section("net.py:wrapped"))


def test_a_folder_of_hugging_face_is_read_with_and_without_shards(here):
    tensors = {name: tensor.contiguous() for name, tensor in network().state_dict().items()}
    Path("whole").mkdir()
    safetensors.torch.save_file(tensors, "whole/model.safetensors")
    torch.save({"args": 1}, "whole/training_args.bin")
    names = list(tensors)
    for folder, suffix in (("shards", "safetensors"), ("bins", "bin")):
        Path(folder).mkdir()
        stem = "model" if suffix == "safetensors" else "pytorch_model"
        weight_map = {}
        for number, part in enumerate((names[:3], names[3:]), start=1):
            file = f"{stem}-0000{number}-of-00002.{suffix}"
            content = {name: tensors[name] for name in part}
            (safetensors.torch.save_file if suffix == "safetensors" else torch.save)(content, f"{folder}/{file}")
            weight_map |= dict.fromkeys(part, file)
        Path(f"{folder}/{stem}.{suffix}.index.json").write_text(json.dumps({"weight_map": weight_map}))
    for folder in ("whole", "shards", "bins"):
        assert_loaded(folder, tensors)
    Path("shards/model-00002-of-00002.safetensors").unlink()
    assert "model-00002-of-00002.safetensors missing. Hint: copy the whole folder again" in refusal("shards")
    Path("bins/pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": {"a": "../net.py"}}))
    assert "../net.py lies outside of the folder" in refusal("bins")


def test_counters_of_batches_may_be_absent(here):
    tensors = {n: t for n, t in network().state_dict().items() if not n.endswith("num_batches_tracked")}
    assert_loaded(saved(tensors), tensors)


def test_half_precision_is_said(here):
    tensors = {
        name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in network().state_dict().items()
    }
    assert "the weights are float16" in assert_loaded(saved(tensors), {"head.bias": tensors["head.bias"].float()})


# --- which weights ---


def test_several_sets_are_refused_with_their_names_and_one_can_be_chosen(here):
    first, second = network(seed=2).state_dict(), network(seed=3).state_dict()
    path = saved({"state_dict": first, "state_dict_ema": second})
    assert "holds several sets of weights: state_dict, state_dict_ema. Hint: weights: state_dict_ema" in refusal(path)
    assert_loaded(path, second, weights="state_dict_ema")
    assert_loaded(path, first, weights="state_dict")
    assert "no weights under 'ema'; it holds: state_dict, state_dict_ema" in refusal(path, weights="ema")
    assert "without a key. Hint: leave weights out" in refusal(saved(first), weights="ema")


def test_one_of_two_networks_in_a_file_is_found_by_what_fits_or_by_its_name(here):
    ours, other = network(seed=2).state_dict(), nn.Linear(7, 7).state_dict()
    assert "'generator'" in assert_loaded(saved({"generator": ours, "discriminator": other}), ours)
    both = {**prefixed(ours, "student."), **prefixed(network(seed=3).state_dict(), "teacher.")}
    assert "several sets of weights: state_dict.student, state_dict.teacher" in refusal(saved({"state_dict": both}))
    assert_loaded("x.pt", ours, weights="state_dict.student")


def test_missing_and_left_over_tensors_are_named_with_what_to_do(here):
    tensors = dict(network().state_dict())
    renamed = {name.replace("head", "fc"): tensor for name, tensor in tensors.items()}
    text = refusal(saved(renamed))
    assert "2 of 9 tensors are missing (head.weight" in text and "2 are left over (fc.weight, fc.bias)" in text
    assert text.endswith('Hint: rename in the function, or ignore: ["head.*", "fc.*"]')
    body = {name: tensor for name, tensor in tensors.items() if name.startswith("body")}
    assert "ignored tensors" in assert_loaded("x.pt", body, ignore=["head.*", "fc.*"])
    misspelt = {name.replace("body.1.running", "body.1.runing"): tensor for name, tensor in tensors.items()}
    assert "body.1.running_mean, perhaps body.1.runing_mean" in refusal(saved(misspelt))


def test_another_shape_is_said_for_both_sides(here):
    text = refusal(saved(network(width=5).state_dict()))
    assert "shape of body.0.weight is (5, 3) in the file, (4, 3) in the network" in text and "and 2 more shapes" in text
    tensors = {**network().state_dict(), "head.weight": torch.ones(9, 4), "head.bias": torch.ones(9)}
    assert_loaded(saved(tensors), {"body.0.weight": tensors["body.0.weight"]}, ignore="head.*")


def test_weights_of_something_else_are_said_to_be(here):
    text = refusal(saved(nn.LSTM(2, 3).state_dict()))
    assert "none of its 4 tensors (weight_ih_l0, weight_hh_l0, bias_ih_l0, ...) is one of the network's" in text


def test_nan_among_the_weights_is_warned_of(here):
    tensors = network().state_dict()
    tensors["head.bias"][0] = float("nan")
    made = network()
    assert with_weights(made, saved(tensors), section()) == ("Warning: head.bias holds NaN or infinite values",)


# --- unusual networks ---

UNUSUAL = """
import torch
from torch import nn

class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5, 3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.embed.weight

def tied():
    return Tied()

def lazy():
    return nn.Sequential(nn.LazyLinear(4), nn.ReLU())

def on_meta():
    with torch.device("meta"):
        return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))

def normed():
    return nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))

def averaged():
    return torch.optim.swa_utils.AveragedModel(nn.Linear(3, 2))

def parallel():
    return nn.DataParallel(nn.Linear(3, 2))

def compiled():
    return torch.compile(nn.Linear(3, 2))

def buffers():
    net = nn.Module()
    net.register_buffer("mean", torch.zeros(3))
    return net
"""


@pytest.fixture
def unusual(here):
    Path("unusual.py").write_text(UNUSUAL)
    return lambda name: (section(f"unusual.py:{name}"), build(section(f"unusual.py:{name}"), {})[0])


def test_tied_weights_may_be_in_the_file_once(unusual):
    module, net = unusual("tied")
    weight = torch.randn(5, 3)
    for name in ("embed.weight", "head.weight"):
        with_weights(net, saved({name: weight}), module)
        assert torch.equal(net.head.weight, weight) and net.head.weight is net.embed.weight
    with_weights(net, saved({"embed.weight": weight, "head.weight": weight}), module)


def test_a_lazy_network_takes_its_shapes_from_the_file(unusual):
    module, net = unusual("lazy")
    with_weights(net, saved(nn.Sequential(nn.Linear(3, 4)).state_dict()), module)
    assert net(torch.ones(2, 3)).shape == (2, 4)


def test_a_network_on_the_meta_device_is_filled(unusual):
    module, net = unusual("on_meta")
    tensors = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).state_dict()
    with_weights(net, saved(tensors), module)
    assert torch.equal(net[0].weight, tensors["0.weight"])
    _, other = unusual("on_meta")
    without = {name: tensor for name, tensor in tensors.items() if name != "0.bias"}
    with pytest.raises(WeightsError, match=r"left 0\.bias on the meta device"):
        with_weights(other, saved(without), section("unusual.py:on_meta", ignore="0.bias"))


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm`:FutureWarning")
def test_names_that_the_network_translates_itself_are_taken(unusual):
    module, net = unusual("normed")
    old = {"weight_g": torch.ones(2, 1), "weight_v": torch.randn(2, 3), "bias": torch.zeros(2)}
    assert with_weights(net, saved(old), module) == ("names were translated by the network's own load_state_dict",)


@pytest.mark.parametrize("name", ["averaged", "parallel", "compiled"])
def test_of_a_wrapper_the_network_inside_is_used(unusual, name):
    net, decisions = build(section(f"unusual.py:{name}"), {})
    assert type(net) is nn.Linear and not net.training
    assert "of which the network inside is used" in decisions[0]


def test_a_network_of_buffers_alone_is_filled(unusual):
    module, net = unusual("buffers")
    with_weights(net, saved({"mean": torch.ones(3)}), module)
    assert net.mean.tolist() == [1, 1, 1]


# --- building ---


def test_placeholders_and_further_arguments_reach_the_function(here):
    Path("args.py").write_text(
        "from torch import nn\nimport torch\n"
        "def build(width, *, depth=1, seed=None):\n"
        "    net = nn.Linear(width, depth)\n    net.seed = seed\n    torch.set_default_dtype(torch.float64)\n    return net\n"
        "def positional(width, /): pass\ndef none(): pass\ndef many():\n    return nn.ReLU(), 3\ndef kind():\n    return nn.ReLU\n"
    )
    net, decisions = build(section("args.py:build", **{"with": {"depth": 3}}), {"width": 5, "optimiser": "sgd"}, seed=7)
    assert (net.in_features, net.out_features, net.seed) == (5, 3, 7)
    assert decisions == ("args.py:build has no parameter optimiser, so all networks are built alike in this",)
    assert torch.get_default_dtype() == torch.float32
    for keys, said in (
        ({"with": {"dpeth": 3}}, "no parameter 'dpeth'; did you mean 'depth'? It has: width, depth, seed"),
        ({}, "args.py:build needs width. Hint: with: {width: ...}, or a placeholder {width}"),
    ):
        with pytest.raises(FunctionError, match=said.replace("?", r"\?").replace("{", r"\{")):
            build(section("args.py:build", **keys), {})
    for function, said in (
        ("none", "returned nothing"),
        ("many", "returned a tuple, not an nn.Module"),
        ("kind", r"Hint: return ReLU\(\)"),
    ):
        with pytest.raises(FunctionError, match=said):
            build(section(f"args.py:{function}"), {})


def test_a_seed_gives_the_same_network_and_the_random_state_is_put_back(here):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, other, again = network(seed=1), network(seed=2), network(seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one.head.weight, again.head.weight) and not torch.equal(one.head.weight, other.head.weight)


@pytest.mark.filterwarnings("ignore:`torch.jit.*:FutureWarning", "ignore:`torch.jit.*:DeprecationWarning")
def test_a_program_is_refused_by_its_name(here):
    Path("ts.py").write_text("import torch\ndef build():\n    return torch.jit.script(torch.nn.Linear(2, 3))\n")
    with pytest.raises(FunctionError, match="a TorchScript program: it has no layers"):
        build(section("ts.py:build"), {})
    torch.jit.save(torch.jit.script(nn.Linear(2, 3)), "ts.pt")
    assert "ts.pt is a TorchScript program" in refusal("ts.pt")
    torch.export.save(torch.export.export(nn.Linear(2, 3), (torch.zeros(1, 2),)), "e.pt2")
    assert "e.pt2 is a torch.export program" in refusal("e.pt2")


# --- trust ---

CANARY = Path("canary")


class Malicious:
    def __reduce__(self):
        return os.mkdir, (str(CANARY),)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("trust", [False])
def test_a_malicious_pickle_is_refused_without_being_run(here, zipped, trust):
    path = saved({"state_dict": network().state_dict(), "x": Malicious()}, _use_new_zipfile_serialization=zipped)
    text = refusal(path, trust=trust)
    assert "holds more than tensors" in text and "mkdir" in text and "trust: true if the file is yours" in text
    Path("raw.pkl").write_bytes(pickle.dumps(Malicious(), protocol=5))
    assert "mkdir" in refusal("raw.pkl")
    assert not CANARY.exists()


def test_what_a_file_holds_beside_tensors_is_named_and_read_where_it_is_trusted(here):
    tensors = network().state_dict()
    path = saved({"model": tensors, "args": argparse.Namespace(lr=1), "best": np.float64(0.5), "run": Path("runs")})
    text = refusal(path)
    assert "argparse.Namespace" in text and "numpy scalar" in text and "pathlib" in text
    assert "it was read with trust: true" in assert_loaded(path, tensors, trust=True)


def test_a_whole_module_is_named_and_its_weights_are_read_where_it_is_trusted(here):
    net = network()
    from nodescope.jobs.own_functions import load_function, own_code

    with own_code(load_function("net.py:build").place):
        path = saved(net)
    assert "a whole module (Net)" in refusal(path)
    assert "trust: true" in assert_loaded(path, net.state_dict(), trust=True)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>", "it is an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"\x00" * 100, "or is no file of PyTorch"),
        (pickle.dumps({"a": [1, 2]}), "or is no file of PyTorch"),
    ],
)
def test_what_is_no_checkpoint_is_called_what_it_is(here, content, said):
    Path("x.pt").write_bytes(content)
    assert said in refusal("x.pt")


def test_truncated_files_are_refused(here):
    stream = io.BytesIO()
    torch.save(network().state_dict(), stream)
    whole = stream.getvalue()
    plain = safetensors.torch.save(dict(network().state_dict()))
    for content in (whole[:-100], whole[: len(whole) // 2], whole[:20], plain[:-1], plain[:40]):
        Path("x.pt").write_bytes(content)
        assert "Hint: save network.state_dict()" in refusal("x.pt")
    assert "There is no file of weights gone.pt" in refusal("gone.pt")


# --- laws ---

WORD = st.text("abcxyz_0123", min_size=1, max_size=4)
NAMES = st.lists(st.lists(WORD, min_size=1, max_size=4).map(".".join), min_size=1, max_size=12, unique=True)


@given(
    NAMES,
    st.lists(WORD | st.sampled_from(["module", "model", "_orig_mod"]), max_size=3),
    st.sampled_from(["", "state_dict"]),
)
def test_any_prefix_is_left_out_of_any_tree_of_names(tmp_path_factory, names, prefix, wrapper):
    path = tmp_path_factory.mktemp("prefix") / "x.pt"
    shapes = {name: (i + 1,) for i, name in enumerate(names)}
    tensors = {"".join(f"{part}." for part in prefix) + name: torch.zeros(*shape) for name, shape in shapes.items()}
    torch.save({wrapper: tensors} if wrapper else tensors, path)
    found = fitting_weights(path, WantedTensors(shapes, {}))
    assert {name: tuple(tensor.shape) for name, tensor in found.tensors.items()} == shapes


@given(NAMES, st.data())
def test_a_tensor_that_is_missing_or_left_over_is_always_noticed(tmp_path_factory, names, data):
    path = tmp_path_factory.mktemp("missing") / "x.pt"
    gone = data.draw(st.sampled_from(names))
    there = {name: torch.zeros(2) for name in names if name != gone} or {"other": torch.zeros(2)}
    torch.save({f"module.{name}": tensor for name, tensor in there.items()}, path)
    with pytest.raises(WeightsError, match=r"missing|none of its"):
        fitting_weights(path, WantedTensors(dict.fromkeys(names, (2,)), {}))
    if len(names) > 1:
        torch.save(dict.fromkeys(names, torch.zeros(2)), path)
        with pytest.raises(WeightsError):
            fitting_weights(path, WantedTensors(dict.fromkeys(there, (2,)), {}))


def test_sets_of_a_file_can_be_listed(here):
    saved(collections.OrderedDict(a={"w": torch.zeros(2)}, b={"c": {"w": torch.ones(1, 2)}}, epoch=torch.tensor(1)))
    assert [state_dict.where for state_dict in weights_of("x.pt")] == ["a", "b.c"]
    assert fitting(network(), saved(network().state_dict()), section()).decisions == ()
