"""Every finding comes out both ways on made-up tables, and every number that a sentence prints is computed anew."""

import doctest
import json
import math
import re
from dataclasses import replace
from importlib import import_module

import altair as alt
import numpy as np
import polars as pl
import pytest
from conftest import shared_folder
from scipy import stats

from nodescope.charts.registry import CHARTS, charts_of
from nodescope.findings import phrasing, small_charts
from nodescope.findings.collected import find_all, read_statements, write_statements
from nodescope.findings.comparisons import compare_configurations
from nodescope.findings.estimating import first_and_last_layer, first_and_last_state
from nodescope.findings.finding import CHAPTERS
from nodescope.findings.registry import CATALOGUE, declaration, declared, findings_of, registered
from nodescope.findings.studied import Studied
from nodescope.findings.text import findings_text
from nodescope.messages.errors import DamagedFileError
from nodescope.storage.columns import Quantity
from nodescope.study.axes import Axis, Configurations
from nodescope.study.contents import table_names
from nodescope.study.layout import StudyFiles

FINDINGS = registered()
SEEDS = (0, 1, 2)


# --- made-up studies --------------------------------------------------------------------------------------


def study(
    names=("relu", "tanh"), seeds=SEEDS, states=("initial", "trained"), *, classes=("cat", "dog"), axes=None, **more
):
    """A study of configurations that differ in their activation function, or in ``axes``, a mapping from name to values."""
    keys = {name: {"activation": name} for name in names} if axes is None else axes
    found = replace(Configurations.plain(keys), seeds=tuple(seeds), states=tuple(states))
    sizes = {"train": (200, 200), "validation": (50, 50), "test": (200, 200)}
    return Studied(found, tuple(classes), **({"per_class": sizes} | more))


def of_layers(values, column="value", **constants):
    """A table from {configuration: [[value of each layer] of each seed]}."""
    rows = [
        {"configuration": name, "seed": seed, "layer": layer, column: value, **constants}
        for name, seeds in values.items()
        for seed, layers in enumerate(seeds)
        for layer, value in enumerate(layers, 1)
    ]
    return pl.DataFrame(rows)


def of_networks(values, column, **constants):
    """A table from {configuration: [value of each seed]}."""
    return of_layers({name: [[value] for value in seeds] for name, seeds in values.items()}, column, **constants).drop(
        "layer"
    )


def found(name, studied, **tables):
    """What a finding says."""
    lazy = {table: frame.lazy() for table, frame in tables.items()}
    return list(import_module(f"nodescope.findings.catalogue.{name}").find(lazy, studied))


def t_interval(values):
    return stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))


def numbers(sentence):
    """Those that a sentence prints, with their signs."""
    return [float(number.replace(",", "")) for number in re.findall(r"(?<![\w.])[+-]?\d[\d,]*(?:\.\d+)?", sentence)]


# --- a case each way for every finding; each gives (study, tables) ------------------------------------------


def compared(test, samples=400, seeds=SEEDS, seed=0):
    """Answers and tables of configurations with these shares of right answers; the first is best on validation samples."""
    random = np.random.default_rng(seed)
    answers = {name: {s: random.random(samples) < p for s in seeds} for name, p in test.items()}
    rows = [
        {"configuration": name, "seed": s, "split": split, "accuracy": value}
        for i, name in enumerate(test)
        for s in seeds
        for split, value in (("train", 1.0), ("validation", 1 - i / 10), ("test", float(answers[name][s].mean())))
    ]
    studied = study(tuple(test), seeds, answers=answers, per_class={"test": (samples,)})
    accuracy = pl.DataFrame(rows)
    return studied, {
        "accuracy": accuracy,
        "comparisons": compare_configurations(accuracy, answers, studied.configurations),
    }


def best(difference):
    studied, tables = compared({"relu": 0.9, "tanh": 0.9 - difference}, seeds=SEEDS if difference else (0,))
    validated = of_networks({"relu": [0.9], "tanh": [0.9 - difference - 0.01]}, "accuracy", split="validation")
    return studied, {"comparisons": tables["comparisons"], "accuracy": validated}


def by_axis(difference):
    return compared({"relu": 0.95 - difference, "tanh": 0.95})


def one_accuracy(samples):
    studied = study(("relu",), (0,), per_class={"test": (samples,)})
    return studied, {"accuracy": of_networks({"relu": [0.95]}, "accuracy", split="test")}


def gap(train):
    accuracies = {"relu": [0.92, 0.90, 0.94], "tanh": [0.93, 0.92, 0.91]}
    rows = [of_networks(accuracies, "accuracy", split="test")]
    rows += [of_networks({n: [v + train for v in seeds] for n, seeds in accuracies.items()}, "accuracy", split="train")]
    return study(), {"accuracy": pl.concat(rows)}


def replicas(rates, chosen, *, epochs=30, diverged=None):
    rows = [
        {"configuration": "relu", "seed": seed, "learning_rate": rate, "chosen": rate == chosen, "best_epoch": 7,
         "epochs": epochs, "diverged_epoch": diverged if seed == 0 else None, "objective": "cross_entropy"}
        for rate in rates for seed in SEEDS
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"diverged_epoch": pl.Int32})


def rates(tried):
    return study(("relu",)), {"replicas": replicas(tried, 0.1)}


def curves(epochs, peaks):
    rows = [
        {"configuration": "relu", "seed": seed, "learning_rate": 0.1, "epoch": epoch, "split": split,
         "accuracy": 0.9 - abs(epoch - peak) / 100, "loss": 1.0 - epoch / 100, "mean_squared_error": None}
        for seed, peak in enumerate(peaks) for epoch in range(epochs + 1) for split in ("train", "validation")
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"mean_squared_error": pl.Float64})


def last_epochs(epochs):
    return study(("relu",)), {"replicas": replicas([0.1], 0.1), "learning_curves": curves(epochs, (epochs, 1, 2))}


def diverging(epoch):
    return study(("relu",)), {
        "replicas": replicas([0.1], 0.1, diverged=epoch),
        "learning_curves": curves(8, (7, 7, 7)),
    }


def confusion(errors):
    """[class, predicted]: counts of errors, the same in all networks; four classes."""
    rows = [
        {"configuration": "relu", "seed": seed, "state": "trained", "split": "test", "class": c, "predicted": p,
         "count": 50 if c == p else errors.get((c, p), 1)}
        for seed in SEEDS for c in range(4) for p in range(4)
    ]  # fmt: skip
    return study(("relu",), classes=("a", "b", "c", "d")), {"confusion": pl.DataFrame(rows)}


def dead(train_samples, values=None):
    shares = values or {"relu": [[10, 20], [12, 18], [11, 22]], "tanh": [[0, 0]] * 3}
    table = of_layers(shares, "dead", nodes=100, split="train", state="trained")
    return study(per_class={"train": (train_samples,)}), {"dead_nodes": table}


def norms(noise):
    axes = {
        f"relu-{depth}{'-bn' if norm else ''}": {"activation": "relu", "depth": depth, "batch_norm": norm}
        for depth in (2, 3)
        for norm in (False, True)
    }
    without = {2: [15, 16, 17], 3: [12, 12, 13]}
    values = {
        name: [
            [(60 * (seed == 1) if noise else 0) if of["batch_norm"] else without[of["depth"]][seed]] for seed in SEEDS
        ]
        for name, of in axes.items()
    }
    studied = study(axes=axes)
    table = of_layers(values, "dead", nodes=100, split="train", state="trained")
    return studied, {"dead_nodes": table}


def fates(always, early, late, states=("initial", "epoch-1", "epoch-10", "trained"), before=1.0):
    """Of each of three seeds so many nodes; ``before`` is the epoch of the state before that in which late ones are dead."""
    rows = [
        {"configuration": "relu", "seed": seed, "split": "train", "layer": 1, "node": node, "fate": fate, "since": since,
         "not_before": not_before}
        for seed in SEEDS
        for node, (fate, since, not_before) in enumerate(
            [("always_dead", 0.0, None)] * always + [("died", 1.0, 0.0)] * early + [("died", 10.0, before)] * late
            + [("stayed", 0.0, None)] * 30
        )
    ]  # fmt: skip
    return study(("relu",), states=states), {
        "node_fates": pl.DataFrame(rows, schema_overrides={"not_before": pl.Float64})
    }


