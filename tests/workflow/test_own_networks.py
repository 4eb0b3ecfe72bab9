"""The example of docs/own_networks.md, word for word: written, trained, and run to the report."""

import re
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
import torch
import yaml
from conftest import REPOSITORY
from project import Project, without_analyses

from nodescope.recording import read
from nodescope.study.layout import StudyFiles, activation_path

GUIDE = (REPOSITORY / "docs" / "own_networks.md").read_text(encoding="utf-8")
#: A path in backticks, a colon, and the block that is to be written there.
BLOCK = re.compile(r"^`(\S+)`:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    config = yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8"))
    project = Project(tmp_path_factory.mktemp("own"), config)
    for name, text in BLOCK.findall(GUIDE):
        (project.path / name).write_text(text, encoding="utf-8")
    own = yaml.safe_load((project.path / "my.yaml").read_text(encoding="utf-8"))
    own["studies"][0]["analyses"] = without_analyses(but=("medians", "dead_nodes", "weights", "gradients"))
    (project.path / "my.yaml").write_text(yaml.safe_dump(own), encoding="utf-8")
    subprocess.run([sys.executable, "train.py"], cwd=project.path, check=True)
    project.snakemake("--quiet", "rules", "--configfile", "my.yaml")
    return project


@pytest.fixture(scope="module")
def files(project):
    return StudyFiles.of("mine", project.path / "results")


def test_placeholders_are_axes_and_states(files):
    networks = pl.read_parquet(files.networks())
    assert networks["configuration"].to_list() == ["width-8", "width-32"]
    assert networks["width"].to_list() == [8, 32]
    assert networks["states"].to_list() == [["epoch-1", "trained"]] * 2
    assert (networks["source"] == "module").all() and (networks["best_epoch"] == 2).all()
    layers = pl.read_parquet(files.layers()).filter(pl.col("configuration") == "width-8")
    assert layers["name"].to_list() == ["forward/relu:1", "forward/relu:2", "output"]
    assert layers["nodes"].to_list() == [8, 8, 10]
    assert layers["parameters"].sum() == networks["parameters"][0]


def test_what_is_recorded_is_what_a_forward_pass_by_hand_gives_in_float64(project, files, monkeypatch):
    monkeypatch.syspath_prepend(project.path)
    from my_net import build

    net = build(32)
    net.load_state_dict(torch.load(project.path / "runs/32/seed-0/epoch-1.pt"))
    net = net.eval().double()
    layer = read(activation_path(str(files.activations("width-32")), 0, "epoch-1", "test", 2))
    (prepared,) = (project.path / "results" / "datasets").glob("digits-*.npz")
    with np.load(prepared) as archive, torch.no_grad():
        x = torch.from_numpy(archive["x"][layer.samples].astype(np.float64).reshape(-1, 1, 8, 8))
        x = x / 255 if archive["x"].dtype == np.uint8 else x
        hidden = torch.nn.functional.max_pool2d(torch.relu(net.conv(x)), 2)
        expected = net.fc1(torch.flatten(hidden, 1)).numpy().T
    np.testing.assert_allclose(layer.z, expected, atol=1e-5)


def test_accuracies_are_those_of_the_network(files):
    accuracy = pl.read_parquet(files.table("accuracy")).filter(pl.col("split") == "test")
    predictions = pl.read_parquet(files.predictions("width-32"))
    expected = (predictions["0"] == predictions["label"]).mean()
    assert accuracy.filter(pl.col("configuration") == "width-32")["accuracy"].item() == expected > 0.5


def test_the_report_is_there(project):
    assert "width 32" in (project.path / "reports" / "index.html").read_text(encoding="utf-8")


def test_an_edit_of_the_users_file_runs_again_what_depends_on_it(project):
    path = project.path / "my_net.py"
    path.write_text(path.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
    planned = project.jobs("--configfile", "my.yaml")
    assert planned["record_module"] == 4 and "prepare_dataset" not in planned
