"""Patterns followed through the training of a configuration: nothing else changes, and a stopped training goes on."""

import os
import signal

import numpy as np
import polars as pl
import pytest
import torch

from nodescope.config.loading import parse_config
from nodescope.config.measuring_times import samples_measured
from nodescope.config.network import Network
from nodescope.config.pattern_evolution import PatternEvolution
from nodescope.config.training import Training
from nodescope.datasets import PreparedDataset
from nodescope.datasets.splits import Splits
from nodescope.estimates.costs import job_size, size_of, study_cost
from nodescope.jobs.interruption import Interrupted
from nodescope.messages.errors import ConfigError
from nodescope.networks.building import build_network
from nodescope.networks.hidden import hidden_layers
from nodescope.study.configurations import configurations_of
from nodescope.training.configuration import network_shape, train_configuration
from nodescope.training.pattern_evolution import PatternsToFollow
from nodescope.training.progress import ProgressReporter
from nodescope.training.tables import PATTERN_EVOLUTION

pytestmark = pytest.mark.slow

torch.set_num_threads(1)

KEYS = {"dataset": "blobs", "model": "mlp", "depth": 2, "width": 5, "activation": "relu", "batch_norm": True}
FOLLOWED = PatternEvolution(samples=50, hamming_samples=10)
#: Networks of both kinds of stacks: batched products, and one module after another.
NETWORKS = {"fused": Network(), "modules": Network(dropout=0.2, skip_connections=True)}


def blobs():
    random = np.random.default_rng(3)
    y = np.sort(np.arange(90) % 3)
    x = (random.normal(size=(90, 4)) + 2 * y[:, None]).astype(np.float32)
    order = random.permutation(90)
    return PreparedDataset(
        x, y.astype(np.int64), Splits(np.sort(order[:61]), order[61:75], order[75:]), ["a", "b", "c"]
    )


def train(folder, pattern_evolution, network="fused", *, threshold=0.0, **changes):
    training = {"epochs": 4, "batch_size": 10, "learning_rates": [0.01, 0.001], "snapshots": [2], "snapshot_steps": [3]}
    dataset = blobs()
    return train_configuration(
        "net", network_shape(KEYS, dataset, NETWORKS[network], None), [0, 1],
        Training(**training | {"refinement_rounds": 0} | changes), dataset, device="cpu", progress_folder=folder, title="test",
        patterns=pattern_evolution and PatternsToFollow(pattern_evolution, threshold),
    )  # fmt: skip


def tensors_of(trained):
    return {
        (state, seed, name): tensor
        for state, by_seed in trained.networks().items()
        for seed, by_name in by_seed.items()
        for name, tensor in by_name.items()
    }


@pytest.mark.parametrize("network", NETWORKS)
def test_networks_are_the_same_bit_for_bit_with_and_without_measuring(network, tmp_path):
    without, followed = train(tmp_path / "without", None, network), train(tmp_path / "with", FOLLOWED, network)
    expected, found = tensors_of(without), tensors_of(followed)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], tensor) for key, tensor in expected.items())
    assert followed.learning_curves().equals(without.learning_curves())


@pytest.mark.parametrize("network", NETWORKS)
def test_the_table_has_the_patterns_of_the_chosen_nets(network, tmp_path):
    trained = train(tmp_path, FOLLOWED, network, threshold=0.1)
    table = trained.pattern_evolution()
    assert list(table.schema)[-len(PATTERN_EVOLUTION.columns) :] == list(PATTERN_EVOLUTION.schema())
    steps = [*range(7), 9, 12, 15, 18, 21, 24]  # batch normalisation cannot use the sample that is left over
    for seed in (0, 1):
        assert table.filter(seed=seed, layer=1)["step"].to_list() == steps
    assert table.filter(seed=0, layer=1)["samples_seen"].to_list() == [10 * step for step in steps]
    assert table.filter(seed=0, layer=1)["jaccard_final"].is_not_null().sum() == 9
    assert table["patterns"].unique().to_list() == [50]
    # The states that are kept anyway, by the networks as anyone would run them.
    x = torch.from_numpy(trained.dataset.inputs(trained.dataset.splits.train))
    drawn = np.sort(np.random.default_rng(0).choice(61, 50, replace=False))
    for state, step in (("initial", 0), ("step-3", 3), ("epoch-2", 12)):
        for seed in (0, 1):
            net = build_network(trained.shape)
            net.load_state_dict(trained.networks()[state][seed])
            net.eval()
            seen = []
            for layer in hidden_layers(net).values():
                layer.register_forward_pre_hook(lambda _, z, seen=seen: seen.append(z[0].numpy()))
            with torch.no_grad():
                net(x[drawn])
            for layer, z in enumerate(seen, start=1):
                counts = np.unique(z > 0.1, axis=0, return_counts=True)[1]
                (row,) = table.filter(seed=seed, step=step, layer=layer).rows(named=True)
                assert row["distinct"] == len(counts)
                assert row["entropy_bits"] == pytest.approx(-(counts / 50 * np.log2(counts / 50)).sum())