def kinds(switches, always_on=0, samples=200):
    """Numbers of switches in each of two layers of 50 nodes, by seed."""
    rows = [
        {"configuration": "relu", "seed": seed, "state": "trained", "split": "train", "layer": layer, "kind": kind,
         "nodes": nodes, "share": nodes / 50}
        for seed, layers in enumerate(switches)
        for layer, switch in enumerate(layers, 1)
        for kind, nodes in (("switch", switch), ("graded", 50 - switch - always_on * layer), ("always_on", always_on * layer))
    ]  # fmt: skip
    return study(("relu",), per_class={"train": (samples,)}), {"node_kinds_summary": pl.DataFrame(rows)}


def dormant(share):
    rows = [
        {"configuration": "relu", "seed": seed, "state": "trained", "split": "train", "layer": layer, "threshold": threshold,
         "nodes": 100 * layer, "dormant_share": 0.1 + (share if threshold else 0)}
        for seed in SEEDS for layer in (1, 2) for threshold in (0.0, 0.025, 0.1)
    ]  # fmt: skip
    return study(("relu",)), {"dormant": pl.DataFrame(rows)}


def gradients(ratios, state="initial"):
    layers = {"relu": [[ratio, 0.5 + ratio / 2, 1.0] for ratio in ratios], "tanh": [[1.0, 1.0, 1.0]] * len(ratios)}
    table = of_layers(layers, "norm", state=state, quantity="activation", name="hidden")
    return study(), {"gradients": table}


def spreads(ratios):
    layers = {"relu": [[1.0, ratio] for ratio in ratios]}
    return study(("relu",)), {"statistics": of_layers(layers, "std", state="initial", split="train", kind="pre")}


def activity(leads, per_class=(200, 200)):
    """Two nodes in each of two layers; node 1 of layer 2 is on for these shares of two classes."""
    rows = [
        {"configuration": "relu", "seed": 0, "state": "trained", "split": "train", "layer": layer, "node": node, "class": c,
         "active_share": leads[c] if (layer, node) == (2, 1) else 0.5}
        for layer in (1, 2) for node in (0, 1) for c in (0, 1)
    ]  # fmt: skip
    return study(("relu",), (0,), per_class={"train": per_class}), {"activity": pl.DataFrame(rows)}


RISING = {"relu": [[0.1, 0.3, 0.5], [0.2, 0.3, 0.55], [0.15, 0.3, 0.6]], "tanh": [[0.1, 0.4], [0.1, 0.45], [0.1, 0.5]]}
NOISY = {"relu": [[0.1, 0.9], [0.9, 0.2], [0.2, 0.8]], "tanh": [[0.1, 0.2]] * 3}


def depth(table, column, scale=1.0):
    """A case with values that rise from layer to layer, or whose change is lost in the noise of the seeds."""

    def make(values):
        scaled = {name: [[scale * v for v in layers] for layers in seeds] for name, seeds in values.items()}
        return study(), {table: of_layers(scaled, column, state="trained", split="train")}

    return make


def selectivity(values, state="trained"):
    """Two nodes a layer, a little below and above the value."""
    layers = of_layers(values, "value", state=state, split="train")
    return pl.concat(
        [
            layers.with_columns(node=pl.lit(node), class_share=pl.col("value") + shift)
            for node, shift in ((0, -0.05), (1, 0.05))
        ]
    )


def training(table, column):
    """A case with values before and after training."""

    def make(after):
        before = {name: [[0.1] * len(layers) for layers in seeds] for name, seeds in after.items()}
        frames = [of_layers(v, column, state=s, split="train") for v, s in ((before, "initial"), (after, "trained"))]
        return study(), {table: pl.concat(frames)}

    return make


def selectivity_in_training(after):
    before = {name: [[0.1] * len(layers) for layers in seeds] for name, seeds in after.items()}
    return study(), {"selectivity": pl.concat([selectivity(before, "initial"), selectivity(after)])}


def kin(values):
    """Of ten nodes a layer, the share that has a counterpart."""
    rows = [
        {"configuration": name, "seed": seed, "split": "test", "layer": layer, "node": node, "other_seed": other,
         "other_state": state, "nearest_correlation": -0.95 if node < round(10 * share) else 0.5}
        for name, seeds in values.items() for seed, layers in enumerate(seeds) for layer, share in enumerate(layers, 1)
        for node in range(10) for other in SEEDS for state in ("initial", "trained")
    ]  # fmt: skip
    return study(), {"kin": pl.DataFrame(rows)}


def readout(discrete):
    systems = {"continuous": [0.96, 0.97, 0.95], "discrete": discrete}
    frames = [of_layers({"relu": [[v] for v in values]}, "accuracy", system=name, state="trained", split="test")
              for name, values in systems.items()]  # fmt: skip
    return study(("relu",)), {"layer_accuracy": pl.concat(frames)}


def saturating(samples):
    values = {"relu": [[0.95, 0.955], [0.95, 0.949], [0.8, 0.96]]}
    table = of_layers(values, "accuracy", system="continuous", state="trained", split="test")
    return study(("relu",), per_class={"test": (samples,)}), {"layer_accuracy": table}


def patterns(distinct):
    values = {"relu": [[400, distinct], [400, 399], [400, 400]]}
    return study(("relu",)), {"patterns": of_layers(values, "distinct", samples=400, state="trained", split="train")}


def evolution(last):
    rows = [
        {"configuration": "relu", "seed": seed, "step": step, "epoch": step / 10, "layer": layer, "relative_entropy": value}
        for seed in SEEDS for layer in (1, 2) for step, value in ((0, 0.4), (10, 0.5), (20, last[seed]))
    ]  # fmt: skip
    return study(("relu",)), {"pattern_evolution": pl.DataFrame(rows)}


def cka(values):
    pairs = [(0, 1), (0, 2), (1, 2)]
    rows = [
        {"configuration": "relu", "seed": a, "other_seed": b, "state": "trained", "other_state": "trained", "split": "test",
         "layer": layer, "other_layer": layer, "cka": value}
        for (a, b), layers in zip(pairs, values, strict=True) for layer, value in enumerate(layers, 1)
    ]  # fmt: skip
    return study(("relu",)), {"cka": pl.DataFrame(rows)}


def probes(before):
    rows = [
        of_layers({"relu": [[0.5, v] for v in values]}, "accuracy", state=state, split="test")
        for state, values in (("initial", before), ("trained", [0.97, 0.96, 0.98]))
    ]
    return study(("relu",)), {"probes": pl.concat(rows)}


def ablation(slopes, nodes=60, seeds=SEEDS):
    """Damage that follows selectivity with a slope for each layer, in noise."""
    random = np.random.default_rng(1)
    rows = [
        {"configuration": "relu", "seed": seed, "state": "trained", "split": "train", "layer": layer, "node": node,
         "class_share": (share := random.random()), "kind": "mean", "samples": 359, "lost": node % 3, "gained": 0,
         "loss_change": slope * share + 0.3 * random.standard_normal()}
        for seed in seeds for layer, slope in enumerate(slopes, 1) for node in range(nodes)
    ]  # fmt: skip
    table = pl.DataFrame(rows)
    return study(("relu",), seeds), {"selectivity": table, "ablation": table.drop("split", "class_share")}


def harmless(samples):
    studied, tables = ablation([0.1, 0.1])
    return studied, {"ablation": tables["ablation"].with_columns(samples=pl.lit(samples), method=pl.lit("exact"))}


