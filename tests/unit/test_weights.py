"""Weights that were made elsewhere: whatever names, wrappers and types they come in, they arrive or are explained."""

import io
import itertools
import json
import subprocess
import sys
from collections import OrderedDict

import pytest
import safetensors.torch
import torch
from torch import nn

from nodescope.config.loading import parse_config
from nodescope.datasets import sources
from nodescope.messages.errors import WeightsError
from nodescope.networks import NetworkShape, build_network, initialise_stack
from nodescope.networks.stacked_modules import StackedModules
from nodescope.networks.weights import load_weights
from nodescope.networks.weights_check import problems
from nodescope.storage.json_files import write_json
from nodescope.study.layout import description_path

pytestmark = pytest.mark.slow

FEATURES, CLASSES = 5, 4


def shape(model="mlp", **changes):
    of_model = {
        "mlp": {"input_shape": (FEATURES,), "depth": 3, "width": 6, "bias": "all_and_output"},
        "cnn": {"input_shape": (2, 9, 9), "depth": 4, "width": 3},
        "resnet": {"input_shape": (2, 9, 9), "depth": 8, "width": 3},
        "torchvision_resnet": {"input_shape": (3, 32, 32), "depth": 18, "width": 64},
    }[model]
    general = {
        "model": model, "n_classes": CLASSES, "activation": "tanh", "batch_norm": model not in ("mlp", "cnn"),
        "initialisation": "lecun_normal",
    }  # fmt: skip
    return NetworkShape(**{**general, **of_model, **changes})


def network(model="mlp", **changes):
    return build_network(shape(model, **changes))


def drawn(model="mlp", seed=1, **changes):
    """The tensors of a network, its buffers drawn too."""
    torch.manual_seed(seed)
    tensors = network(model, **changes).state_dict()
    for name in tensors:
        if "running_" in name:
            tensors[name] = torch.rand_like(tensors[name]) + 0.5
    return tensors


def sequential(widths, *, bias=True, batch_norm=False):
    layers = []
    for n_in, n_out in itertools.pairwise(widths[:-1]):
        layers += [nn.Linear(n_in, n_out, bias=bias), *([nn.BatchNorm1d(n_out)] if batch_norm else []), nn.Tanh()]
    layers.append(nn.Linear(*widths[-2:], bias=bias))
    torch.manual_seed(3)
    made = nn.Sequential(*layers)
    for name, buffer in made.named_buffers():
        if "running_" in name:
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    return made.eval()


def prefixed(tensors, prefix):
    return OrderedDict((prefix + name, tensor) for name, tensor in tensors.items())


def saved(tmp_path, content, name="weights.pt"):
    torch.save(content, tmp_path / name)
    return tmp_path / name


def refusal(path, model="mlp", **changes):
    made = network(model, **changes)
    before = {name: tensor.clone() for name, tensor in made.state_dict().items()}
    with pytest.raises(WeightsError) as error:
        load_weights(made, path, model=model)
    assert all(torch.equal(tensor, before[name]) for name, tensor in made.state_dict().items())
    assert "Hint: " in str(error.value) and str(path) in str(error.value)
    return str(error.value)


def assert_same_tensors(made, tensors):
    for name, tensor in made.state_dict().items():
        torch.testing.assert_close(tensor, tensors[name], rtol=0, atol=0)


# --- taken ---


@pytest.mark.parametrize("model", ["mlp", "resnet", "torchvision_resnet"])
@pytest.mark.parametrize(
    "prefix", ["", "module.", "model.", "module._orig_mod.", "net.backbone.", "_fsdp_wrapped_module."]
)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda tensors: tensors,
        lambda tensors: {"state_dict": tensors, "epoch": 12, "hyper_parameters": {"width": 3, "name": "x"}},
        lambda tensors: {
            "model": tensors,
            "optimizer": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": []},
        },
        lambda tensors: {"checkpoint": {"ema_params": tensors}, "loss": torch.tensor(0.25)},
    ],
    ids=["alone", "lightning", "with the optimiser", "nested"],
)
def test_prefixes_and_wrappers_are_seen_through_and_said(tmp_path, model, prefix, wrap):
    tensors = drawn(model)
    made = network(model)
    path = saved(tmp_path, wrap(prefixed(tensors, prefix)))
    decisions = load_weights(made, path, model=model)
    assert_same_tensors(made, tensors)
    assert any(f"prefix '{prefix}'" in said for said in decisions) == (
        prefix not in ("", "module._orig_mod.", "_fsdp_wrapped_module.")
    )
    assert any("below 'checkpoint.ema_params'" in said for said in decisions) == ("checkpoint" in wrap(tensors))