@pytest.mark.parametrize("epochs", [1, 3, 4])
def test_a_stopped_training_gives_the_same_table(epochs, tmp_path, monkeypatch):
    expected = train(tmp_path / "whole", FOLLOWED).pattern_evolution()
    seen = []
    original = ProgressReporter.after_epoch

    def after_epoch(self, state):
        seen.append(state.epoch)
        if len(seen) == epochs:
            os.kill(os.getpid(), signal.SIGTERM)
        original(self, state)

    with monkeypatch.context() as patch:
        patch.setattr(ProgressReporter, "after_epoch", after_epoch)
        with pytest.raises(Interrupted):
            train(tmp_path / "stopped", FOLLOWED)
    found = train(tmp_path / "stopped", FOLLOWED)
    assert found.pattern_evolution().equals(expected)
    found.progress.remove()
    assert not (tmp_path / "stopped").exists()


def test_where_what_was_kept_is_lost_the_round_begins_anew(tmp_path, caplog):
    expected = train(tmp_path, FOLLOWED).pattern_evolution()
    (tmp_path / "round-0-patterns" / "replica-1" / "step-6.safetensors").unlink()
    with caplog.at_level("WARNING", logger="nodescope"):
        assert train(tmp_path, FOLLOWED).pattern_evolution().equals(expected)
    assert "step-6.safetensors is missing" in caplog.text


def test_a_diverged_net_has_null_where_nothing_can_be_said(tmp_path):
    table = train(tmp_path, FOLLOWED, learning_rates=[1e38]).pattern_evolution()
    assert table.filter(step=0)["entropy_bits"].null_count() == 0
    last = table.filter(pl.col("step") == 24)
    assert last["entropy_bits"].null_count() == len(last)
    assert last["jaccard_initial"].null_count() == len(last)
    assert table["jaccard_final"].null_count() == len(table)


# --- configuration ---


def config_with(**changes):
    study = {
        "name": "followed", "dataset": "digits", "grid": {"depth": [1], "width": [5], "activation": ["relu"]},
        "training": {"epochs": 3}, "pattern_evolution": {},
    }  # fmt: skip
    return parse_config({"studies": [study | changes]})


def test_rules_are_checked_before_anything_runs():
    assert config_with().studies[0].pattern_evolution == PatternEvolution()
    with pytest.raises(
        ConfigError, match=r"studies\[0\]\.pattern_evolution\.schedule\[0\]: until_epoch 5 is after the last epoch"
    ):
        config_with(pattern_evolution={"schedule": [{"until_epoch": 5, "every_steps": 1}]})
    with pytest.raises(ConfigError, match=r"schedule\[0\]: needs either every_steps or every_epochs"):
        config_with(pattern_evolution={"schedule": [{"until_epoch": 1}]})
    grid = {"depth": [1], "width": [5], "activation": ["relu"], "variants": [{"name": "a"}]}
    shorter = [*grid["variants"], {"name": "b", "training": {"epochs": 1}}]
    with pytest.raises(ConfigError, match=r"schedule\[1\]: .*after the end.* \(grid\.variants\[1\]\.training\)"):
        config_with(grid=grid | {"variants": shorter})


def test_a_function_without_a_switching_point_needs_a_threshold():
    grid = {"depth": [1], "width": [5], "activation": ["relu", "gelu"]}
    with pytest.raises(ConfigError, match=r"theta_threshold: gelu has no switching point.* e\.g\. theta_threshold: 0"):
        config_with(grid=grid)
    assert config_with(grid=grid, theta_threshold=0).studies[0].theta_threshold == 0
    assert config_with(grid=grid, pattern_evolution=None).studies[0].pattern_evolution is None


def test_estimates_count_what_passes_through_the_nets():
    options = PatternEvolution(samples=500)
    assert samples_measured(options, 3, 64, 1000) == (1 + 16 + 4) * 500
    assert samples_measured(PatternEvolution(), 3, 64, 1000) == (1 + 16 + 4) * 1000
    assert samples_measured(options, 1, 64, 1000) == 0
    followed = config_with(pattern_evolution={"samples": 500}).studies[0]
    alone = config_with(pattern_evolution=None).studies[0]
    assert study_cost(followed, size_of(followed)).flop > study_cost(alone, size_of(alone)).flop
    (configuration,) = configurations_of(followed)
    sizes = [job_size(s, configuration, "train", size_of(s), "cpu", 1) for s in (followed, alone)]
    assert sizes[0].memory_mb >= sizes[1].memory_mb and sizes[0].minutes >= sizes[1].minutes