def claims(verdicts):
    return study(), {"claims": pl.DataFrame({"work": ["Jones 2023"] * len(verdicts), "verdict": verdicts})}


#: For each finding a case in which it may be said, and one in which it may not.
CASES = {
    "ablation_and_selectivity": (lambda: ablation([0.0, 1.0]), lambda: ablation([0.0], nodes=20, seeds=(0,))),
    "accuracy_by_axis": (lambda: by_axis(0.2), lambda: by_axis(0.005)),
    "accuracy_saturates": (lambda: saturating(400), lambda: saturating(50)),
    "always_on": (lambda: kinds([[0, 0]] * 3, 5), lambda: kinds([[0, 0]] * 3, 5, samples=12)),
    "batch_norm_and_dead_nodes": (lambda: norms(noise=False), lambda: norms(noise=True)),
    "best_configuration": (lambda: best(0.2), lambda: best(0.0)),
    "cka_between_seeds": (
        lambda: cka([[0.9, 0.5], [0.92, 0.55], [0.91, 0.5]]),
        lambda: cka([[0.9, 0.9], [0.92, 0.91], [0.91, 0.93]]),
    ),
    "class_confusion": (lambda: confusion({(2, 3): 9}), lambda: confusion({})),
    "class_leads": (lambda: activity((0.1, 0.9)), lambda: activity((0.1, 0.9), per_class=(200, 6))),
    "collapse_by_depth": tuple(lambda v=v: depth("collapse", "nc1")(v) for v in (RISING, NOISY)),
    "dead_nodes": (lambda: dead(400), lambda: dead(12)),
    "dimension_by_depth": tuple(lambda v=v: depth("dimension", "participation_ratio", 20)(v) for v in (RISING, NOISY)),
    "divergence": (lambda: diverging(3), None),
    "dormant_nodes": (lambda: dormant(0.02), lambda: dormant(0.001)),
    "first_layer_readout": (lambda: readout([0.84, 0.86, 0.85]), lambda: readout([0.95, 0.94, 0.96])),
    "generalisation_gap": (lambda: gap(0.06), lambda: gap(0.01)),
    "gradients_to_first_layer": (lambda: gradients([1e-4, 2e-4, 1e-4]), lambda: gradients([1e-6, 30.0, 1e-2])),
    "harmless_nodes": (lambda: harmless(359), lambda: harmless(30)),
    "kept_epoch_at_end": (lambda: last_epochs(20), lambda: last_epochs(3)),
    "kin_in_other_seeds": tuple(lambda v=v: kin(v) for v in (RISING, NOISY)),
    "learning_rate_at_edge": (lambda: rates([0.001, 0.01, 0.1]), lambda: rates([0.1])),
    "oui_in_training": tuple(lambda v=v: training("oui", "oui")(v) for v in (RISING, {"relu": [[0.9], [0.0], [0.1]]})),
    "pattern_entropy_in_training": (lambda: evolution([0.6, 0.65, 0.7]), lambda: evolution([0.9, 0.1, 0.6])),
    "pattern_groups": (lambda: patterns(100), lambda: patterns(300)),
    "probes_before_training": (lambda: probes([0.7, 0.72, 0.71]), lambda: probes([0.96, 0.97, 0.965])),
    "published_claims": (lambda: claims(["holds", "holds", "cannot tell", "not run"]), lambda: claims(["cannot tell"])),
    "redundancy_by_depth": tuple(lambda v=v: depth("redundancy_summary", "redundant_share")(v) for v in (RISING, NOISY)),
    "selectivity_by_depth": tuple(lambda v=v: (study(), {"selectivity": selectivity(v)}) for v in (RISING, NOISY)),
    "selectivity_in_training": tuple(
        lambda v=v: selectivity_in_training(v) for v in (RISING, {"relu": [[0.9], [0.06], [0.1]]})
    ),
    "signal_propagation": (lambda: spreads([1e-3, 2e-3, 1e-3]), lambda: spreads([1e-6, 30.0, 1e-2])),
    "sparsity_by_depth": tuple(lambda v=v: depth("sparsity", "sparsity")(v) for v in (RISING, NOISY)),
    "sparsity_in_training": tuple(
        lambda v=v: training("sparsity", "sparsity")(v) for v in (RISING, {"relu": [[0.9], [0.0], [0.1]]})
    ),
    "switch_nodes": (lambda: kinds([[5, 30], [6, 33], [4, 35]]), lambda: kinds([[5, 30], [30, 6], [4, 35]])),
    "test_accuracy": (lambda: one_accuracy(359), lambda: one_accuracy(15)),
    "when_nodes_died": (lambda: fates(2, 8, 1), lambda: fates(1, 1, 1)),
}  # fmt: skip
#: Findings that are said whatever comes out.
ALWAYS_SAID = {"divergence"}


def of_case(name, place):
    studied, tables = CASES[name][place]()
    return studied, tables, found(name, studied, **tables)


def both_ways():
    return [(name, place) for name, cases in CASES.items() for place in (0, 1) if cases[place]]


@pytest.mark.parametrize("name", FINDINGS)
def test_every_finding_comes_out_both_ways(name):
    _, _, said = of_case(name, 0)
    assert said and all(each.said for each in said)
    if name not in ALWAYS_SAID:
        _, _, unsaid = of_case(name, 1)
        assert unsaid and not any(each.said for each in unsaid)
        assert all(each.reason and not each.reason.endswith(".") for each in unsaid)


def test_no_finding_is_left_out_of_the_cases():
    assert set(CASES) == set(FINDINGS) and len(FINDINGS) >= 15


@pytest.mark.parametrize(("name", "place"), both_ways())
def test_a_finding_is_a_sentence_with_its_number_and_a_small_chart(name, place):
    _, tables, statements = of_case(name, place)
    assert set(tables) == set(FINDINGS[name].tables)
    for each in statements:
        assert each.sentence[0] == each.sentence[0].upper() or each.sentence.startswith(("relu", "tanh", "activation"))
        assert each.sentence.endswith(".") and not re.search(r"  |None|nan|\binf\b|-0\.0+\b(?!\d)", each.sentence)
        assert not re.search(r"\b1 (\w+ )?(networks|nodes|samples|seeds|configurations|claims|errors)\b", each.sentence)
        if each.low is not None:
            assert each.high is not None and each.value is not None
            assert each.low <= each.value + 1e-12 and each.value <= each.high + 1e-12
        if each.chart is not None:
            assert (each.chart["width"], each.chart["height"]) == (220, 90)
            assert {"config", "background"}.isdisjoint(each.chart)
            alt.Chart.from_dict(json.loads(json.dumps(each.chart))).to_dict()
            assert each.chart["data"]["values"]


@pytest.mark.parametrize(("name", "place"), both_ways())
def test_the_number_of_a_finding_and_its_interval_stand_in_its_sentence(name, place):
    _, _, statements = of_case(name, place)
    for each in statements:
        if each.value is None or name in ("divergence", "published_claims", "learning_rate_at_edge", "kept_epoch_at_end",
                                          "gradients_to_first_layer", "signal_propagation", "accuracy_saturates",
                                          "batch_norm_and_dead_nodes"):  # fmt: skip
            continue  # these say it otherwise, as a count or a fraction, and are looked at one by one
        printed = [abs(number) for number in numbers(each.sentence)]
        for number in (each.value, each.low, each.high):
            if number is not None and not (each.reason and name == "best_configuration"):
                shown = abs(float(each.quantity.text(number).split()[0].replace(",", "")))
                assert shown in printed, (each.sentence, shown)


# --- the numbers, computed anew ---------------------------------------------------------------------------


