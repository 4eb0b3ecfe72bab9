"""The axes that `nodescope.record` was given are axes of the study that takes its folder in."""

import numpy as np
import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal
from torch import nn

import nodescope
from nodescope.config.loading import parse_config
from nodescope.datasets import load
from nodescope.messages.errors import ConfigError, NetworkError
from nodescope.storage.json_files import read_json, write_json
from nodescope.study.axes import Configurations
from nodescope.study.configurations import configurations_of

BATCHES = [(torch.randn(6, 4, generator=torch.Generator().manual_seed(0)), torch.arange(6) % 2)]


def network(width=3):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, 2))


def recorded(folder, *axes):
    for each in axes:
        nodescope.record(network(), BATCHES, folder, axes=each)
    (study,) = parse_config({"studies": [{"name": "mine", "recordings": {"files": str(folder)}}]}).studies
    return study


def test_configurations_have_the_axes_that_were_recorded_in_the_order_of_their_values(tmp_path):
    axes = [
        {"width": 16, "rate": 1, "batch_norm": True, "optimiser": "a b"},
        {"width": 8, "rate": 0.5, "batch_norm": False, "optimiser": "c"},
        {"width": np.int64(8), "rate": 0.5, "batch_norm": True, "optimiser": "c"},
    ]
    study = recorded(tmp_path, *axes)
    found = configurations_of(study)
    assert [dict(each.axes) for each in found] == [
        {"width": 8, "rate": 0.5, "batch_norm": False, "optimiser": "c"},
        {"width": 8, "rate": 0.5, "batch_norm": True, "optimiser": "c"},
        {"width": 16, "rate": 1.0, "batch_norm": True, "optimiser": "a b"},
    ]
    assert all((tmp_path / each.identifier).is_dir() for each in found)
    frame = Configurations.of(study).frame()
    assert frame.select("width", "rate", "batch_norm", "optimiser").dtypes == [
        pl.Int32,
        pl.Float64,
        pl.Boolean,
        pl.String,
    ]


def test_networks_without_axes_are_told_apart_by_their_folders(tmp_path):
    study = recorded(tmp_path, None)
    (tmp_path / "sequential").rename(tmp_path / "other")
    recorded(tmp_path, None)
    assert [(each.identifier, each.axes) for each in configurations_of(study)] == [("other", ()), ("sequential", ())]


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"mean": 3}, "an axis cannot be called mean, as tables have a column of that name. Hint: the_mean"),
        ({"seed": 3}, "an axis cannot be called seed"),
        ({"my width": 3}, "'my width' is not the name of an axis; allowed: letters, digits and '_', such as width"),
        ({"width": [3]}, r"width is \[3\]; allowed: a finite number or a text"),
        ({"width": float("nan")}, "width is nan; allowed: a finite number or a text"),
    ],
)
def test_axes_that_cannot_be_are_refused_before_anything_is_recorded(tmp_path, axes, said):
    with pytest.raises(NetworkError, match=f"axes: .*{said}"):
        nodescope.record(network(), BATCHES, tmp_path, axes=axes)
    assert not list(tmp_path.iterdir())


def test_values_that_share_a_folder_are_refused(tmp_path):
    recorded(tmp_path, {"optimiser": "a b"})
    with pytest.raises(
        NetworkError, match=r"optimiser': 'a b'.*not.*'a-b'.*Hint: other words for the values, or another"
    ):
        nodescope.record(network(), BATCHES, tmp_path, axes={"optimiser": "a-b"})
    assert read_json(tmp_path / "a-b" / "network.json")["axes"] == {"optimiser": "a b"}


def refusal(study):
    with pytest.raises(ConfigError) as error:
        configurations_of(study)
    return str(error.value)


def test_networks_of_other_axes_are_refused_with_both_folders(tmp_path):
    said = refusal(recorded(tmp_path, {"width": 8}, {"width": 16, "depth": 2}))
    assert said.startswith("Study 'mine', recordings.files: ")
    assert f"{tmp_path}/width-16-depth-2 was recorded with width 16, depth 2, {tmp_path}/width-8 with width 8" in said
    assert "Hint: record again with the same names in axes=" in said
    (tmp_path / "width-16-depth-2" / "network.json").unlink()
    assert "with no axes" in refusal(recorded(tmp_path))


