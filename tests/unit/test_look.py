"""The look at networks of one's own before any job: what is found, and everything that is wrong, at once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nodescope.config.loading import parse_config
from nodescope.datasets import preparing
from nodescope.networks.brought.look import look
from nodescope.storage.json_files import read_json
from nodescope.study.brought_configurations import module_configurations
from nodescope.study.layout import StudyFiles, prepared_path

NET = """
import torch
from torch import nn

print("building")

def build(width=4, inputs=64):
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, 3), nn.Tanh(), nn.Linear(3, 2))

def grey(batch):
    return batch[:, 0]

def wrong(batch):
    return batch[:, :, :3]
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(NET)
    scope = {}
    exec(compile(NET, "net", "exec"), scope)
    for width in (4, 6):
        for seed in (0, 1):
            Path(f"runs/{width}").mkdir(parents=True, exist_ok=True)
            torch.save({"state_dict": scope["build"](width).state_dict()}, f"runs/{width}/{seed}.pt")
    return tmp_path


def config(dataset="digits", **module):
    keys = {"make": "net.py:build", "checkpoints": "runs/{width}/{seed}.pt", **module}
    return parse_config({"studies": [{"name": "mine", "dataset": dataset, "module": keys}]})


def seen(made):
    """What was found by configuration, and what is wrong."""
    names = {each.identifier: "key" for each in module_configurations(made.studies[0])}
    problems = list(look(made, {"mine": names}))
    files = StudyFiles.of("mine")
    return {name: read_json(files.look(name)) for name in names if files.look(name).is_file()}, problems


def test_layers_sizes_and_costs_are_found_before_the_data_are_prepared(here):
    found, problems = seen(config())
    assert problems == []
    assert list(found) == ["width-4", "width-6"]
    one = found["width-6"]
    assert [(layer["kind"], layer["nodes"]) for layer in one["layers"]] == [("ReLU", 6), ("Tanh", 3), ("output", 2)]
    assert one["parameters"] == 64 * 6 + 6 + 6 * 3 + 3 + 3 * 2 + 2
    assert one["multiply_adds"] == 64 * 6 + 6 * 3 + 3 * 2
    assert one["decisions"] == ["the weights are those under 'state_dict'"]


def test_a_sample_of_the_prepared_data_goes_through_preprocess(here):
    made = config(preprocess="net.py:grey")
    source = made.studies[0].dataset
    preparing.prepare(source, ".", prepared_path(source), download=False)
    found, problems = seen(made)
    assert problems == [] and list(found) == ["width-4", "width-6"]


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ({"make": "net.py:biuld"}, "net.py has no function 'biuld'; did you mean 'build'?"),
        ({"with": {"inptus": 3}}, "no parameter 'inptus'; did you mean 'inputs'?"),
        ({"make": "net.py:grey"}, "net.py:grey needs batch"),
        ({"preprocess": "net.py:wrong"}, "the network cannot take the samples of data set 'digits'"),
        ({"with": {"inputs": 32}}, "does not fit the network: shape of 1.weight is (4, 64) in the file, (4, 32) in the network"),
        ({"mask": "padding"}, "the network gets no input 'padding'"),
        ({"preprocess": "net.py:gray"}, "did you mean 'grey'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_study_and_configuration(here, module, said):
    _, problems = seen(config(**module))
    assert all(problem.startswith("Study 'mine', module") for problem in problems)
    assert sum(said in problem for problem in problems) > 0


def test_what_is_wrong_with_every_configuration_is_said_once(here):
    _, problems = seen(config(make="net.py:biuld"))
    assert len(problems) == 1


def test_every_checkpoint_that_does_not_fit_is_named(here):
    Path("runs/4/1.pt").write_bytes(b"")
    torch.save({"other": torch.ones(3)}, "runs/6/0.pt")
    _, problems = seen(config())
    assert len(problems) == 2
    assert "runs/4/1.pt cannot be read: it is empty" in problems[0] and "runs/6/0.pt does not fit" in problems[1]


@pytest.mark.slow
def test_as_a_process_it_writes_json_whatever_the_user_prints(here):
    made = config()
    given = {"config": made.model_dump(mode="json"), "keys": {"mine": {"width-4": "key"}}, "results": "results"}
    done = subprocess.run(
        [sys.executable, "-m", "nodescope.networks.brought.look"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == [] and "building" in done.stderr
    assert read_json(StudyFiles.of("mine").look("width-4"))["key"] == "key"


def test_names_that_a_network_translates_itself_are_no_misfit(here):
    Path("normed.py").write_text(
        "from torch import nn\n"
        "def build():\n    linear = nn.utils.parametrizations.weight_norm(nn.Linear(64, 2))\n"
        "    return nn.Sequential(nn.Flatten(), linear, nn.ReLU())\n"
    )
    old = {"1.weight_g": torch.ones(2, 1), "1.weight_v": torch.randn(2, 64), "1.bias": torch.zeros(2)}
    torch.save(old, "old.pt")
    found, problems = seen(config(make="normed.py:build", checkpoints="old.pt"))
    assert problems == [] and "load_state_dict" in found["mine"]["decisions"][0]
