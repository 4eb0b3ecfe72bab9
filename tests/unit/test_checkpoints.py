"""A training that was stopped goes on where it was, and ends bit for bit where it would have ended."""

import os
import signal

import numpy as np
import pytest
import torch

from nodescope.config.network import Network
from nodescope.config.training import Training
from nodescope.datasets import PreparedDataset
from nodescope.datasets.splits import Splits
from nodescope.jobs.interruption import Interrupted, interruptible, stopping_politely
from nodescope.messages.errors import DamagedFileError
from nodescope.storage.tensors import load_tensors, save_tensors
from nodescope.training import rounds as training_module
from nodescope.training.checkpoints import fingerprint
from nodescope.training.configuration import network_shape, train_configuration
from nodescope.training.progress import ProgressReporter

pytestmark = pytest.mark.slow

torch.set_num_threads(1)

KEYS = {"dataset": "blobs", "model": "mlp", "depth": 2, "width": 5, "activation": "relu", "batch_norm": True}


def blobs():
    random = np.random.default_rng(3)
    y = np.arange(90) % 3
    x = (random.normal(size=(90, 4)) + 2 * y[:, None]).astype(np.float32)
    splits = Splits(np.arange(60), np.arange(60, 75), np.arange(75, 90))
    return PreparedDataset(x, y.astype(np.int64), splits, ["a", "b", "c"])


def train(folder, dataset=None, network=None, **changes):
    training = {
        "epochs": 6, "batch_size": 8, "learning_rates": [0.01, 0.001], "refinement_rounds": 1, "snapshots": [2],
    } | changes  # fmt: skip
    dataset = dataset or blobs()
    return train_configuration(
        "net", network_shape(KEYS, dataset, network or Network(), None), [0, 1], Training(**training), dataset,
        device="cpu", progress_folder=folder, title="test",
    )  # fmt: skip


def everything(trained):
    """All tensors and tables of a trained configuration."""
    networks = trained.networks()
    tensors = {
        (state, seed, name): tensor
        for state, by_seed in networks.items()
        for seed, by_name in by_seed.items()
        for name, tensor in by_name.items()
    }
    return tensors, (trained.learning_curves(), trained.accuracy_table(), trained.replica_table())


def assert_same(found, expected):
    assert found[0].keys() == expected[0].keys()
    for name, tensor in expected[0].items():
        assert torch.equal(found[0][name], tensor), name
    for frame, other in zip(found[1], expected[1], strict=True):
        assert frame.equals(other)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return everything(train(tmp_path_factory.mktemp("undisturbed")))


def interrupt_after(monkeypatch, epochs):
    """Ask this process to stop while an epoch is evaluated, every so many epochs."""
    seen = []
    original = ProgressReporter.after_epoch

    def after_epoch(self, state):
        seen.append(state.epoch)
        if len(seen) == epochs:
            os.kill(os.getpid(), signal.SIGTERM)
        original(self, state)

    monkeypatch.setattr(ProgressReporter, "after_epoch", after_epoch)
    return seen


@pytest.mark.parametrize("epochs", [1, 3, 6, 7, 12])
def test_stopped_by_sigterm_it_goes_on_and_ends_bit_for_bit_where_it_would_have(
    epochs, tmp_path, monkeypatch, undisturbed
):
    with monkeypatch.context() as patch:
        seen = interrupt_after(patch, epochs)
        with pytest.raises(Interrupted, match=r"SIGTERM.* is saved"):
            train(tmp_path)
        assert len(seen) == epochs  # it stops at once: SLURM does not wait
    with monkeypatch.context() as patch:
        again = interrupt_after(patch, 1000)
        assert_same(everything(train(tmp_path)), undisturbed)
        assert len(again) == 12 - epochs  # nothing is trained twice


def test_stopped_again_and_again_it_ends_the_same(tmp_path, monkeypatch, undisturbed):
    for _ in range(12):
        with monkeypatch.context() as patch:
            interrupt_after(patch, 1)
            with pytest.raises(Interrupted):
                train(tmp_path)
    assert_same(everything(train(tmp_path)), undisturbed)