def test_numbers_and_texts_on_one_axis_are_refused(tmp_path):
    said = refusal(recorded(tmp_path, {"width": 8}, {"width": "wide"}))
    assert "the values of width are of different types. Hint: all numbers, or all texts" in said


def test_a_configuration_that_is_there_twice_is_refused(tmp_path):
    study = recorded(tmp_path, {"width": 8})
    (tmp_path / "width-8").rename(tmp_path / "copy")
    recorded(tmp_path, {"width": 8})
    assert "these are one configuration. Hint: remove one of the folders" in refusal(study)


def test_axes_that_someone_wrote_are_checked_too(tmp_path):
    study = recorded(tmp_path, {"width": 8})
    path = tmp_path / "width-8" / "network.json"
    write_json(path, read_json(path) | {"axes": {"loss": 8}})
    assert "network.json: an axis cannot be called loss" in refusal(study)
    path.write_text("{}")
    assert f"{path} is damaged. Hint: record this network again" in refusal(study)


# --- the round trip ---

NETWORK = """
import torch
from torch import nn

def build(width):
    torch.manual_seed(width)
    return nn.Sequential(nn.Flatten(), nn.Linear(6, width), nn.ReLU(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 3))

def data(split):
    generator = torch.Generator().manual_seed(len(split))
    y = torch.arange(30) % 3
    return torch.randn(30, 6, generator=generator) + y[:, None], y
"""


@pytest.mark.slow
def test_networks_recorded_from_python_give_the_tables_that_they_give_as_a_module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_net.py").write_text(NETWORK)
    names = {}
    exec(NETWORK, names)
    for width in (8, 16):
        for epoch in (0, 1):
            net = names["build"](width)
            with torch.no_grad():
                for parameter in net.parameters():
                    parameter += 0.1 * epoch * torch.randn(parameter.shape)
            path = tmp_path / f"runs/{width}/epoch-{epoch}.pt"
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.save(net.state_dict(), path)
    dataset = {"source": "function", "name": "made", "data": "my_net.py:data"}
    module = {"make": "my_net.py:build", "checkpoints": "runs/{width}/epoch-{epoch}.pt"}
    of_module = {"studies": [{"name": "mine", "dataset": dataset, "module": module}]}
    one = nodescope.run(of_module, results=tmp_path / "one", page=False)
    prepared = load(str(next((one / "datasets").glob("*.npz"))))
    for width in (8, 16):
        for epoch, state in ((0, "epoch-0"), (1, "trained")):
            net = names["build"](width)
            net.load_state_dict(torch.load(f"runs/{width}/epoch-{epoch}.pt"))
            for split, samples in prepared.splits.items():
                batches = [(torch.from_numpy(prepared.batch(samples)), prepared.labels(samples))]
                nodescope.record(net, batches, "out", split=split, state=state, axes={"width": width})
    of_recordings = {"studies": [{"name": "mine", "recordings": {"files": "out"}}]}
    two = nodescope.run(of_recordings, results=tmp_path / "two", page=False)
    compared = 0
    for path in sorted((two / "mine" / "tables").glob("*.parquet")):
        # What needs the networks themselves, epochs of the files' names and the names of samples are of the module only.
        if path.stem in ("learning_curves", "diagnosis", "remedies"):
            continue
        left, right = (
            pl.read_parquet(results / "mine" / "tables" / path.name).drop(
                "dataset", "model", "best_epoch", "since", "not_before", "sample", strict=False
            )
            for results in (one, two)
        )
        assert_frame_equal(left, right, rel_tol=1e-5, abs_tol=1e-6)
        compared += len(left) > 0
    assert compared > 12
    layers = ["configuration", "layer", "name", "kind", "nodes", "positions", "activation", "parameters", "fan_in"]
    assert_frame_equal(*(pl.read_parquet(results / "mine" / "layers.parquet").select(layers) for results in (one, two)))
