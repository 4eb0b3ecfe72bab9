"""Untrained means one thing: wherever a net is looked at before its last step, the training samples normalise it."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import polars as pl
import pytest
import torch
from conftest import small_dataset
from torch import nn
from torch.nn import functional

from nodescope.analyses.gradients import Gradients
from nodescope.analyses.local_gradients import LocalGradients
from nodescope.config.network import Network
from nodescope.config.pattern_evolution import PatternEvolution
from nodescope.config.training import Training
from nodescope.datasets import PreparedDataset
from nodescope.datasets.splits import Splits
from nodescope.measuring.networks import MeasuredNetwork, analyse_networks
from nodescope.networks import build_network, initialise_stack, load_network
from nodescope.recording import read
from nodescope.recording.recorder import record_configuration
from nodescope.training import replicas as stack_training
from nodescope.training.configuration import network_shape, train_configuration
from nodescope.training.data import TrainingData
from nodescope.training.pattern_evolution import PatternsToFollow

pytestmark = pytest.mark.slow

torch.set_num_threads(1)

KEYS = {"dataset": "blobs", "model": "mlp", "depth": 3, "width": 8, "activation": "tanh", "batch_norm": True}
RESNET = {**KEYS, "model": "resnet", "depth": 8, "width": 4, "activation": "relu"}


def images(n=50):
    """Images far from zero, so that nets with running statistics of 0 and 1 see them quite differently."""
    random = np.random.default_rng(5)
    y = np.arange(n) % 3
    x = (2 + y[:, None, None, None] + random.normal(size=(n, 1, 6, 5))).astype(np.float32)
    order = random.permutation(n)
    splits = Splits(np.sort(order[: n - 20]), order[n - 20 : n - 10], order[n - 10 :])
    return PreparedDataset(x, y.astype(np.int64), splits, ["a", "b", "c"])


CASES = {"fully connected": (KEYS, small_dataset), "residual": (RESNET, images)}


def train(folder, keys=KEYS, dataset=None, *, pattern_evolution=None, seeds=(0, 3), network=None, **training):
    settings = {"epochs": 2, "batch_size": 16, "learning_rates": [0.01], "refinement_rounds": 0, **training}
    dataset = dataset or small_dataset()
    return train_configuration(
        "net", network_shape(keys, dataset, network or Network(), None), list(seeds), Training(**settings), dataset,
        device="cpu", progress_folder=folder, title="test",
        patterns=None if pattern_evolution is None else PatternsToFollow(pattern_evolution, 0.0),
    )  # fmt: skip


def module_of(trained, tensors):
    network = build_network(trained.shape)
    network.load_state_dict(tensors)
    return network.eval()


def norms_of(network):
    return [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]


def training_inputs(trained):
    return torch.from_numpy(trained.dataset.inputs(trained.dataset.splits.train))


def pytorch_settles(network, x):
    """PyTorch's own statistics of all samples as one batch, in float64."""
    network = network.double().train()
    for norm in norms_of(network):
        norm.momentum = None
        norm.reset_running_stats()
    with torch.no_grad():
        network(x.double())
    return network.eval()


@pytest.mark.parametrize("epochs", [0, 2])
@pytest.mark.parametrize("case", CASES)
def test_every_state_but_trained_has_the_statistics_of_the_training_samples(case, epochs, tmp_path):
    keys, dataset = CASES[case]
    times = {"snapshots": [1], "snapshot_steps": [1]} if epochs else {}
    trained = train(tmp_path, keys, dataset(), epochs=epochs, **times)
    states = trained.networks()
    assert list(states) == (["initial", "step-1", "epoch-1", "trained"] if epochs else ["initial"])
    for state in states.keys() - {"trained"}:
        for tensors in states[state].values():
            found = norms_of(module_of(trained, tensors))
            expected = norms_of(pytorch_settles(module_of(trained, tensors), training_inputs(trained)))
            for norm, reference in zip(found, expected, strict=True):
                torch.testing.assert_close(norm.running_mean.double(), reference.running_mean, rtol=1e-4, atol=1e-5)
                torch.testing.assert_close(norm.running_var.double(), reference.running_var, rtol=1e-4, atol=1e-5)