def test_other_modules_beside_the_network_are_left_out_and_said(tmp_path):
    tensors = drawn("cnn")
    path = saved(tmp_path, {**prefixed(tensors, "net."), "criterion.weight": torch.ones(4)})
    made = network("cnn")
    decisions = load_weights(made, path, model="cnn")
    assert_same_tensors(made, tensors)
    assert "criterion.weight" in decisions[-1] and "not used" in decisions[-1]


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("depth", [1, 7])
def test_a_sequential_network_is_taken_by_order_and_computes_the_same(tmp_path, suffix, depth):
    theirs = sequential([FEATURES, *[6] * depth, CLASSES])
    path = tmp_path / f"weights{suffix}"
    save = torch.save if suffix == ".pt" else safetensors.torch.save_file
    save(theirs.state_dict(), path)
    ours = network(depth=depth)
    decisions = load_weights(ours, path, model="mlp")
    x = torch.randn(8, FEATURES)
    torch.testing.assert_close(ours(x), theirs(x))
    assert "by their order and shapes: 0.weight is hidden.0.linear.weight" in decisions[0]


def test_a_sequential_network_with_batch_normalisation_is_taken_too(tmp_path):
    theirs = sequential([FEATURES, 6, 6, CLASSES], bias=False, batch_norm=True)
    assert any(name.endswith("num_batches_tracked") for name in theirs.state_dict())
    ours = network(depth=2, batch_norm=True, bias="none").eval()
    load_weights(ours, saved(tmp_path, theirs.state_dict()), model="mlp")
    x = torch.randn(8, FEATURES)
    torch.testing.assert_close(ours(x), theirs(x))


def test_any_names_are_taken_where_the_order_says_which_they_are(tmp_path):
    theirs = nn.Sequential(
        OrderedDict(
            zebra=nn.Linear(FEATURES, 6), t=nn.Tanh(), ape=nn.Linear(6, 6), u=nn.Tanh(), gnu=nn.Linear(6, CLASSES)
        )
    )
    ours = network(depth=2)
    load_weights(ours, saved(tmp_path, theirs.state_dict()), model="mlp")
    x = torch.randn(3, FEATURES)
    torch.testing.assert_close(ours(x), theirs(x))


def test_names_without_numbers_give_no_order_where_the_file_has_none(tmp_path):
    tensors = {
        f"{name}.{kind}": torch.randn(*((n_out, n_in) if kind == "weight" else (n_out,)))
        for name, n_in, n_out in (("zebra", FEATURES, 6), ("ape", 6, 6), ("gnu", 6, 6), ("yak", 6, CLASSES))
        for kind in ("weight", "bias")
    }
    path = tmp_path / "weights.safetensors"
    safetensors.torch.save_file(tensors, path)
    assert "the file has: ape.weight 6x6" in refusal(path)
    made = network()
    load_weights(made, saved(tmp_path, tensors), model="mlp")
    assert torch.equal(made.hidden[1].linear.weight, tensors["ape.weight"])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_cast_and_said(tmp_path, dtype):
    tensors = {name: tensor.to(dtype) for name, tensor in drawn().items()}
    made = network()
    decisions = load_weights(made, saved(tmp_path, tensors), model="mlp")
    assert_same_tensors(made, {name: tensor.float() for name, tensor in tensors.items()})
    assert str(dtype).removeprefix("torch.") in decisions[-1]


