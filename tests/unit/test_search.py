"""The learning-rate search, and training that goes on where it was stopped."""

import numpy as np
import polars as pl
import pytest
import torch
from conftest import small_dataset

from nodescope.config.network import Network
from nodescope.config.training import Training
from nodescope.networks import load_network
from nodescope.training import rounds as stage
from nodescope.training.configuration import network_shape, train_configuration
from nodescope.training.schedules import rate_factor

pytestmark = pytest.mark.slow

KEYS = {"dataset": "blobs", "model": "mlp", "depth": 2, "width": 6, "activation": "relu", "batch_norm": True}


def train(folder, seeds=(0, 1), keys=KEYS, **changes):
    training = Training(**{"epochs": 5, "batch_size": 16, "learning_rates": [0.01, 0.001], "snapshots": [2]} | changes)
    dataset = small_dataset()
    return train_configuration(
        "net", network_shape(keys, dataset, Network(), None), list(seeds), training, dataset, device="cpu",
        progress_folder=folder, title="test",
    )  # fmt: skip


def test_the_rate_with_the_best_mean_validation_accuracy_wins(tmp_path):
    trained = train(tmp_path, learning_rates=[0.01, 0.003, 1e-6], refinement_rounds=0)
    replicas = trained.replica_table()
    means = replicas.group_by("learning_rate", maintain_order=True).agg(pl.col("validation_accuracy").mean())
    assert (
        trained.learning_rate
        == means.sort("validation_accuracy", descending=True, maintain_order=True)["learning_rate"][0]
    )
    assert replicas.filter("chosen")["learning_rate"].unique().to_list() == [trained.learning_rate]


def test_refinement_tries_the_neighbours_of_the_best_and_then_closer_ones(tmp_path):
    trained = train(tmp_path, learning_rates=[0.01], refinement_rounds=2)
    rounds = [sorted({r.learning_rate for r in finished.replicas}) for finished in trained.rounds]
    assert rounds[1] == pytest.approx([0.01 / np.sqrt(10), 0.01 * np.sqrt(10)])
    best_of_two = max(
        (rate for finished in trained.rounds[:2] for rate in finished.mean_accuracy()),
        key=lambda rate: next(f.mean_accuracy()[rate] for f in trained.rounds if rate in f.mean_accuracy()),
    )
    assert rounds[2] == pytest.approx([best_of_two / 10**0.25, best_of_two * 10**0.25])


def test_a_refined_rate_that_was_tried_already_is_not_tried_again(tmp_path):
    trained = train(tmp_path, learning_rates=[0.01, 0.01 / 10**0.5, 0.01 * 10**0.5], refinement_rounds=1)
    counts = trained.learning_curves().group_by("seed", "learning_rate", "epoch", "split").len()
    assert counts["len"].max() == 1


SCHEDULES = {
    "exponential": {"learning_rate_decay": 0.8},
    "multi_step": {"schedule": "multi_step", "milestones": [4, 5], "learning_rate_decay": 0.1},
    "cyclic": {"schedule": "cyclic"},
    "one_cycle": {"schedule": "one_cycle"},
}


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_shortened_search_ends_with_the_network_of_a_full_one(schedule, tmp_path):
    options = {"learning_rates": [0.01, 1e-6], "refinement_rounds": 0, "epochs": 6, **SCHEDULES[schedule]}
    full = train(tmp_path / "full", **options)
    short = train(tmp_path / "short", search_epochs=3, **options)
    assert short.learning_rate == full.learning_rate
    keys, is_kept = ["seed", "learning_rate", "split", "epoch"], pl.col("learning_rate") == full.learning_rate
    curves = short.learning_curves().sort(keys)
    assert curves.filter(is_kept).equals(full.learning_curves().sort(keys).filter(is_kept), null_equal=True)
    assert curves.filter(~is_kept)["epoch"].max() == 3
    for state, by_seed in full.networks().items():
        for seed, tensors in by_seed.items():
            assert all(torch.equal(tensor, short.networks()[state][seed][name]) for name, tensor in tensors.items())
    replicas = short.replica_table()
    assert replicas.filter("chosen")["epochs"].to_list() == [6, 6]
    assert replicas.filter(~pl.col("chosen"))["epochs"].unique().to_list() == [3]
    assert replicas.select("seed", "learning_rate").is_unique().all()
    assert [finished.state.epoch for finished in short.rounds] == [3, 6]


@pytest.mark.parametrize("schedule", ["exponential", "multi_step", "one_cycle"])
def test_candidates_of_a_shortened_search_run_through_the_whole_schedule(schedule):
    training = Training(epochs=300, search_epochs=30, **SCHEDULES[schedule] | {"milestones": [100, 200]})
    short, steps = training.of_candidates(), 5
    whole = [rate_factor(training, epoch * steps, steps) for epoch in range(0, 300, 10)]
    shortened = [rate_factor(short, epoch * steps, steps) for epoch in range(30)]
    assert shortened == pytest.approx(whole, rel=0.05, abs=0.02)


def test_one_candidate_without_refinement_is_not_searched_for(tmp_path):
    trained = train(tmp_path, learning_rates=[0.01], refinement_rounds=0, search_epochs=2)
    assert [finished.state.epoch for finished in trained.rounds] == [5]