def test_a_hard_kill_costs_what_was_done_since_the_last_state(tmp_path, monkeypatch, undisturbed):
    monkeypatch.setattr(training_module, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    with monkeypatch.context() as patch:
        original = ProgressReporter.after_epoch

        def die(self, state):
            if state.epoch == 4:
                raise MemoryError  # as sudden as a kill: nothing is put away
            original(self, state)

        patch.setattr(ProgressReporter, "after_epoch", die)
        with pytest.raises(MemoryError):
            train(tmp_path)
    again = interrupt_after(monkeypatch, 1000)
    assert_same(everything(train(tmp_path)), undisturbed)
    assert again[0] == 4


def stopped(folder, monkeypatch, epochs=4, **changes):
    with monkeypatch.context() as patch:
        interrupt_after(patch, epochs)
        with pytest.raises(Interrupted):
            train(folder, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimiser": "rmsprop", "schedule": "one_cycle"},
        {"optimiser": "rmsprop", "momentum": 0.9, "weight_decay": 0.01, "loss": "mean_squared_error"},
        {"ties": "last", "batch_size": "all", "network": Network(batch_norm_scale="uniform", batch_norm_momentum=0.4)},
        {"ties": "last", "optimiser": "rmsprop", "network": Network(skip_connections=True, batch_norm_epsilon=1e-2)},
    ],
    ids=["rmsprop", "rmsprop-with-momentum", "ties-and-full-batches", "one-after-another"],
)
def test_however_it_is_trained_it_goes_on_bit_for_bit(changes, tmp_path, monkeypatch):
    stopped(tmp_path / "a", monkeypatch, 3, **changes)
    with monkeypatch.context() as patch:
        again = interrupt_after(patch, 1000)
        resumed = train(tmp_path / "a", **changes)
        assert again[0] == 4
    assert_same(everything(resumed), everything(train(tmp_path / "b", **changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"batch_size": 16}, {"learning_rate_decay": 0.5}, {"epochs": 7}, {"snapshots": [3]}, {"snapshot_steps": [5]},
        {"network": Network(bias="all")}, {"ties": "last"}, {"loss": "mean_squared_error"}, {"optimiser": "rmsprop"},
        {"optimiser_epsilon": 1e-3}, {"batch_size": "all"}, {"network": Network(batch_norm_scale="uniform")},
        {"network": Network(batch_norm_momentum=0.3)}, {"network": Network(batch_norm_epsilon=1e-2)},
    ],
)  # fmt: skip
def test_a_state_of_other_settings_is_never_used(changes, tmp_path, monkeypatch):
    stopped(tmp_path / "a", monkeypatch)
    trained = train(tmp_path / "a", **changes)
    fresh = train(tmp_path / "b", **changes)
    assert trained.learning_curves().equals(fresh.learning_curves())


def test_a_state_of_other_data_is_never_used(tmp_path, monkeypatch):
    stopped(tmp_path, monkeypatch)
    again = interrupt_after(monkeypatch, 1000)
    data = blobs()
    data.x[0, 0] += 1
    train(tmp_path, data)
    assert len(again) == 12


def test_an_edit_of_the_code_that_trains_discards_saved_states_and_any_other_edit_keeps_them(package_copy):
    key = fingerprint({}, "mlp")
    for kept in ("jobs/status.py", "analyses/medians.py", "training/results.py", "workflow.py", "report/page.py"):
        with package_copy.edited(kept):
            assert fingerprint({}, "mlp") == key, kept
    for discarded in (
        "training/replicas.py",
        "training/search.py",
        "networks/losses.py",
        "networks/mlp.py",
        "families/mlp.py",
    ):
        with package_copy.edited(discarded):
            assert fingerprint({}, "mlp") != key, discarded


@pytest.mark.parametrize("name", ["round-0.safetensors", "round-0-epoch-2.safetensors"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "delete"])
def test_a_damaged_state_or_snapshot_is_noticed_and_the_round_begins_anew(
    name, damage, tmp_path, monkeypatch, undisturbed
):
    stopped(tmp_path, monkeypatch)
    path = tmp_path / name
    content = bytearray(path.read_bytes())
    if damage == "delete":
        path.unlink()
    elif damage == "flip":
        content[-3] ^= 16
        path.write_bytes(content)
    else:
        path.write_bytes(content[: len(content) // 2 if damage == "truncate" else 0])
    again = interrupt_after(monkeypatch, 1000)
    assert_same(everything(train(tmp_path)), undisturbed)
    assert len(again) == 12


def test_every_flipped_bit_and_every_truncation_of_a_tensor_file_is_noticed(tmp_path):
    path = tmp_path / "a.safetensors"
    tensors = {"w": torch.arange(6.0).reshape(2, 3), "n": torch.tensor(7), "none": torch.empty(0, 3)}
    save_tensors(path, tensors, {"note": "x"})
    found, metadata = load_tensors(path)
    assert metadata == {"note": "x"} and all(torch.equal(found[name], t) for name, t in tensors.items())
    content = path.read_bytes()
    for place in range(len(content)):
        for bit in range(8):
            damaged = bytearray(content)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            with pytest.raises(DamagedFileError):
                load_tensors(path)
        path.write_bytes(content[:place])
        with pytest.raises(DamagedFileError):
            load_tensors(path)


def test_a_request_to_stop_ends_other_work_at_once_and_leaves_handlers_as_they_were():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted, match="SIGINT"), interruptible():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_request_to_stop_does_not_wait_for_the_epoch():
    with pytest.raises(Interrupted), interruptible(), stopping_politely() as stop:
        assert not stop
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop
        os.kill(os.getpid(), signal.SIGTERM)