def test_counters_of_batches_may_lack_or_be_there(tmp_path):
    tensors = drawn("resnet")
    counters = [name for name in tensors if name.endswith("num_batches_tracked")]
    with_them = {**tensors, **dict.fromkeys(counters, torch.tensor(9))}
    without = {name: tensor for name, tensor in tensors.items() if name not in counters}
    for content, count in ((with_them, 9), (without, 0)):
        made = network("resnet")
        load_weights(made, saved(tmp_path, prefixed(content, "m.")), model="resnet")
        assert {int(made.state_dict()[name]) for name in counters} == {count}


def test_the_suffix_of_a_file_does_not_matter(tmp_path):
    tensors = drawn()
    safetensors.torch.save_file(tensors, tmp_path / "a.pth")
    for path in (tmp_path / "a.pth", saved(tmp_path, tensors, "b.safetensors"), saved(tmp_path, tensors, "c")):
        made = network()
        load_weights(made, path, model="mlp")
        assert_same_tensors(made, tensors)


def test_every_replica_starts_with_the_weights_and_learns_of_its_own(tmp_path):
    path = saved(tmp_path, prefixed(drawn(), "module."))
    stack = StackedModules.initialise(shape(weights=str(path)), [3, 8])
    first, second = (stack.network_tensors(replica) for replica in range(2))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) and first[name] is not second[name] for name in first)


def test_an_output_bias_is_trained_like_the_others_without_a_file_too():
    stack = initialise_stack(shape(bias="all_and_output"), [0, 1])
    assert not stack.parameters["output.bias"].any()
    x_RBI = torch.randn(2, 9, FEATURES)
    for parameter in stack.parameters.values():
        parameter.requires_grad_()
    stack.forward_training(x_RBI)[..., 1].sum().backward()
    expected = torch.tensor([0.0, 9.0, 0.0, 0.0])
    assert torch.equal(stack.parameters["output.bias"].grad, expected.expand(2, -1))
    assert "output.bias" not in initialise_stack(shape(bias="all"), [0]).parameters


# --- explained ---


def test_transposed_matrices_are_recognised(tmp_path):
    tensors = {name: (t.T.contiguous() if t.ndim == 2 else t) for name, t in drawn(input_shape=(11,)).items()}
    assert "stored as [in, out]" in refusal(saved(tmp_path, tensors), input_shape=(11,))


@pytest.mark.parametrize("theirs", [2, 5])
def test_another_depth_is_said_in_numbers(tmp_path, theirs):
    text = refusal(saved(tmp_path, sequential([FEATURES, *[6] * theirs, CLASSES]).state_dict()))
    assert f"the file has {theirs + 1} layers with weights, the network 4" in text
    text = refusal(saved(tmp_path, drawn(depth=theirs)))
    assert f"the file has {theirs + 1} layers with weights, the network 4" in text


@pytest.mark.parametrize("model", ["mlp", "resnet", "torchvision_resnet"])
def test_another_number_of_classes_is_said_in_numbers(tmp_path, model):
    text = refusal(saved(tmp_path, prefixed(drawn(model, n_classes=9), "module.")), model)
    assert "the output layer of the file tells 9 classes apart, the data set has 4" in text


def test_another_number_of_inputs_is_said_in_numbers(tmp_path):
    assert "takes 12 values or colours, a sample of the data set has 5" in refusal(
        saved(tmp_path, drawn(input_shape=(12,)))
    )
    colours = refusal(saved(tmp_path, drawn("resnet", input_shape=(3, 9, 9))), "resnet")
    assert "takes 3 values or colours, a sample of the data set has 2" in colours


def test_biases_that_the_network_lacks_or_the_file_lacks_lead_to_the_key(tmp_path):
    assert "more biases than the network" in refusal(saved(tmp_path, drawn()), bias="all")
    assert "fewer biases than the network" in refusal(saved(tmp_path, drawn(bias="none")))


def test_another_width_is_shown_tensor_by_tensor_with_the_nearest_names(tmp_path):
    text = refusal(saved(tmp_path, sequential([FEATURES, 9, 9, 9, CLASSES]).state_dict()))
    assert "0.weight is 9x5, the network's hidden.0.linear.weight 6x5" in text
    text = refusal(
        saved(tmp_path, {name.replace("linear", "linaer"): t for name, t in drawn().items()}, "w.pt"), "resnet"
    )
    assert "missing: stem.conv.weight (3x2x3x3)" in text and "the network expects: stem.conv.weight 3x2x3x3" in text
    renamed = {name.replace("stem.conv", "stem.conv2d"): t for name, t in drawn("resnet").items()}
    assert "stem.conv.weight (3x2x3x3), perhaps stem.conv2d.weight of the file" in refusal(
        saved(tmp_path, renamed), "resnet"
    )