def test_training_itself_begins_and_ends_with_pytorch_s_running_statistics(tmp_path):
    trained = train(tmp_path, epochs=1, keep="last")
    x, y = training_inputs(trained), torch.from_numpy(trained.dataset.labels(trained.dataset.splits.train))
    replicas = trained.rounds[0].replicas
    state = stack_training.start(trained.shape, replicas, 1, TrainingData(x, y, x[:9], y[:9]))
    running = {name: tensor for name, tensor in state.tensors.items() if "running_" in name}
    assert len(running) == 6
    assert all((tensor == float("var" in name)).all() for name, tensor in running.items())
    kept = trained.rounds[0].state.best
    for place, replica in enumerate(replicas):
        for name, tensor in trained.networks()["trained"][replica.seed].items():
            if "running_" in name:
                assert torch.equal(tensor, kept[name][place].flatten())
    # After few steps much of the variance of 1 is left, which settled statistics have nothing of.
    settled = trained.networks()["initial"][0]["hidden.2.norm.running_var"]
    assert (trained.networks()["trained"][0]["hidden.2.norm.running_var"] > settled + 0.2).all()


@pytest.mark.parametrize("case", CASES)
def test_learning_curves_begin_with_the_net_that_is_recorded_as_initial(case, tmp_path):
    keys, dataset = CASES[case]
    trained = train(tmp_path, keys, dataset(), learning_rates=[0.1, 0.01])
    curves = trained.learning_curves().filter(pl.col("epoch") == 0)
    assert len(curves) == 2 * 2 * 2
    for row in curves.iter_rows(named=True):
        samples = dict(trained.dataset.splits.items())[row["split"]]
        network = module_of(trained, trained.networks()["initial"][row["seed"]])
        with torch.no_grad():
            logits = network(torch.from_numpy(trained.dataset.inputs(samples)))
        y = torch.from_numpy(trained.dataset.labels(samples))
        assert row["loss"] == pytest.approx(functional.cross_entropy(logits, y).item(), rel=1e-5)
        assert row["accuracy"] == pytest.approx((logits.argmax(1) == y).float().mean().item())


@pytest.mark.parametrize("case", CASES)
def test_the_accuracy_of_nets_that_are_never_trained_is_that_of_the_recorded_ones(case, tmp_path):
    keys, dataset = CASES[case]
    trained = train(tmp_path, keys, dataset(), epochs=0)
    for row in trained.accuracy_table().iter_rows(named=True):
        samples = dict(trained.dataset.splits.items())[row["split"]]
        with torch.no_grad():
            logits = module_of(trained, trained.networks()["initial"][row["seed"]])(
                torch.from_numpy(trained.dataset.inputs(samples))
            )
        assert row["accuracy"] == (logits.argmax(1).numpy() == trained.dataset.labels(samples)).mean()
        assert row["learning_rate"] is None


def test_gradients_and_local_gradients_of_a_state_are_those_of_the_recorded_net(tmp_path):
    """Evaluation mode: no sample's gradient depends on the batch that is measured with it."""
    trained = train(tmp_path / "progress", RESNET, images(), seeds=[0])
    trained.save_networks(tmp_path / "models")
    for name, few in (("gradients", Gradients(samples=7)), ("local_gradients", LocalGradients(samples=7))):
        module = import_module(f"nodescope.analyses.{name}")
        found = analyse_networks(
            {name: few},
            lambda seed, state: load_network(tmp_path / "models" / f"seed-{seed}" / f"{state}.safetensors"),
            trained.dataset, "net", [0], ["initial", "trained"], "cross_entropy",
        )  # fmt: skip
        for state in ("initial", "trained"):
            network = load_network(tmp_path / "models" / "seed-0" / f"{state}.safetensors").double()
            for norm in norms_of(network):
                assert not norm.training and norm.running_var.std() > 0
            x = training_inputs(trained).double()
            y = torch.from_numpy(trained.dataset.labels(trained.dataset.splits.train))
            chosen = np.linspace(0, 30, 7, endpoint=False).astype(int)
            table = found[name].filter(pl.col("state") == state)
            if name == "gradients":
                logits = network(x[chosen])
                expected = torch.softmax(logits, 1) - functional.one_hot(y[chosen], 3)
                row = table.filter(pl.col("name") == "output", pl.col("quantity") == "pre_activation").row(
                    0, named=True
                )
                assert row["norm"] == pytest.approx(expected.pow(2).sum(1).mean().sqrt().item(), rel=1e-9)
            else:
                measured = MeasuredNetwork(network, x, y, "cross_entropy")
                chosen_maps = module.chosen_maps(measured.linear_maps(), None, 5)
                together = module.values_of(measured, chosen_maps)
                alone = module.values_of(replace(measured, x=x[[4]], y=y[[4]]), chosen_maps)
                for (emission, _), (of_one, _) in zip(together, alone, strict=True):
                    np.testing.assert_allclose(emission[[4]], of_one, rtol=1e-9, atol=1e-15)