def test_curves_hold_every_replica_and_the_state_before_the_first_step(tmp_path):
    curves = train(tmp_path).learning_curves()
    assert len(curves) == 2 * 2 * (2 + 2) * 6  # splits x seeds x rates of both rounds x epochs 0 to 5
    assert curves["epoch"].min() == 0


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
def test_tables_say_what_was_trained_on_and_show_both_losses(loss, tmp_path):
    trained = train(tmp_path, loss=loss, batch_size="all", optimiser="rmsprop", epochs=6, refinement_rounds=0)
    assert trained.replica_table()["objective"].unique().to_list() == [loss]
    curves = trained.learning_curves()
    assert curves.select("loss", "accuracy", "mean_squared_error").null_count().row(0) == (0, 0, 0)
    column = {"cross_entropy": "loss", "mean_squared_error": "mean_squared_error"}[loss]
    kept = curves.filter(pl.col("split") == "train", pl.col("learning_rate") == trained.learning_rate).sort("epoch")
    change = kept.group_by("seed").agg(pl.col(column).last() - pl.col(column).first())[column]
    assert (change < 0).all()
    steps_per_epoch = [finished.state.optimiser["steps"] / 6 for finished in trained.rounds]
    assert steps_per_epoch == [1]


def test_saved_networks_are_those_whose_accuracy_is_reported(tmp_path):
    trained = train(tmp_path / "progress")
    trained.save_networks(tmp_path / "models")
    dataset = small_dataset()
    for row in trained.accuracy_table().iter_rows(named=True):
        network = load_network(tmp_path / "models" / f"seed-{row['seed']}" / "trained.safetensors")
        samples = dict(dataset.splits.items())[row["split"]]
        with torch.no_grad():
            predicted = network(torch.from_numpy(dataset.inputs(samples))).argmax(1).numpy()
        assert (predicted == dataset.labels(samples)).mean() == pytest.approx(row["accuracy"])
    assert sorted(p.name for p in (tmp_path / "models" / "seed-1").glob("[!.]*")) == [
        "epoch-2.safetensors", "initial.safetensors", "trained.safetensors",
    ]  # fmt: skip


def test_predictions_are_those_of_the_saved_networks_for_each_test_sample(tmp_path):
    trained = train(tmp_path / "progress")
    trained.save_networks(tmp_path / "models")
    dataset, predictions = small_dataset(), trained.predictions()
    samples = dataset.splits.test
    assert predictions["sample"].to_list() == samples.tolist()
    assert predictions["label"].to_list() == dataset.labels(samples).tolist()
    test = trained.accuracy_table().filter(pl.col("split") == "test")
    assert predictions.columns == ["sample", "label", *(str(seed) for seed in test["seed"])]
    for seed, accuracy in test.select("seed", "accuracy").iter_rows():
        network = load_network(tmp_path / "models" / f"seed-{seed}" / "trained.safetensors")
        with torch.no_grad():
            predicted = network(torch.from_numpy(dataset.inputs(samples))).argmax(1)
        assert predictions[str(seed)].to_list() == predicted.tolist()
        assert (predictions[str(seed)] == predictions["label"]).mean() == pytest.approx(accuracy)


class Killed(Exception):
    pass


@pytest.mark.parametrize("stopped_in_round", [0, 1])
def test_a_training_that_was_stopped_goes_on_to_the_same_result(tmp_path, monkeypatch, stopped_in_round):
    undisturbed = train(tmp_path / "undisturbed")
    monkeypatch.setattr(stage, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    original = stage.ProgressFolder.save
    epochs_run = []

    def save_then_die(self, round_index, state):
        original(self, round_index, state)
        if (round_index, state.epoch) == (stopped_in_round, 3):
            raise Killed

    def save_and_count(self, round_index, state):
        epochs_run.append((round_index, state.epoch))
        original(self, round_index, state)

    monkeypatch.setattr(stage.ProgressFolder, "save", save_then_die)
    with pytest.raises(Killed):
        train(tmp_path / "disturbed")
    monkeypatch.setattr(stage.ProgressFolder, "save", save_and_count)
    resumed = train(tmp_path / "disturbed")

    assert epochs_run[0] == (stopped_in_round, 4)
    assert resumed.learning_curves().equals(undisturbed.learning_curves())
    for state, by_seed in undisturbed.networks().items():
        for seed, tensors in by_seed.items():
            for name, tensor in tensors.items():
                assert torch.equal(tensor, resumed.networks()[state][seed][name])


def test_progress_of_other_settings_is_not_picked_up(tmp_path, monkeypatch):
    train(tmp_path / "shared", epochs=5)
    other = train(tmp_path / "shared", epochs=4)
    assert other.learning_curves().equals(train(tmp_path / "fresh", epochs=4).learning_curves())


def test_a_damaged_checkpoint_is_not_used(tmp_path):
    first = train(tmp_path / "progress")
    for path in (tmp_path / "progress").glob("round-?.safetensors"):
        path.write_bytes(path.read_bytes()[:-7])
    assert train(tmp_path / "progress").learning_curves().equals(first.learning_curves())


def test_a_net_that_diverges_at_every_rate_is_null_and_is_saved(tmp_path):
    trained = train(
        tmp_path / "progress", keys=KEYS | {"batch_norm": False}, learning_rates=[1e30], refinement_rounds=0
    )
    assert trained.accuracy_table()["accuracy"].null_count() == 6
    assert trained.predictions().null_count().row(0) == (0, 0, 20, 20)  # sample and label are known
    assert trained.replica_table()["diverged_epoch"].to_list() == [1, 1]
    trained.save_networks(tmp_path / "models")
    network = load_network(tmp_path / "models" / "seed-0" / "trained.safetensors")
    assert not all(torch.isfinite(p).all() for p in network.parameters())