def test_a_change_with_depth_is_averaged_within_each_seed_and_has_a_t_interval_over_the_seeds():
    _, _, (said,) = of_case("redundancy_by_depth", 0)
    per_seed = [np.mean([RISING[name][seed][-1] - RISING[name][seed][0] for name in RISING]) for seed in SEEDS]
    low, high = t_interval(per_seed)
    assert (said.value, said.low, said.high) == pytest.approx((np.mean(per_seed), low, high))
    first, last = (np.mean([[seed[end] for seed in RISING[name]] for name in RISING]) for end in (0, -1))
    assert said.sentence == (
        "The share of nodes that strongly correlate with another of their layer rises from "
        f"{100 * first:.1f} % in the first hidden layer to {100 * last:.1f} % in the last, averaged over 2 configurations and "
        f"3 seeds (difference {100 * np.mean(per_seed):+.1f} points, 95 % interval {100 * low:+.1f} to {100 * high:+.1f} "
        "points); it rises in both, most in activation relu (+40.0 points)."
    )


def test_a_change_that_is_lost_in_the_noise_is_not_said():
    _, _, (unsaid,) = of_case("redundancy_by_depth", 1)
    assert unsaid.reason == "the 95 % interval over the seeds includes no change"
    assert unsaid.low < 0 < unsaid.high and "no change can be told" in unsaid.sentence


def test_a_change_in_half_of_the_configurations_is_not_said_whatever_the_mean():
    values = {"relu": [[0.0, 0.9], [0.0, 0.91], [0.0, 0.92]], "tanh": [[0.3, 0.25], [0.3, 0.24], [0.3, 0.26]]}
    studied, tables = depth("sparsity", "sparsity")(values)
    (unsaid,) = found("sparsity_by_depth", studied, **tables)
    assert unsaid.reason == "only one of two configurations change in that direction" and unsaid.low > 0
    assert unsaid.sentence.endswith(": the configurations disagree.")


def test_a_small_change_is_worth_a_sentence_where_the_noise_of_the_seeds_is_known():
    """Of one seed it may be a single node."""
    seeds = [[0.10, 0.12], [0.10, 0.121], [0.10, 0.122]]
    studied, tables = depth("sparsity", "sparsity")({"relu": seeds})
    (said,) = found("sparsity_by_depth", studied, **tables)
    assert said.said and said.value == pytest.approx(0.021)
    studied, tables = depth("sparsity", "sparsity")({"relu": seeds[:1]})
    (unsaid,) = found("sparsity_by_depth", studied, **tables)
    assert unsaid.reason == "the change is smaller than 5.0 points" and unsaid.sentence.endswith(": hardly a change.")


def test_one_seed_is_said_where_all_networks_agree_and_has_no_interval():
    (said,) = found("sparsity_by_depth", study(seeds=(0,)), sparsity=of_layers(
        {"relu": [[0.1, 0.4]], "tanh": [[0.2, 0.3]]}, "sparsity", state="trained", split="train"))  # fmt: skip
    assert said.said and said.low is None
    assert said.sentence == (
        "Sparsity, the share of samples for which a living node is off, rises from 15.0 % in the first hidden layer to 35.0 % in "
        "the last, averaged over 2 configurations (difference +20.0 points); it rises in both, most in activation relu "
        "(+30.0 points)."
    )
    (unsaid,) = found("sparsity_by_depth", study(("a", "b", "c"), (0,)), sparsity=of_layers(
        {"a": [[0.1, 0.7]], "b": [[0.1, 0.5]], "c": [[0.3, 0.2]]}, "sparsity", state="trained", split="train"))  # fmt: skip
    assert (
        unsaid.reason == "with one seed there is no interval, and one of three networks do not change in that direction"
    )


def test_what_all_seeds_have_alike_is_said_as_that():
    studied, tables = depth("sparsity", "sparsity")({"relu": [[0.1, 0.4]] * 3})
    (said,) = found("sparsity_by_depth", studied, **tables)
    assert said.said and "difference +30.0 points in all three seeds)" in said.sentence


def test_the_best_configuration_is_real_or_cannot_be_told():
    studied, tables, (said,) = of_case("best_configuration", 0)
    row = tables["comparisons"].filter(~pl.col("is_best")).row(0, named=True)
    best_accuracy = np.mean([studied.answers["relu"][seed].mean() for seed in SEEDS])
    assert said.sentence == (
        f"activation relu, which is best on validation samples, classifies {100 * best_accuracy:.1f} % of the 400 test samples "
        f"correctly, more than the other configuration: the smallest lead is {-100 * row['difference']:.2f} points, or about "
        f"{round(-400 * row['difference'])} of 400 test samples (95 % interval {-100 * row['interval_high']:+.2f} to "
        f"{-100 * row['interval_low']:+.2f} points)."
    )
    assert (said.value, said.low, said.high) == (row["difference"], row["interval_low"], row["interval_high"])


def test_seeds_that_tell_nothing_are_an_important_nothing():
    studied, tables = compared({"relu": 0.9, "tanh": 0.9, "selu": 0.9})
    (said,) = found("best_configuration", studied, **tables)
    largest = max(tables["comparisons"]["difference"].drop_nulls(), key=abs)
    assert said.said and said.value == largest
    assert said.sentence.startswith(
        "Three seeds do not tell any of the other two configurations from activation relu, which is best on validation samples ("
    )
    assert f"{100 * largest:+.2f} points" in said.sentence


def test_a_tie_on_validation_samples_is_said():
    studied, tables = best(0.2)
    tied = of_networks({"relu": [0.9, 0.8, 1.0], "tanh": [0.9, 0.9, 0.9]}, "accuracy", split="validation")
    (said,) = found("best_configuration", studied, **tables | {"accuracy": tied})
    assert said.sentence.startswith(
        "activation relu, the first of two that are equally good on validation samples, classifies"
    )


def test_one_that_is_better_than_some_says_how_many():
    studied, tables = compared({"relu": 0.9, "tanh": 0.9, "selu": 0.4, "elu": 0.3})
    (said,) = found("best_configuration", studied, **tables)
    assert (
        said.said
        and "it is better than two of the three others, beyond the noise of seeds and test samples." in said.sentence
    )


def test_a_lead_of_less_than_one_sample_is_called_so():
    tables = compared({"relu": 0.9, "tanh": 0.9})[1]
    comparisons = tables["comparisons"]
    small = pl.when(~pl.col("is_best")).then(-0.001)
    (said,) = found(
        "best_configuration", study(), **tables | {"comparisons": comparisons.with_columns(difference=small)}
    )
    assert "less than one test sample" in said.sentence


def test_the_accuracy_of_one_network_has_the_interval_of_wilson():
    _, _, (said,) = of_case("test_accuracy", 0)
    p, n, u = round(0.95 * 359) / 359, 359, stats.norm.ppf(0.975)
    middle, half = (
        (p + u**2 / (2 * n)) / (1 + u**2 / n),
        u * math.sqrt(p * (1 - p) / n + u**2 / (4 * n**2)) / (1 + u**2 / n),
    )
    assert (said.low, said.high) == pytest.approx((middle - half, middle + half))
    assert said.sentence.startswith(
        "The trained network classifies 95.0 % of the 359 test samples correctly (95 % interval "
    )


def test_the_accuracy_of_several_networks_has_both_kinds_of_noise():
    values = [0.9, 0.92, 0.94]
    (said,) = found("test_accuracy", study(("relu",)), accuracy=of_networks({"relu": values}, "accuracy", split="test"))
    error = math.hypot(stats.sem(values), math.sqrt(0.92 * 0.08 / 400))
    freedom = error**4 / (stats.sem(values) ** 4 / 2)
    half = stats.t.ppf(0.975, freedom) * error
    assert (said.value, said.low, said.high) == pytest.approx((0.92, 0.92 - half, 0.92 + half))
    assert said.sentence.startswith(
        "The three trained networks classify 92.0 % of the 400 test samples correctly on average ("
    )


def test_a_study_of_several_configurations_does_not_say_the_accuracy_of_one():
    assert found("test_accuracy", study(), accuracy=of_networks({"relu": [0.9]}, "accuracy", split="test")) == []