def test_two_networks_in_one_file_are_ambiguous(tmp_path):
    text = refusal(saved(tmp_path, {"model": drawn(), "ema": drawn(seed=2), "step": 3}))
    assert "more than once: 'model.' and 'ema.'" in text
    both = {**prefixed(drawn(), "student."), **prefixed(drawn(seed=2), "teacher.")}
    assert "more than once: 'student.' and 'teacher.'" in refusal(saved(tmp_path, both))


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_weights_that_are_no_numbers_are_refused(tmp_path, value):
    tensors = drawn()
    tensors["hidden.2.linear.bias"][3] = value
    assert "hidden.2.linear.bias holds NaN or infinite" in refusal(saved(tmp_path, tensors))


def test_whole_numbers_are_no_weights(tmp_path):
    tensors = {name: (100 * tensor).to(torch.int8) for name, tensor in drawn().items()}
    assert "is int8" in refusal(saved(tmp_path, tensors))


class Settings:
    """What a checkpoint may hold beside tensors."""


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.write_bytes(b""), "it is empty"),
        (lambda path: path.write_bytes(b"\n<!DOCTYPE html>\n<title>404</title>"), "it is an HTML page"),
        (lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0"), "git lfs pull"),
        (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600)), "Keras"),
        (lambda path: torch.save(nn.Linear(2, 3), path), "a whole module"),
        (lambda path: torch.save({"state_dict": {}, "hyper_parameters": Settings()}, path), "a class of its own"),
        (lambda path: torch.save({"epoch": 3, "names": ["a"]}, path), "not contain a mapping of names to tensors"),
        (lambda path: torch.jit.save(torch.jit.script(nn.Linear(2, 3)), path), "no file of weights"),
        (lambda path: path.write_bytes(torch_bytes()[:-2000]), "damaged, not whole"),
        (lambda path: path.write_bytes(safetensors.torch.save(drawn())[:-3]), "damaged, not whole"),
        (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(300)), "damaged, not whole"),
    ],
)
@pytest.mark.filterwarnings("ignore:`torch.jit.*:FutureWarning", "ignore:`torch.jit.*:DeprecationWarning")
def test_what_is_no_file_of_weights_is_called_what_it_is(tmp_path, make, expected):
    path = tmp_path / "weights.ckpt"
    make(path)
    assert expected in refusal(path)


def torch_bytes():
    stream = io.BytesIO()
    torch.save(drawn("resnet"), stream)
    return stream.getvalue()


# --- before any job ---


def config(tmp_path, dataset, **study):
    own = {"bias": "all_and_output"} if study.get("model", "mlp") == "mlp" else {}
    return parse_config(
        {
            "data_root": str(tmp_path / "no data"),
            "download": False,
            "studies": {
                "name": "a", "dataset": dataset, "network": {"weights": str(tmp_path / "w-{depth}.pt")} | own,
                "grid": {"depth": [2, 3], "width": 6, "activation": "tanh"},
            } | study,
        }
    )  # fmt: skip


def found_problems(made, tmp_path):
    return list(problems(made, tmp_path / "results"))


def test_files_of_weights_are_checked_for_every_depth_before_any_job(tmp_path):
    made = config(tmp_path, "iris")
    saved(tmp_path, sequential([4, 6, 6, 3]).state_dict(), "w-2.pt")
    saved(tmp_path, sequential([4, 6, 6, 3]).state_dict(), "w-3.pt")
    (text,) = found_problems(made, tmp_path)
    assert text.startswith("Study 'a', network.weights, tanh-3x6: ") and "the file has 3 layers" in text
    saved(tmp_path, sequential([4, 6, 6, 6, 3]).state_dict(), "w-3.pt")
    assert found_problems(made, tmp_path) == []


