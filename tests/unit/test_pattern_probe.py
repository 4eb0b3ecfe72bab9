"""Patterns through training: measured as the definitions say, without changing the training, and resumed as if never stopped."""

from collections import Counter

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from nodescope.config.measuring_times import EpochSteps, kept_steps, measured_steps
from nodescope.families import FAMILIES
from nodescope.messages.errors import ConfigError, DamagedFileError
from nodescope.networks import NetworkShape, build_network, initialise_stack
from nodescope.networks.hidden import HiddenActivation, hidden_layers
from nodescope.training.pattern_probe import PatternProbe, ProbeSamples
from nodescope.training.tables import PATTERN_EVOLUTION, SIMILARITIES

SAMPLES, CLASSES, BATCH = 40, 3, 8


class Rule:
    """A rule of the schedule."""

    def __init__(self, until_epoch=None, every_steps=None, every_epochs=None):
        self.until_epoch, self.every_steps, self.every_epochs = until_epoch, every_steps, every_epochs


def images(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(SAMPLES, 2, 5, 4, generator=generator), torch.arange(SAMPLES) % CLASSES


def make_network(seed=0):
    """Everything that a measurement could disturb: batch statistics, dropout, and a part that is not trained."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(2, 5, 3, padding=1, bias=False),
        nn.BatchNorm2d(5),
        HiddenActivation("relu"),
        nn.Dropout(0.3),
        nn.Conv2d(5, 70, 3, stride=2),
        nn.BatchNorm2d(70),
        HiddenActivation("leaky_relu"),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(70 * 2, 9),
        HiddenActivation("relu"),
        nn.Linear(9, CLASSES),
    )
    network[5].eval()
    return network


@pytest.fixture
def make_probe(tmp_path):
    def make(folder="kept", kept=(0, 3, 10), hamming_samples=7):
        x, labels = images()
        return PatternProbe(
            ProbeSamples(x, labels.numpy(), CLASSES),
            threshold=0.0,
            steps_per_epoch=5,
            hamming_samples=hamming_samples,
            kept_steps=list(kept),
            folder=tmp_path / folder,
        )

    return make


def train(network, steps, after_step):
    """A plain training loop, whose order and dropout come from the global random state."""
    x, y = images()
    optimiser = torch.optim.SGD(network.parameters(), 0.05, momentum=0.9)
    after_step(network, 0)
    for step in range(1, steps + 1):
        chosen = torch.randperm(SAMPLES)[:BATCH]
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(x[chosen]), y[chosen]).backward()
        optimiser.step()
        after_step(network, step)


def patterns_of(network):
    """The patterns of each layer [sample, position] as tuples, one sample at a time."""
    seen = [[] for _ in hidden_layers(network)]
    twin = make_network()
    twin.load_state_dict(network.state_dict())
    twin.eval()
    for layer, rows in zip(hidden_layers(twin).values(), seen, strict=True):
        layer.register_forward_pre_hook(lambda _, z, rows=rows: rows.append(z[0][0].reshape(len(z[0][0]), -1).T > 0))
    with torch.no_grad():
        for sample in images()[0]:
            twin(sample[None])
    return [[[tuple(row) for row in sample.tolist()] for sample in rows] for rows in seen]


def flat(rows):
    return Counter(pattern for sample in rows for pattern in sample)


def jaccards(p, q):
    either = p.keys() | q.keys()
    weighted = sum(min(p[x], q[x]) for x in either) / sum(max(p[x], q[x]) for x in either)
    return len(p.keys() & q.keys()) / len(either), weighted


def hamming(first, second):
    return np.mean([a != b for s, t in zip(first[:7], second[:7], strict=True) for u, v in zip(s, t, strict=True)
                    for a, b in zip(u, v, strict=True)])  # fmt: skip


def test_the_table_equals_sets_and_counters(make_probe):
    probe, expected = make_probe(), {}

    def after_step(network, step):
        if step in (0, 1, 3, 10):
            probe.measure(network, step, step * BATCH)
            expected[step] = patterns_of(network)

    train(make_network(), 10, after_step)
    table = probe.table()
    assert dict(table.schema) == PATTERN_EVOLUTION.schema()
    assert len(table) == 4 * 3
    assert table["layer_name"].unique(maintain_order=True).to_list() == ["2", "6", "10"]
    previous = {1: 0, 3: 1, 10: 3}
    for row in table.iter_rows(named=True):
        step, layer = row["step"], row["layer"] - 1
        now = expected[step][layer]
        counts = flat(now)
        total = sum(counts.values())
        assert (row["epoch"], row["samples_seen"]) == (step / 5, step * BATCH)
        assert (row["nodes"], row["patterns"]) == ((5, 800), (70, 80), (9, 40))[layer]
        assert (row["patterns"], row["distinct"]) == (total, len(counts))
        assert row["singletons"] == sum(n == 1 for n in counts.values())
        assert row["distinct_share"] == pytest.approx(len(counts) / total)
        assert row["mode_share"] == pytest.approx(max(counts.values()) / total)
        shares = np.array(list(counts.values())) / total
        assert row["entropy_bits"] == pytest.approx(-(shares * np.log2(shares)).sum())
        references = {"initial": 0, "previous": previous.get(step), "final": None if step == 1 else 10}
        for name, at in references.items():
            found = [row[f"{similarity}_{name}"] for similarity in SIMILARITIES]
            if at is None:
                assert found == [None] * 3
            else:
                then = expected[at][layer]
                assert found == pytest.approx([*jaccards(counts, flat(then)), hamming(now, then)])


def test_training_is_the_same_bit_for_bit_with_and_without_measuring(make_probe):
    results = []
    for probe in (None, make_probe()):
        network = make_network()
        torch.manual_seed(1)

        def after_step(network, step, probe=probe):
            if probe is not None:
                modes = [module.training for module in network.modules()]
                probe.measure(network, step, step * BATCH)
                assert [module.training for module in network.modules()] == modes
                assert not any(module._forward_pre_hooks for module in network.modules())

        train(network, 10, after_step)
        results.append((network.state_dict(), torch.get_rng_state()))
    (without, random_without), (with_probe, random_with) = results
    assert torch.equal(random_without, random_with)
    assert all(torch.equal(with_probe[name], tensor) for name, tensor in without.items())


def test_a_network_that_fails_is_left_as_it_was(make_probe):
    network = make_network()
    network[9] = nn.Linear(3, 9)  # does not fit
    modes = [module.training for module in network.modules()]
    with pytest.raises(RuntimeError):
        make_probe().measure(network, 0, 0)
    assert [module.training for module in network.modules()] == modes
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_tensors_given_beside_the_network_are_the_ones_measured(make_probe):
    other = make_network(5)
    own, given = make_probe("own"), make_probe("given")
    own.measure(other, 0, 0)
    network = make_network(0)
    given.measure(network, 0, 0, other.state_dict())
    assert given.table().equals(own.table())
    assert torch.equal(network[0].weight, make_network(0)[0].weight)


def test_a_stopped_training_goes_on_as_if_it_had_not_been(make_probe):
    whole, first, second = make_probe("whole"), make_probe("stopped"), make_probe("stopped")
    saved = {}

    def after_step(network, step):
        whole.measure(network, step, step * BATCH)
        if step == 4:
            first.measure(network, step, step * BATCH)
            saved.update({name: tensor.clone() for name, tensor in first.checkpoint().items()})
            second.restore(saved)
        elif step < 6:  # what the first measures after it was saved is lost
            first.measure(network, step, step * BATCH)
        if step > 4:
            second.measure(network, step, step * BATCH)

    train(make_network(), 10, after_step)
    assert second.table().equals(whole.table())
    assert second.table()["jaccard_final"].drop_nulls().len() == 9
    second.remove()
    with pytest.raises(DamagedFileError, match=r"step-0\.safetensors is missing"):
        make_probe("stopped").restore(saved)


def test_a_diverged_layer_is_null_and_so_is_every_comparison_with_it(make_probe):
    probe, network = make_probe(), make_network()
    probe.measure(network, 0, 0)
    with torch.no_grad():
        network[9].weight[4, 3] = torch.inf
    probe.measure(network, 3, 24)
    with torch.no_grad():
        network[9].weight[4, 3] = 0
    probe.measure(network, 10, 80)
    table = probe.table()
    known = table.filter(pl.col("layer") < 3)
    assert known["entropy_bits"].null_count() == 0
    assert known["jaccard_final"].null_count() == 0
    diverged = table.filter(pl.col("layer") == 3)
    assert diverged["nodes"].to_list() == [9] * 3
    assert diverged["entropy_bits"].is_null().to_list() == [False, True, False]
    assert diverged["distinct_share"].is_null().to_list() == [False, True, False]
    assert diverged["jaccard_previous"].is_null().to_list() == [True, True, True]
    assert diverged["jaccard_initial"].is_null().to_list() == [False, True, False]
    assert diverged["hamming_final"].is_null().to_list() == [False, True, False]


# --- when ---


def test_every_step_of_the_first_epoch_then_every_half_epoch():
    rules = [Rule(until_epoch=1, every_steps=1), Rule(every_epochs=0.5)]
    steps = measured_steps(rules, epochs=3, per_epoch=10)
    assert steps == [*range(11), 15, 20, 25, 30]
    assert kept_steps(steps, 0.5, 10) == [0, 5, 10, 15, 20, 25, 30]
    assert kept_steps(steps, 1, 10) == [0, 10, 20, 30]
    assert kept_steps([0, 4, 7, 10, 14], 0.5, 7) == [0, 4, 7, 10, 14]
    assert measured_steps([Rule(every_epochs=0.5)], 2, 7) == [0, 4, 7, 10, 14]
    assert measured_steps([Rule(every_steps=4)], 1, 10) == [0, 4, 8, 10]
    assert measured_steps([Rule(until_epoch=0.5, every_steps=2), Rule(every_epochs=1)], 2, 10) == [0, 2, 4, 15, 20]


def test_samples_seen_count_what_the_epochs_use():
    whole, less = EpochSteps.of(81, 16, skip_single=False), EpochSteps.of(81, 16, skip_single=True)
    assert (whole.steps, less.steps, EpochSteps.of(80, 16, skip_single=True).steps) == (6, 5, 5)
    assert [whole.samples_seen(step) for step in (0, 1, 5, 6, 7, 12)] == [0, 16, 80, 81, 97, 162]
    assert [less.samples_seen(step) for step in (0, 5, 6, 10)] == [0, 80, 96, 160]


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([Rule(until_epoch=4, every_steps=1)], r"schedule\[0\]: until_epoch 4 is after the last epoch \(3\)"),
        (
            [Rule(every_steps=31)],
            r"schedule\[0\]: .* after epoch 3\.1, after .* \(epoch 3, an epoch has 10 steps\); allowed",
        ),
        ([Rule(until_epoch=1, every_steps=1), Rule(every_epochs=2.5)], r"schedule\[1\]: .* after epoch 3\.5, after"),
        ([Rule(until_epoch=3, every_steps=1), Rule(every_epochs=0.5)], r"schedule\[1\]: .* or fewer rules"),
    ],
)
def test_a_schedule_beyond_the_last_step_is_an_error_that_says_so(rules, words):
    with pytest.raises(ConfigError, match=words):
        measured_steps(rules, epochs=3, per_epoch=10)


SMALLEST = {"cnn": 4, "torchvision_resnet": 18}


@pytest.mark.parametrize("model", [name for name, kind in FAMILIES.items() if kind.takes_images])
def test_every_family_of_networks_is_measured_layer_by_layer(model, tmp_path):
    shape = NetworkShape(model, (3, 16, 16), 3, SMALLEST.get(model, 8), 8, "relu", False, "kaiming_normal")
    stack, network = initialise_stack(shape, [0, 1]), build_network(shape)
    samples = ProbeSamples(torch.rand(6, 3 * 16 * 16), np.arange(6) % 3, 3)
    probe = PatternProbe(
        samples, threshold=0.0, steps_per_epoch=1, hamming_samples=6, kept_steps=[0, 1], folder=tmp_path
    )
    seen = []
    for layer in hidden_layers(network).values():
        layer.register_forward_pre_hook(lambda _, z: seen.append(z[0].shape))
    probe.measure(network, 0, 0, stack.network_views(1))
    probe.measure(network, 1, 6, stack.network_views(1))
    table = probe.table().filter(step=1)
    assert table["layer_name"].to_list() == list(hidden_layers(network))
    assert table["nodes"].to_list() == [size[1] for size in seen[: len(table)]]
    assert table["patterns"].to_list() == [size.numel() // size[1] for size in seen[: len(table)]]
    for name in ("jaccard_initial", "weighted_jaccard_previous", "jaccard_final"):
        assert table[name].to_list() == [1] * len(table)
    assert table["hamming_final"].to_list() == [0] * len(table)
    assert table["relative_entropy"].is_between(0, 1).all()