def test_the_gap_has_the_noise_of_the_test_samples():
    _, _, (said,) = of_case("generalisation_gap", 0)
    p = np.mean([0.92, 0.90, 0.94, 0.93, 0.92, 0.91])
    half = stats.norm.ppf(0.975) * math.sqrt(p * (1 - p) / 400)  # all seeds have the same gap
    assert (said.value, said.low, said.high) == pytest.approx((0.06, 0.06 - half, 0.06 + half))
    assert said.sentence.startswith(
        "The 6 trained networks are, on average, 6.00 points more accurate on training samples than on "
    )


def test_an_axis_is_judged_on_matched_pairs_with_all_noise():
    studied, _, (said,) = of_case("accuracy_by_axis", 0)
    right = {name: np.stack([studied.answers[name][seed] for seed in SEEDS]).astype(float) for name in ("relu", "tanh")}
    d = right["tanh"].mean(1) - right["relu"].mean(1)
    error = math.hypot(stats.sem(d), (right["tanh"] - right["relu"]).mean(0).std(ddof=1) / 20)
    half = stats.t.ppf(0.975, 2) * error
    assert (said.value, said.low, said.high) == pytest.approx((d.mean(), d.mean() - half, d.mean() + half))
    assert said.part == "activation"
    assert said.sentence == (
        f"Test accuracy with activation tanh is {100 * d.mean():.2f} points higher than with activation relu "
        f"(95 % interval {100 * (d.mean() - half):+.2f} to {100 * (d.mean() + half):+.2f} points): beyond the noise of seeds and "
        "test samples."
    )


def test_of_an_axis_of_numbers_the_ends_are_compared():
    axes = {f"net-{width}": {"width": width} for width in (8, 16, 32)}
    right = {8: 0.5, 16: 0.99, 32: 0.9}
    random = np.random.default_rng(0)
    answers = {name: {s: random.random(400) < right[of["width"]] for s in SEEDS} for name, of in axes.items()}
    accuracy = of_networks({name: [0.5] * 3 for name in axes}, "accuracy", split="test")
    (said,) = found("accuracy_by_axis", study(axes=axes, answers=answers), accuracy=accuracy, comparisons=accuracy)
    assert said.sentence.startswith("Test accuracy with width 32 is ") and "with width 8" in said.sentence


def test_what_only_the_seeds_tell_is_said_of_this_test_set():
    """All seeds give the same lead of few samples: another test set may not."""
    answers = {"relu": {}, "tanh": {}}
    for seed in SEEDS:
        answers["relu"][seed] = np.arange(100) < 90
        answers["tanh"][seed] = np.arange(100) < 92 + seed % 2
    accuracy = of_networks({name: [0.9] * 3 for name in answers}, "accuracy", split="test")
    (said,) = found("accuracy_by_axis", study(answers=answers), accuracy=accuracy, comparisons=accuracy)
    assert said.said and said.sentence.endswith(
        ": the seeds agree on these 100 test samples, but other samples may not."
    )


@pytest.mark.parametrize(
    ("tried", "kept", "expected"),
    [
        ([0.001, 0.01, 0.1], 0.1, "largest that was tried (0.1) in the one configuration. A larger one may do better."),
        ([0.1, 0.5, 0.7], 0.1, "smallest that was tried (0.1) in the one configuration. A smaller one may do better."),
        ([0.01, 0.1, 0.5], 0.1, "No kept learning rate lies at an end of those that were tried."),
    ],
)
def test_a_learning_rate_at_an_end_is_named(tried, kept, expected):
    (said,) = found("learning_rate_at_edge", study(("relu",)), replicas=replicas(tried, kept))
    assert said.said and said.sentence.endswith(expected)
    assert said.value == ("No" not in expected)


def test_of_two_learning_rates_each_is_at_an_end():
    (unsaid,) = found("learning_rate_at_edge", study(("relu",)), replicas=replicas([0.01, 0.1], 0.1))
    assert unsaid.reason == "of two learning rates each is at an end"


@pytest.mark.parametrize(
    ("peaks", "expected"),
    [
        (
            (20, 1, 2),
            "1 of the 3 networks reached its best validation accuracy in the last of 20 epochs: longer training may do better.",
        ),
        (
            (20, 20, 20),
            "All three networks reached their best validation accuracy in the last of 20 epochs: longer training may do better.",
        ),
        (
            (19, 1, 2),
            "None of the 3 networks reached its best validation accuracy in the last of 20 epochs, so none was still improving.",
        ),
    ],
)
def test_networks_that_still_improve_are_counted(peaks, expected):
    tables = {"replicas": replicas([0.1], 0.1), "learning_curves": curves(20, peaks)}
    (said,) = found("kept_epoch_at_end", study(("relu",)), **tables)
    assert said.sentence == expected and said.value == pytest.approx(peaks.count(20) / 3)


def test_the_most_confused_pair_has_its_count():
    _, _, (said,) = of_case("class_confusion", 0)
    errors = 3 * (11 + 9)
    assert said.sentence == (
        f"Most often c is taken for d: 27 times among the {errors} errors of the 3 trained networks on test samples "
        f"({100 * 27 / errors:.1f} %), in 3 of the 3."
    )
    assert said.value == 27 / errors


def test_networks_without_an_error_say_so():
    studied, tables = confusion({(c, p): 0 for c in range(4) for p in range(4) if c != p})
    (said,) = found("class_confusion", studied, **tables)
    assert said.said and said.sentence == "The 3 trained networks mix none of the test samples up with another class."


def test_that_nothing_diverged_is_said_last():
    studied, tables = diverging(None)
    (said,) = found("divergence", studied, **tables)
    assert said.said and said.sentence == "None of the 3 networks diverged." and said.rank > 50
    _, _, (lost,) = of_case("divergence", 0)
    assert lost.sentence == "1 network diverged: 1 of 3 of activation relu." and lost.rank is None


def test_dead_nodes_are_counted_by_configuration():
    _, _, (said,) = of_case("dead_nodes", 0)
    shares = [0.15, 0.15, 0.165]
    low, high = t_interval(shares)
    assert (said.value, said.low, said.high) == pytest.approx((np.mean(shares), low, high))
    assert said.sentence.endswith("of its nodes; one of the two configurations has no dead node.")
    assert "off for all training samples" in said.sentence


def test_that_no_node_is_dead_is_said():
    studied, tables = dead(400, {"relu": [[0, 0]] * 3, "tanh": [[0, 0]] * 3})
    (said,) = found("dead_nodes", studied, **tables)
    assert (
        said.sentence
        == "None of the 1,200 nodes of the 6 trained networks is dead: each is on for some of the training samples."
    )
    assert said.value == 0 and said.rank > FINDINGS["dead_nodes"].rank


def test_batch_normalisation_is_judged_over_seeds_within_matched_pairs():
    _, _, (said,) = of_case("batch_norm_and_dead_nodes", 0)
    per_seed = [np.mean([-(15 + s) / 100, -[12, 12, 13][s] / 100]) for s in SEEDS]
    low, high = t_interval(per_seed)
    assert (said.value, said.low, said.high) == pytest.approx((np.mean(per_seed), low, high))
    without = -np.mean(per_seed)
    assert said.sentence == (
        f"Batch normalisation leaves no node dead; without it, {100 * without:.1f} % (95 % interval {-100 * high:.1f} to "
        f"{-100 * low:.1f} %) of the relu nodes are: 16.0 % in activation relu depth 2, 12.3 % in activation relu depth 3."
    )


def test_batch_normalisation_with_one_seed_is_not_said():
    studied, tables = norms(noise=False)
    one = {"dead_nodes": tables["dead_nodes"].filter(pl.col("seed") == 0)}
    (unsaid,) = found(
        "batch_norm_and_dead_nodes", replace(studied, configurations=replace(studied.configurations, seeds=(0,))), **one
    )
    assert unsaid.reason.startswith("with one seed") and unsaid.low is None