def test_recorded_layers_of_untrained_nets_differ_with_and_without_batch_normalisation(tmp_path):
    """The first layer's map is the same with and without; what batch normalisation makes of it is centred and scaled."""
    recorded = {}
    for batch_norm in (False, True):
        trained = train(tmp_path / f"progress-{batch_norm}", {**KEYS, "batch_norm": batch_norm}, seeds=[0])
        trained.save_networks(tmp_path / f"models-{batch_norm}")
        record_configuration(
            tmp_path / f"models-{batch_norm}", tmp_path / f"recorded-{batch_norm}", trained.dataset, "blobs", [0],
            ["initial"], positions="mean", random_inputs=0,
        )  # fmt: skip
        (path,) = (tmp_path / f"recorded-{batch_norm}").rglob("initial/train/layer-1.parquet")
        recorded[batch_norm] = read(path).z
    z = recorded[False].astype(np.float64)
    expected = (z - z.mean(1, keepdims=True)) / np.sqrt(z.var(1, ddof=1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(recorded[True], expected, rtol=1e-3, atol=1e-4)
    assert ((recorded[True] > 0) != (recorded[False] > 0)).mean() > 0.05


# --- patterns through training ---


EVERY_STEP = {"schedule": [{"every_steps": 1}], "hamming_samples": 30}


@pytest.mark.parametrize("followed", [{}, {"samples": 20}, {"split": "validation"}])
@pytest.mark.parametrize("case", CASES)
def test_nothing_evolves_while_no_weight_changes(case, followed, tmp_path):
    keys, dataset = CASES[case]
    trained = train(
        tmp_path, keys, dataset(), pattern_evolution=PatternEvolution(**EVERY_STEP, **followed), learning_rates=[1e-30],
        keep="last",
    )  # fmt: skip
    tensors = trained.networks()["trained"][0]
    moved = [t for name, t in tensors.items() if "running_mean" in name and t.abs().max() > 1e-3]
    assert len(moved) == sum("running_mean" in name for name in tensors)  # running statistics warm up all the while
    table = trained.pattern_evolution()
    assert table["step"].max() > 2
    for reference in ("initial", "final"):
        known = table.drop_nulls(f"jaccard_{reference}")  # some times only are compared with the last
        assert known["step"].n_unique() >= 4
        assert set(known[f"jaccard_{reference}"]) == set(known[f"weighted_jaccard_{reference}"]) == {1.0}
        assert set(known[f"hamming_{reference}"]) == {0.0}
    assert table.group_by("seed", "layer").agg(pl.col("entropy_bits").n_unique())["entropy_bits"].to_list() == [
        1
    ] * len(table.filter(pl.col("step") == 0))


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_with_all_training_samples_each_time_is_the_recorded_state(case, at_once, tmp_path, monkeypatch):
    if not at_once:
        monkeypatch.setattr("nodescope.networks.normalisation.BATCH_BYTES", {"cpu": 0})
    keys, dataset = CASES[case]
    trained = train(
        tmp_path, keys, dataset(), pattern_evolution=PatternEvolution(**EVERY_STEP), snapshot_steps=[1], snapshots=[1],
    )  # fmt: skip
    table = trained.pattern_evolution()
    x = training_inputs(trained)
    steps = {"initial": 0, "step-1": 1, "epoch-1": table["step"].max() // 2}
    for state, step in steps.items():
        for seed in (0, 3):
            network = module_of(trained, trained.networks()[state][seed])
            seen = []
            for layer in (m for m in network.modules() if type(m).__name__ == "HiddenActivation"):
                layer.register_forward_pre_hook(lambda _, z, seen=seen: seen.append(z[0].detach()))
            network(x)
            for layer, z in enumerate(seen, start=1):
                patterns = (z.flatten(2).transpose(1, 2).flatten(0, 1) if z.ndim > 2 else z) > 0
                counts = patterns.unique(dim=0, return_counts=True)[1].double() / len(patterns)
                row = table.filter(seed=seed, step=step, layer=layer).row(0, named=True)
                # A pre-activation within rounding of zero may fall to either side.
                assert row["entropy_bits"] == pytest.approx(-(counts * counts.log2()).sum().item(), abs=0.02)
                assert abs(row["distinct"] - len(counts)) <= 1


@pytest.mark.parametrize("network", [Network(), Network(skip_connections=True)])
def test_nets_without_batch_normalisation_are_measured_as_before(network, tmp_path):
    keys = {**KEYS, "batch_norm": False}
    trained = train(tmp_path, keys, pattern_evolution=PatternEvolution(**EVERY_STEP), network=network)
    table, x = trained.pattern_evolution(), training_inputs(trained)
    initial = initialise_stack(trained.shape, [0, 3])
    for name, tensor in initial.network_tensors(1).items():
        assert torch.equal(trained.networks()["initial"][3][name], tensor)
    patterns = []
    module = module_of(trained, initial.network_tensors(1))
    module.hidden[0].activation.register_forward_pre_hook(lambda _, z: patterns.append(z[0].detach() > 0))
    module(x)
    counts = patterns[0].unique(dim=0, return_counts=True)[1]
    row = table.filter(seed=3, step=0, layer=1).row(0, named=True)
    assert (row["distinct"], row["mode_share"]) == (len(counts), counts.max().item() / len(x))


# --- weights from a file ---


def test_a_net_from_a_file_of_weights_keeps_the_statistics_that_it_brings(tmp_path):
    brought = train(tmp_path / "first", RESNET, images(), seeds=[0]).networks()["trained"][0]
    torch.save(brought, tmp_path / "weights.pth")
    evolution = PatternEvolution(**EVERY_STEP)
    trained = train(
        tmp_path / "second", RESNET, images(), network=Network(weights=str(tmp_path / "weights.pth")), seeds=[0],
        pattern_evolution=evolution,
    )  # fmt: skip
    initial = trained.networks()["initial"][0]
    assert all(torch.equal(initial[name], tensor) for name, tensor in brought.items() if "running_" in name)
    row = trained.learning_curves().filter(pl.col("epoch") == 0, pl.col("split") == "train").row(0, named=True)
    y = torch.from_numpy(trained.dataset.labels(trained.dataset.splits.train))
    with torch.no_grad():
        loss = functional.cross_entropy(module_of(trained, brought)(training_inputs(trained)), y)
    assert row["loss"] == pytest.approx(loss.item(), rel=1e-5)
    network, seen = module_of(trained, brought), []
    network.final.activation.register_forward_pre_hook(lambda _, z: seen.append(z[0] > 0))
    with torch.no_grad():
        network(training_inputs(trained))
    counts = (
        seen[0].movedim(1, 3).flatten(0, 2).unique(dim=0, return_counts=True)[1].double() / 30 / seen[0][0, 0].numel()
    )
    last = trained.pattern_evolution().filter(step=0, layer=7).row(0, named=True)
    assert last["entropy_bits"] == pytest.approx(-(counts * counts.log2()).sum().item(), abs=0.02)