@pytest.mark.parametrize("model", ["mlp", "cnn", "resnet", "torchvision_resnet"])
def test_what_is_not_known_of_the_data_is_not_held_against_the_weights(tmp_path, model):
    depth, width = {"mlp": (2, 6), "cnn": (4, 3), "resnet": (8, 3), "torchvision_resnet": (18, 64)}[model]
    made = config(
        tmp_path, {"source": "image_folder", "name": "own", "path": "gone"}, model=model,
        grid={"depth": depth, "width": width, "activation": "relu"},
    )  # fmt: skip
    tensors = drawn(
        model, depth=depth, width=width, activation="relu", batch_norm=False, input_shape=(4, 12, 8), n_classes=17
    )
    saved(tmp_path, tensors, f"w-{depth}.pt")
    assert found_problems(made, tmp_path) == []
    dataset = made.studies[0].dataset
    description = description_path(dataset, tmp_path / "results")
    known = {"source": dataset.model_dump(mode="json"), "files": sources.files_digest(dataset), "shape": [4, 12, 8]}
    write_json(description, known | {"classes": [str(c) for c in range(17)]})
    assert found_problems(made, tmp_path) == []
    write_json(description, known | {"classes": ["a", "b"]})
    (text,) = found_problems(made, tmp_path)
    assert "17 classes apart, the data set has 2" in text


def test_the_check_reads_a_configuration_and_answers_in_a_process_of_its_own(tmp_path):
    made = config(tmp_path, "digits")
    done = subprocess.run(
        [sys.executable, "-m", "nodescope.networks.weights_check"], input=made.model_dump_json(), capture_output=True,
        text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert len(said) == 2 and all("There is no file of weights" in text for text in said)


@pytest.mark.parametrize("order", [sorted, lambda names: sorted(names, reverse=True)])
@pytest.mark.parametrize("depth", [3, 7])
def test_numbers_in_names_are_the_order_where_a_file_was_sorted_in_another_way(tmp_path, order, depth):
    theirs = sequential([FEATURES, *[6] * depth, CLASSES])
    tensors = theirs.state_dict()
    path = saved(tmp_path, OrderedDict((name, tensors[name]) for name in order(tensors)))  # 10.weight before 2.weight
    ours = network(depth=depth)
    load_weights(ours, path, model="mlp")
    x = torch.randn(9, FEATURES)
    torch.testing.assert_close(ours(x), theirs(x))


def test_an_order_that_numbers_contradict_is_not_guessed_at(tmp_path):
    square = sequential([FEATURES, *[FEATURES] * 4]).state_dict()
    names = {"0.": "fc2.", "2.": "fc1.", "4.": "fc3.", "6.": "head."}  # the head has the shape of the others
    tensors = {
        new + name.removeprefix(old): t for name, t in square.items() for old, new in names.items() if name[:2] == old
    }
    with pytest.raises(WeightsError, match="do not fit"):
        load_weights(network(width=FEATURES, n_classes=FEATURES), saved(tmp_path, tensors), model="mlp")


def test_biases_before_batch_normalisation_are_named_as_the_reason(tmp_path):
    path = saved(tmp_path, sequential([FEATURES, 6, 6, 6, CLASSES], batch_norm=True).state_dict())
    with pytest.raises(WeightsError, match="subtract each from the running mean behind it"):
        load_weights(network(batch_norm=True), path, model="mlp")


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_biases_that_a_chain_lacks_are_named_as_the_reason(tmp_path, suffix):
    tensors = sequential([FEATURES, 6, 6, 6, CLASSES], bias=False).state_dict()
    path = tmp_path / f"w.{suffix}"
    if suffix == "pt":
        torch.save(tensors, path)
    else:
        safetensors.torch.save_file(tensors, path)
    with pytest.raises(WeightsError, match="fewer biases than the network"):
        load_weights(network(), path, model="mlp")


def test_batch_normalisation_that_only_the_file_has_is_named_as_the_reason(tmp_path):
    path = saved(tmp_path, sequential([FEATURES, 6, 6, 6, CLASSES], bias=False, batch_norm=True).state_dict())
    with pytest.raises(WeightsError, match="the file has 3 batch normalisations, the network none"):
        load_weights(network(), path, model="mlp")