def test_when_nodes_died_is_counted():
    _, _, (said,) = of_case("when_nodes_died", 0)
    assert said.sentence == (
        "Of the 33 nodes dead after training of the 3 networks, six were dead before it, 24 died in the first epoch and three "
        "later: 90.9 % were dead after the first epoch."
    ) and said.value == pytest.approx(30 / 33)


def test_without_states_in_between_it_is_not_known_when_nodes_died():
    studied, tables = fates(4, 0, 6, states=("initial", "trained"), before=0.0)
    (said,) = found("when_nodes_died", studied, **tables)
    assert said.said and "first epoch" not in said.sentence and said.value == pytest.approx(0.4)
    assert "12 were dead before it, 40.0 %" in said.sentence and said.sentence.endswith(
        "; the others died during training."
    )


def test_a_death_between_two_states_around_the_first_epoch_is_not_said_to_be_later():
    studied, tables = fates(4, 2, 6, states=("initial", "epoch-10", "trained"), before=0.0)
    (said,) = found("when_nodes_died", studied, **tables)
    assert "first epoch" not in said.sentence and said.value == pytest.approx(4 / 12)


def test_of_networks_that_are_not_known_before_training_it_is_not_said_when_nodes_died():
    studied, tables = fates(2, 8, 1, states=("epoch-1", "epoch-10", "trained"))
    assert found("when_nodes_died", studied, **tables) == []


def test_nodes_that_are_always_on_are_counted():
    _, _, (said,) = of_case("always_on", 0)
    assert said.sentence == (
        "45 of the 300 nodes of the 3 trained networks (15.0 %) are on for all training samples; their share is largest in "
        "layer 2, "
        "20.0 %."
    )
    studied, tables = kinds([[0, 0]] * 3)
    (none,) = found("always_on", studied, **tables)
    assert (
        none.sentence == "None of the 300 nodes of the 3 trained networks is on for all training samples."
        and none.value == 0
    )


def test_switch_nodes_are_shares_of_layers():
    _, _, (said,) = of_case("switch_nodes", 0)
    assert said.value == pytest.approx(np.mean([25, 27, 31]) / 50)
    assert "rises from 10.0 % in the first hidden layer to 65.3 % in the last" in said.sentence


def test_kinds_that_are_not_known_are_no_finding():
    studied, tables = kinds([[5, 30]] * 3)
    unknown = tables["node_kinds_summary"].with_columns(nodes=pl.lit(None, pl.Int32), share=pl.lit(None, pl.Float64))
    assert (
        found("switch_nodes", studied, node_kinds_summary=unknown)
        == found("always_on", studied, node_kinds_summary=unknown)
        == []
    )


def test_dormant_nodes_are_those_that_are_not_silent_weighted_by_layer():
    _, _, (said,) = of_case("dormant_nodes", 0)
    assert said.value == pytest.approx(0.02) and said.sentence.startswith("2.0 % ")


def test_the_factor_of_a_gradient_is_the_geometric_mean_over_seeds():
    _, _, (said,) = of_case("gradients_to_first_layer", 0)
    decades = np.log10([1e-4, 2e-4, 1e-4])
    assert said.value == pytest.approx(10 ** decades.mean())
    assert (said.low, said.high) == pytest.approx(tuple(10.0**end for end in t_interval(decades)))
    fraction = float(f"{10 ** -decades.mean():.2g}")
    per_layer = 10 ** (-decades.mean() / 2)
    assert said.sentence.startswith(
        f"Before training, the gradient of activation relu shrinks to 1/{fraction:,.0f} of its norm on its way from the "
        f"last hidden "
        "layer to the first (95 % interval 1/"
    )
    assert said.sentence.endswith(
        f", a factor of 1/{float(f'{per_layer:.2g}'):,.0f} per layer; within a factor of ten in one of the two configurations."
    )


def test_gradients_that_stay_are_said_too():
    studied, tables = gradients([0.5, 0.5, 0.5])
    (said,) = found("gradients_to_first_layer", studied, **tables)
    assert said.said and said.value == pytest.approx(0.5)
    assert said.sentence == (
        "Before training, the norm of the gradient changes by no more than a factor of 2.0 between the last and the first hidden "
        "layer, in any configuration."
    )


def test_a_gradient_of_nothing_is_named_and_is_no_factor():
    studied, tables = gradients([0.0, 0.0, 0.0])
    nothing = tables["gradients"].with_columns(
        norm=pl.when(pl.col("configuration") == "relu").then(0.0).otherwise("norm")
    )
    (said,) = found("gradients_to_first_layer", studied, gradients=nothing)
    assert said.said and said.rank is None and said.value == pytest.approx(1)
    assert said.sentence == (
        "Before training, the norm of the gradient changes by no more than a factor of 1.00 between the last and the first hidden "
        "layer, in any other configuration. The gradient is 0 in activation relu."
    )
    (alone,) = found(
        "gradients_to_first_layer", study(("relu",)), gradients=nothing.filter(pl.col("configuration") == "relu")
    )
    assert alone.sentence == "Before training, the gradient is 0 in activation relu." and alone.value == 0


def test_activations_that_grow_are_said_as_such():
    (said,) = found("signal_propagation", study(("relu",), (0,), ("initial",)), statistics=of_layers(
        {"relu": [[1.0, 10.0, 400.0]]}, "std", state="initial", split="train", kind="pre"))  # fmt: skip
    assert said.said and said.value == pytest.approx(400)
    assert said.sentence == (
        "Before training, the spread of the pre-activations grows 400-fold from the first hidden layer to the last, a factor of 20 "
        "per layer."
    )


def test_networks_that_are_not_known_before_training_have_no_propagation():
    studied, tables = spreads([1e-3] * 3)
    assert (
        found(
            "signal_propagation",
            replace(studied, configurations=replace(studied.configurations, states=("trained",))),
            **tables,
        )
        == []
    )


def test_a_node_that_answers_to_one_class_alone_is_named_and_counted():
    _, _, (said,) = of_case("class_leads", 0)
    assert said.value == pytest.approx(0.8) and said.rank is None
    assert said.sentence == (
        "1 of the 4 nodes of the trained network answers to one class alone (on for at least 80 % of its training samples and at "
        "most 20 % of those of any other), in layer 2. The largest lead is 80.0 %: node 1 of layer 2 is on for 90.0 % of class dog "
        "and 10.0 % of class cat, the next."
    )


def test_that_no_node_answers_to_one_class_alone_says_how_near_the_nearest_comes():
    studied, tables = activity((0.5, 0.54))
    (said,) = found("class_leads", studied, **tables)
    assert said.said and said.value == pytest.approx(0.04)
    assert said.sentence.startswith("None of the 4 nodes of the trained network answers to one class alone (")
    assert (
        "The largest lead is 4.0 %: node 1 of layer 2 is on for 54.0 % of class dog and 50.0 % of class cat"
        in said.sentence
    )


def test_without_classes_there_is_no_finding_on_them():
    studied, tables = activity((0.5, 0.54))
    assert found("class_leads", replace(studied, class_names=()), **tables) == []


def test_selectivity_in_training_is_that_of_all_layers():
    _, _, (said,) = of_case("selectivity_in_training", 0)
    per_seed = [np.mean([np.mean(RISING[name][seed]) - 0.1 for name in RISING]) for seed in SEEDS]
    assert (said.low, said.high) == pytest.approx(t_interval(per_seed))
    assert "rises from 10.0 % before training to " in said.sentence


def test_the_reading_of_the_first_layer_has_the_noise_of_the_samples():
    _, _, (said,) = of_case("first_layer_readout", 0)
    d = np.array([0.12, 0.11, 0.10])
    sample_error = math.sqrt((0.96 * 0.04 + 0.85 * 0.15) / 400)
    error = math.hypot(stats.sem(d), sample_error)
    half = stats.t.ppf(0.975, error**4 / (stats.sem(d) ** 4 / 2)) * error
    assert (said.value, said.low, said.high) == pytest.approx((0.11, 0.11 - half, 0.11 + half))
    assert said.sentence == (
        "The first hidden layer alone classifies 96.0 % of the 400 test samples correctly when its values are read, and "
        "85.0 % when "
        f"only on and off are read, averaged over 3 seeds (difference +11.00 points, 95 % interval {100 * said.low:+.2f} to "
        f"{100 * said.high:+.2f} points)."
    )


