"""Which device a job trains on, and that jobs do not share a GPU."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from nodescope.config.training import Training
from nodescope.jobs.devices import training_device, visible_gpus
from nodescope.messages.errors import NodescopeError
from nodescope.networks import NetworkShape
from nodescope.training import replicas as stack_training
from nodescope.training.data import TrainingData
from nodescope.training.state import Replica

HOLD = """
import sys, nodescope.jobs.devices as devices
with devices._one_of(["test-a", "test-b"]) as gpu:
    print(gpu, flush=True)
    sys.stdin.read()
"""


def hold_one():
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


def test_jobs_hold_different_gpus_and_a_killed_job_lets_go():
    first, first_gpu = hold_one()
    second, second_gpu = hold_one()
    assert {first_gpu, second_gpu} == {"test-a", "test-b"}
    first.kill()
    first.communicate()
    third, third_gpu = hold_one()  # waits until one is free
    assert third_gpu == first_gpu
    for process in (second, third):
        process.communicate("")


@pytest.mark.parametrize(("named", "expected"), [("", []), ("-1", []), ("2", ["2"]), ("0, 3", ["0", "3"])])
def test_gpus_are_those_that_the_environment_names(monkeypatch, named, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible_gpus() == expected


def test_a_gpu_that_is_not_there_is_said_so(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(NodescopeError, match="no GPU is available"), training_device("cuda"):
        pass


@pytest.mark.parametrize("wanted", ["auto", "cpu"])
def test_without_a_gpu_the_cpu_trains(monkeypatch, wanted):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with training_device(wanted) as device:
        assert device == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens where PyTorch finds no GPU; here it finds one")
def test_a_gpu_that_pytorch_cannot_use_is_said_so(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    with pytest.raises(NodescopeError, match="cannot use the GPU 7"), training_device("cuda"):
        pass
    with training_device("auto") as device:
        assert device == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU; there is none here")
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimiser": "rmsprop", "momentum": 0.0, "weight_decay": 0.01},
        {"optimiser": "rmsprop", "momentum": 0.9, "loss": "mean_squared_error"},
    ],
    ids=["adam", "rmsprop", "rmsprop-with-momentum"],
)
@pytest.mark.parametrize("batch_norm", [False, True], ids=["without-bn", "with-bn"])
def test_a_gpu_trains_the_same_nets(batch_norm, changes):
    """In float64, with enough steps that most are replayed from the captured graph, and a smaller last batch."""
    shape = NetworkShape("mlp", (7,), 4, 3, 9, "relu", batch_norm, "kaiming_normal")
    random = np.random.default_rng(0)
    x, y = torch.from_numpy(random.normal(size=(103, 7))), torch.from_numpy(random.integers(0, 4, 103))
    replicas = [Replica(0, 0.01), Replica(1, 0.01), Replica(0, 0.001)]
    training = Training(epochs=3, batch_size=8, learning_rate_decay=0.9, **changes)
    states = {}
    for device in ("cpu", "cuda"):
        data = TrainingData(*(t.to(device) for t in (x[:83], y[:83], x[83:], y[83:])))
        start = stack_training.start(shape, replicas, training.epochs, data)
        states[device] = stack_training.train(shape, replicas, training, data, start, lambda state: None)
    for name, tensor in states["cpu"].tensors.items():
        torch.testing.assert_close(states["cuda"].tensors[name].cpu(), tensor, rtol=1e-8, atol=1e-8)