def test_networks_whose_first_layer_is_as_good_as_any_are_counted():
    _, _, (said,) = of_case("accuracy_saturates", 0)
    assert said.value == pytest.approx(2 / 3)
    assert said.sentence == (
        "In two of the 3 trained networks, the first hidden layer, read by itself, is within one point of the most accurate layer "
        "on 400 test samples."
    )


@pytest.mark.parametrize(
    ("distinct", "expected"),
    [
        (
            100,
            "group the samples most in layer 2 of activation relu (seed 0): 100 different patterns for 400 training "
            "samples (25.0 %).",
        ),
        (
            398,
            "hardly group the samples: the fewest different ones are 398 for 400 training samples, in layer 2 of activation relu "
            "(seed 0).",
        ),
    ],
)
def test_patterns_group_samples_or_do_not(distinct, expected):
    studied, tables = patterns(distinct)
    (said,) = found("pattern_groups", studied, **tables)
    assert said.said and said.sentence == f"Patterns of on and off {expected}" and said.value == distinct / 400


def test_a_pair_of_seeds_counts_for_both():
    _, _, (said,) = of_case("cka_between_seeds", 0)
    changes = {(0, 1): -0.4, (0, 2): -0.37, (1, 2): -0.41}
    per_seed = [np.mean([value for pair, value in changes.items() if seed in pair]) for seed in SEEDS]
    assert (said.low, said.high) == pytest.approx(t_interval(per_seed))


def test_a_probe_is_held_against_that_before_training():
    _, _, (said,) = of_case("probes_before_training", 0)
    assert said.value == pytest.approx(0.97 - 0.71)
    assert said.sentence.startswith(
        "A linear probe on the last hidden layer classifies 97.0 % of the 400 test samples correctly, and 71.0 % before training, "
        "averaged over 3 seeds: training adds 26.00 points (95 % interval "
    )


def test_selectivity_and_damage_are_correlated_by_rank_in_each_layer():
    _, tables, (said,) = of_case("ablation_and_selectivity", 0)
    both = tables["selectivity"]
    of_layer = {
        layer: [
            stats.spearmanr(*both.filter(layer=layer, seed=seed).select("class_share", "loss_change").to_numpy().T)[0]
            for seed in SEEDS
        ]
        for layer in (1, 2)
    }
    assert said.value == pytest.approx(np.mean(of_layer[2]))
    assert (said.low, said.high) == pytest.approx(t_interval(of_layer[2]))
    assert said.sentence.startswith(
        "Nodes that are more selective for classes matter more when switched off in layer 2: "
    )
    assert (
        f"layer 1 {np.mean(of_layer[1]):+.2f}, layer 2 {np.mean(of_layer[2]):+.2f}; strongest in layer 2"
        in said.sentence
    )


def test_that_selectivity_tells_nothing_is_said_of_several_seeds():
    studied, tables = ablation([0.0, 0.0])
    (said,) = found("ablation_and_selectivity", studied, **tables)
    assert said.said
    assert said.sentence.startswith(
        "In none of the two layers does selectivity for classes tell which nodes matter when switched off: "
    )


def test_the_correlation_of_one_network_has_the_interval_of_fisher():
    studied, tables = ablation([1.0], seeds=(0,))
    (said,) = found("ablation_and_selectivity", studied, **tables)
    r = stats.spearmanr(tables["selectivity"]["class_share"], tables["selectivity"]["loss_change"])[0]
    half = stats.norm.ppf(0.975) * math.sqrt((1 + r * r / 2) / 57)
    assert (said.value, said.low, said.high) == pytest.approx(
        (r, math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half))
    )


def test_harmless_nodes_are_counted_with_the_most_damaging():
    _, tables, (said,) = of_case("harmless_nodes", 0)
    assert said.value == pytest.approx(1 / 3)
    worst = tables["ablation"].filter(pl.col("lost") == 2).sort("loss_change").row(-1, named=True)
    assert said.sentence == (
        "33.3 % of the 360 nodes of the 3 trained networks can be switched off, one at a time, without any further test "
        "sample being "
        f"classified wrongly; the most damaging, node {worst['node']} of layer {worst['layer']} of activation relu (seed "
        f"{worst['seed']}), costs 2 right answers of 359."
    )


def test_estimated_effects_are_not_said_as_if_they_were_counted():
    studied, tables = harmless(359)
    (said,) = found("harmless_nodes", studied, ablation=tables["ablation"].with_columns(method=pl.lit("logit_linear")))
    assert not said.said and said.reason == "the effect of 360 nodes is estimated, not computed"


def test_claims_are_counted_by_verdict():
    _, _, (said,) = of_case("published_claims", 0)
    assert said.sentence == (
        "Of 3 claims of Jones 2023 that this study can be held against (one more was not run), two hold and one cannot be told."
    )
    assert found("published_claims", *claims(["not run"])[:1], **claims(["not run"])[1]) == []


# --- words that fit the study ------------------------------------------------------------------------------


def of_one_seed(name):
    studied, tables = CASES[name][0]()
    one = {
        table: frame.filter(pl.col("seed") == 0) if "seed" in frame.columns else frame
        for table, frame in tables.items()
    }
    configurations = replace(studied.configurations, seeds=(0,))
    answers = {n: {0: seeds[0]} for n, seeds in studied.answers.items() if 0 in seeds}
    return replace(studied, configurations=configurations, answers=answers), one


@pytest.mark.parametrize(
    "name", sorted(set(FINDINGS) - {"best_configuration", "cka_between_seeds", "kin_in_other_seeds"})
)
def test_one_seed_has_no_mean_and_no_seed_is_named(name):
    """But where its difference from the best is not said for that, or where seeds are compared."""
    studied, tables = of_one_seed(name)
    for each in found(name, studied, **tables):
        assert not re.search(r"\bseeds\b|\(seed|average over", each.sentence.replace("noise of seeds", "")), (
            each.sentence
        )
        assert "averaged over 1 " not in each.sentence


@pytest.mark.parametrize("name", sorted(set(FINDINGS) - {f.name for f in FINDINGS.values() if f.needs_training}))
def test_networks_that_are_not_trained_are_not_called_trained(name):
    studied, tables = CASES[name][0]()
    initial = {
        table: frame.with_columns(pl.lit("initial").alias("state")) if "state" in frame.columns else frame
        for table, frame in tables.items()
    }
    untrained = replace(studied, configurations=replace(studied.configurations, states=("initial",)))
    for each in found(name, untrained, **initial):
        assert not re.search(r"(?<!un)trained|after training", each.sentence), each.sentence


def test_findings_on_training_are_not_looked_for_without_training():
    studied, tables = one_accuracy(359)
    lazy = {name: frame.lazy() for name, frame in tables.items()}
    untrained = replace(studied, configurations=replace(studied.configurations, states=("initial",)))
    assert find_all(lazy, untrained) == [] and [each.name for each in find_all(lazy, studied)] == ["test_accuracy"]


def test_a_study_without_tables_has_no_findings():
    assert find_all({}, study()) == []


@pytest.mark.parametrize(("name", "place"), both_ways())
def test_tables_without_rows_or_values_are_no_finding(name, place):
    studied, tables = CASES[name][place]()
    empty = {table: frame.clear() for table, frame in tables.items()}
    assert found(name, studied, **empty) == []
    keys = (
        "seed",
        "layer",
        "node",
        "class",
        "predicted",
        "samples",
        "nodes",
        "epochs",
        "epoch",
        "step",
        "other_seed",
        "other_layer",
        "threshold",
    )
    unknown = {
        table: frame.with_columns(
            pl.when(pl.lit(value=False)).then(column).alias(column)
            for column, dtype in frame.schema.items()
            if dtype.is_numeric() and column not in keys
        )
        for table, frame in tables.items()
    }
    for each in found(name, studied, **unknown):
        # Of these the values are words, or columns that name rows elsewhere.
        assert name in ("when_nodes_died", "published_claims", "divergence", "learning_rate_at_edge", "always_on"), (
            each.sentence
        )


# --- changes between layers, and in training ------------------------------------------------------------------


def test_a_network_whose_last_layer_is_not_known_has_no_change_over_layers():
    frame = of_layers({"relu": [[0.1, 0.6, None], [0.1, None, 0.5]]})
    assert first_and_last_layer(frame, "value").select("seed", "first", "last").rows() == [(1, 0.1, 0.5)]


def test_layers_that_are_not_known_in_both_states_do_not_count_in_a_change():
    frame = pl.concat([
        of_layers({"relu": [[0.2, 0.2, None]]}, state="initial"), of_layers({"relu": [[0.2, 0.3, 0.9]]}, state="trained"),
    ])  # fmt: skip
    (row,) = first_and_last_state(frame, "value", "initial", "trained").rows(named=True)
    assert (row["first"], row["last"]) == (pytest.approx(0.2), pytest.approx(0.25))


# --- how they are declared, kept and written -----------------------------------------------------------------


def test_what_is_read_from_the_sources_is_what_the_modules_declare():
    assert set(FINDINGS) == {path.stem for path in CATALOGUE.glob("*.py")} - {"__init__"}
    for name, finding in FINDINGS.items():
        module = import_module(f"nodescope.findings.catalogue.{name}")
        assert replace(module.FINDING, name=name) == finding and module.__doc__


def test_findings_need_tables_and_point_to_charts_that_there_are(small_study):
    known = set(table_names(small_study)) | {"pattern_evolution", "claims"}
    for finding in FINDINGS.values():
        assert set(finding.tables) <= known, finding.name
        assert not finding.figure or finding.figure in CHARTS, finding.name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no `FINDING = Finding"),
        ('FINDING = Finding(chapter="elsewhere", rank=1, tables=())', "the chapter 'elsewhere'"),
    ],
)
def test_a_module_without_a_declaration_is_named(tmp_path, text, said):
    (tmp_path / "new.py").write_text(text, encoding="utf-8")
    with pytest.raises(TypeError, match=said):
        declaration(tmp_path / "new.py")


def test_findings_are_in_the_order_of_their_ranks(tmp_path):
    for name, rank in (("b", 2), ("a", 2), ("c", 1)):
        (tmp_path / f"{name}.py").write_text(
            f'FINDING = Finding(chapter="nodes", rank={rank}, tables=("x",))\n', encoding="utf-8"
        )
    assert list(declared(tmp_path)) == ["c", "a", "b"]
    assert [each.name for each in findings_of(["claims"])] == ["published_claims"]


@pytest.fixture
def statements():
    studied, tables = compared({"relu": 0.9, "tanh": 0.9})
    return find_all({name: frame.lazy() for name, frame in tables.items()}, studied, ["comparisons"])


def test_what_may_be_said_comes_first_by_rank_and_points_to_charts_of_the_study(statements):
    assert {each.name for each in statements} == {
        "best_configuration",
        "accuracy_by_axis.activation",
        "generalisation_gap",
    }
    assert [(not each.said, each.rank) for each in statements] == sorted(
        (not each.said, each.rank) for each in statements
    )
    assert {each.name: each.figure for each in statements}["best_configuration"] == "comparisons"
    assert {each.name: each.figure for each in statements}["generalisation_gap"] is None
    assert all(
        each.chapter in CHAPTERS and set(each.quantity) == {"title", "unit", "scale", "format"} for each in statements
    )


def test_findings_are_kept_as_they_are(tmp_path, statements):
    write_statements(tmp_path / "findings.json", statements)
    assert read_statements(tmp_path / "findings.json") == statements
    kept = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))["findings"]
    assert {"name", "chapter", "sentence", "value", "low", "high", "quantity", "figure", "view", "chart", "rank", "said",
            "reason"} == set(kept[0])  # fmt: skip
    with pytest.raises(DamagedFileError):
        read_statements(tmp_path / "elsewhere.json")


def test_the_text_says_what_can_be_said_and_what_cannot_and_why(statements):
    text = findings_text("a_b", {"digits": statements, "none": []})
    said, _, unsaid = text.partition("### What cannot be said")
    assert text.startswith("# a\\_b: findings\n\n")
    for each in statements:
        assert each.sentence.replace("_", "\\_") in (said if each.said else unsaid)
        assert each.said or f"*Not said: {each.reason}.*" in unsaid
    assert text.rstrip().endswith("## none\n\nNothing can be said of this study.")


@pytest.mark.parametrize("module", [phrasing, small_charts])
def test_the_examples_of_words_and_names_are_true(module):
    done = doctest.testmod(module)
    assert done.attempted >= 2 and not done.failed


def test_a_value_is_printed_with_its_unit(statements):
    first = statements[0]
    assert first.text == Quantity("", "points", format="+.2f", scale=100.0).text(first.value)


def test_names_of_axes_of_the_families_read_as_they_do_elsewhere():
    """``with BN`` and ``without BN`` are no "with with BN"."""
    axis = Axis("batch_norm", "batch normalisation", (False, True), ("without BN", "with BN"), rank=2)
    configurations = Configurations(
        (axis,), {"plain": {"batch_norm": False}, "bn": {"batch_norm": True}}, SEEDS, ("initial", "trained")
    )
    random = np.random.default_rng(0)
    answers = {name: {s: random.random(400) < p for s in SEEDS} for name, p in (("plain", 0.5), ("bn", 0.9))}
    accuracy = of_networks({name: [0.5] * 3 for name in answers}, "accuracy", split="test")
    (said,) = found(
        "accuracy_by_axis", Studied(configurations, ("a", "b"), {}, answers), accuracy=accuracy, comparisons=accuracy
    )
    assert said.sentence.startswith("Test accuracy with BN is ") and " higher than without BN (" in said.sentence


# --- of a real study ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(small_tables, small_study, tmp_path_factory):
    """What is found in the small study, by name; one of its networks diverged."""
    files = StudyFiles.of(small_study.name, shared_folder(tmp_path_factory) / "small")
    return {each.name: each for each in read_statements(files.findings)}


def test_a_real_study_has_findings_of_every_chapter(real):
    assert {each.chapter for each in real.values()} == set(CHAPTERS) - {"literature"}  # its claims are of other data
    assert sum(each.said for each in real.values()) >= 10 and not all(each.said for each in real.values())
    for each in real.values():
        assert not re.search(r"None|nan|\binf\b|missing", each.sentence), each.sentence


def test_what_diverged_is_said_first(real):
    first = min(real.values(), key=lambda each: each.rank)
    assert first.name == "divergence" and "relu 2x6 without BN" in first.sentence


def test_dead_nodes_of_a_real_study_are_those_of_its_table(real, small_tables):
    dead = small_tables["dead_nodes"].filter(split="train", state="trained").drop_nulls("dead")
    shares = dead.group_by("configuration", "seed").agg(value=pl.col("dead").sum() / pl.col("nodes").sum())
    largest = shares.group_by("configuration").agg(pl.col("value").mean())["value"].max()
    assert real["dead_nodes"].value == pytest.approx(largest)
    assert Quantity("", "%", format=".1f", scale=100.0).text(largest) in real["dead_nodes"].sentence


def test_figures_and_views_are_those_of_the_study(real, small_study, small_tables):
    charts = {chart.name for chart in charts_of(small_study)}
    assert {each.figure for each in real.values()} <= charts | {None} and any(each.figure for each in real.values())
    for each in real.values():
        assert set(each.view) <= {"state", "split"} and each.view.get("state", "trained") in ("initial", "trained")
