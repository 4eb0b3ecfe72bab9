"""What single nodes do: every measure against a slow reference in float64, and the laws that it must keep."""

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from conftest import random_layer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_analyses import OPTIONS, measure, value
from test_other_recordings import NODES, plain, recorded, texts

from nodescope.analyses import dormant, node_fates, node_kinds, node_order, oui, redundancy, registered
from nodescope.measuring.recordings import RecordedNetworks
from nodescope.measuring.runner import all_tables
from nodescope.measuring.runner import measure as measured
from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS
from nodescope.numerics.ordering import ascending, class_aucs
from nodescope.recording import LayerMetadata, Summary, write
from nodescope.recording.values import AllValues
from nodescope.study.layout import activation_path

laws = settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)


def special_layer(seed=0, samples=90):
    """Random nodes with a dead, an always on, a constant, a two-valued and a rarely-on one in front."""
    splits = random_layer(seed, nodes=9, samples=samples)
    random = np.random.default_rng(seed)
    for z, labels in splits.values():
        z[0] = -1 - random.random(len(labels))
        z[1] = 1 + random.random(len(labels))
        z[2] = 0.5
        z[3] = np.where(labels == 1, 3.0, -3.0) + 0.01 * random.normal(size=len(labels))
        z[4] = -1
        z[4, :1] = 0.2
    return splits


def of(frame, node, column, split="train"):
    return value(frame, column, split=split, node=node)


# --- kinds ---


def reference_kind(z, a, bounds, t=0.0, stuck=0.95, switch=0.8, tolerance=0.05):
    on = z > t
    p = on.mean()
    if p == 0:
        return "dead"
    if p == 1:
        return "always_on"
    if a.max() - a.min() <= 1e-6 * max(1, abs(a).max()):
        return "constant"
    if None not in bounds and max((abs(a - b) <= tolerance).mean() for b in bounds) >= stuck:
        return "saturated"
    return "switch" if p * (1 - p) * (a[on].mean() - a[~on].mean()) ** 2 / a.var() >= switch else "graded"


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "gelu", "prelu"])
def test_kinds_equal_the_definition(make_layer, activation):
    splits = special_layer()
    frame = measure("node_kinds", make_layer(splits, activation=activation), splits=["train", "test"])
    function = ACTIVATION_FUNCTIONS[activation]
    seen = set()
    for split in ("train", "test"):
        z = splits[split][0].astype(np.float64)
        a = function.apply(z)
        for node in range(len(z)):
            seen.add(of(frame, node, "kind", split))
            assert of(frame, node, "kind", split) == reference_kind(z[node], a[node], function.bounds)
            on = z[node] > 0
            assert of(frame, node, "on_share", split) == pytest.approx(on.mean())
            if 0 < on.mean() < 1 and np.ptp(a[node]) > 1e-6:
                explained = on.mean() * (1 - on.mean()) * (a[node][on].mean() - a[node][~on].mean()) ** 2
                assert of(frame, node, "switch_share", split) == pytest.approx(explained / a[node].var(), rel=1e-5)
            else:
                assert of(frame, node, "switch_share", split) is None
    assert {"dead", "always_on", "graded"} <= seen


def test_a_node_that_is_stuck_at_a_bound_is_saturated_and_a_dead_one_says_so_in_its_form(make_layer):
    splits = special_layer()
    z, _ = splits["train"]
    z[5], z[6] = 8, -8
    z[5, 0], z[6, :2] = -1, (-7, -7.5)
    frame = measure("node_kinds", make_layer(splits, activation="sigmoid"))
    assert of(frame, 5, "kind") == of(frame, 5, "form") == "saturated"
    assert (of(frame, 6, "kind"), of(frame, 6, "form")) == ("dead", "saturated")
    assert (of(frame, 0, "kind"), of(frame, 0, "form")) == ("dead", "graded")
    assert of(frame, 4, "rare") is (node_kinds.RARE > 1 / 90)


@laws
@given(seed=st.integers(0, 1000))
def test_kinds_partition_the_nodes_and_dead_ones_are_those_of_dead_nodes(make_layer, seed):
    layer = make_layer(special_layer(seed))
    frame = measure("node_kinds", layer)
    assert set(frame["kind"]) <= set(node_kinds.KINDS)
    assert (frame["kind"] == "dead").sum() == measure("dead_nodes", layer, splits=["train"])["dead"][0]
    summary = node_kinds.of_layers(frame.with_columns(layer=1).select("split", "layer", pl.exclude("split", "layer")))
    assert summary["nodes"].sum() == 9 and summary["share"].sum() == pytest.approx(1)
    assert summary["kind"].to_list() == [*node_kinds.KINDS, node_kinds.OTHER]
    assert summary["share"].null_count() == 0 and summary["nodes"][-1] == 0


# --- selectivity ---


def reference_selectivity(a, labels, classes):
    own = [a[labels == c] for c in range(classes) if (labels == c).any()]
    means = np.array([v.mean() for v in own])
    total = ((a - a.mean()) ** 2).sum()
    between = sum(len(v) * (v.mean() - a.mean()) ** 2 for v in own)
    best = means.argmax()
    others = np.delete(means, best).mean()
    index = (means[best] - others) / (means[best] + others) if means.min() >= 0 and means[best] + others > 0 else None
    return between / total if total > 1e-9 else None, index


def reference_auc(inside, outside):
    d = inside[:, None] - outside[None, :]
    return (d > 0).mean() + (d == 0).mean() / 2


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "silu"])
def test_selectivity_equals_the_definition(make_layer, activation):
    splits = special_layer()
    found = all_tables("selectivity", make_layer(splits, activation=activation), OPTIONS["selectivity"])
    frame, of_classes = found["selectivity"], found["class_aucs"]
    for split in ("train", "test"):
        z, labels = splits[split]
        a = ACTIVATION_FUNCTIONS[activation].apply(z.astype(np.float32)).astype(np.float64)
        for node in range(len(z)):
            share, index = reference_selectivity(a[node], labels, 3)
            assert of(frame, node, "class_share", split) == (share if share is None else pytest.approx(share, rel=1e-9))
            found = of(frame, node, "selectivity_index", split)
            assert found == (index if index is None else pytest.approx(index, rel=1e-9, abs=1e-12))
            aucs = [reference_auc(a[node, labels == c], a[node, labels != c]) for c in range(3)]
            each = of_classes.filter(split=split, node=node).sort("class")["auc"].to_list()
            assert each == ([None] * 3 if share is None else pytest.approx(aucs, abs=1e-12))
            for end, best in (("preferred", max(aucs)), ("avoided", min(aucs))):
                expected = None if share is None else pytest.approx(best, abs=1e-12)
                assert of(frame, node, f"auc_{end}", split) == expected
                assert of(frame, node, f"auc_{end}_class", split) == (None if share is None else aucs.index(best))
            joint = np.array([[((z[node] > 0) == on)[labels == c].sum() for c in range(3)] for on in (0, 1)]) / len(
                labels
            )
            expected = joint.sum(1, keepdims=True) * joint.sum(0)
            terms = joint[joint > 0] * np.log2(joint[joint > 0] / expected[joint > 0])
            assert of(frame, node, "theta_information", split) == pytest.approx(terms.sum(), abs=1e-12)
            if share is None:
                continue
            means = [a[node, labels == c].mean() for c in range(3)]
            assert means[of(frame, node, "preferred_class", split)] == pytest.approx(max(means))
            assert means[of(frame, node, "avoided_class", split)] == pytest.approx(min(means))
    constant = frame.filter(pl.col("class_share").is_null())
    assert len(constant) and constant.select(
        "preferred_class", "second_class", "avoided_class", "margin"
    ).null_count().row(0) == ((len(constant),) * 4)
    localist = frame.filter(split="train", node=3)
    assert localist["auc_preferred"][0] == 1 and localist["auc_preferred_class"][0] == 1
    assert localist["top_precision"][0] == 1


@laws
@given(
    seed=st.integers(0, 1000), scale=st.floats(0.5, 4), offset=st.integers(-3, 3), relabelled=st.permutations(range(3))
)
def test_areas_keep_to_their_laws(seed, scale, offset, relabelled):
    random = np.random.default_rng(seed)
    labels = np.sort(random.integers(0, 3, 50)).astype(np.int32)
    a = np.round(random.normal(size=50), 1).astype(np.float32)  # with ties
    found = class_aucs(a[None], labels, 3)
    np.testing.assert_allclose(class_aucs(-a[None], labels, 3), 1 - found, atol=1e-12)
    np.testing.assert_allclose(class_aucs(np.exp(np.float32(scale) * a[None]) + offset, labels, 3), found, atol=1e-12)
    renamed = np.array(relabelled, np.int32)[labels]
    np.testing.assert_allclose(class_aucs(a[None], renamed, 3)[:, relabelled], found, atol=1e-12)
    np.testing.assert_allclose(class_aucs(np.tile(a[None], 2), np.tile(labels, 2), 3), found, atol=1e-12)


@laws
@given(seed=st.integers(0, 1000))
def test_areas_of_long_rows_are_those_of_short_ones(seed, monkeypatch):
    random = np.random.default_rng(seed)
    labels = np.sort(random.integers(0, 3, 40)).astype(np.int32)
    values = np.maximum(np.round(random.normal(size=(5, 40)), 1), 0).astype(np.float32)
    found = class_aucs(values, labels, 4)
    with monkeypatch.context() as patched:
        patched.setattr("nodescope.numerics.ordering.LONG", 0)
        np.testing.assert_array_equal(class_aucs(values, labels, 4), found)


@given(values=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=60))
def test_places_are_those_of_a_stable_sort(values):
    array = np.array(values, np.float32)
    assert ascending(array).tolist() == np.argsort(array, kind="stable").tolist()


def test_an_absent_class_is_left_out_and_one_class_alone_is_not_enough(make_layer):
    splits = special_layer()
    z, labels = splits["test"]
    splits["test"] = (z[:, labels != 1], labels[labels != 1])
    splits["train"] = (splits["train"][0][:, splits["train"][1] == 0], np.zeros((splits["train"][1] == 0).sum(), int))
    frame = measure("selectivity", make_layer(splits))
    two, one = frame.filter(split="test"), frame.filter(split="train")
    assert two["class_share"].count() == two["preferred_class"].count() == 6
    assert set(two["preferred_class"].drop_nulls()) <= {0, 2}
    a = np.maximum(z, 0)[5, labels != 1].astype(np.float64)
    assert of(frame, 5, "class_share", "test") == pytest.approx(reference_selectivity(a, labels[labels != 1], 3)[0])
    assert all(one[c].null_count() == len(one) == 9 for c in one.columns if c not in ("split", "node"))


# --- top samples ---


@pytest.mark.parametrize("k", [4, 500])
def test_top_samples_equal_the_definition_and_are_no_more_than_there_are(make_layer, k):
    splits = special_layer()
    frame = measure("top_samples", make_layer(splits), samples=k)
    z, labels = splits["test"]
    n = len(labels)
    for node in range(len(z)):
        rows = frame.filter(node=node)
        for end in ("most", "least", "spread"):
            found = rows.filter(end=end)
            assert found["rank"].to_list() == list(range(1, min(k, n) + 1))
            if np.ptp(z[node]) < 1e-6:
                assert found["sample"].null_count() == found["z"].null_count() == len(found)
                continue
            falling = np.lexsort((np.arange(n), -z[node]))
            rising = np.lexsort((np.arange(n), z[node]))
            spread = np.round((np.arange(len(found)) + 0.5) * n / len(found) - 0.5).astype(int)
            expected = {"most": falling[: len(found)], "least": rising[: len(found)], "spread": falling[spread]}[end]
            assert found["sample"].to_list() == expected.tolist()
            assert found["label"].to_list() == labels[expected].tolist()
            assert found["z"].to_list() == z[node, expected].tolist()


def test_top_samples_of_tokens_are_by_their_largest_and_say_where_it_is(tmp_path):
    splits = texts()
    frame = measure("top_samples", recorded(tmp_path, splits), samples=3)
    samples, _ = splits["test"]
    for node in range(NODES - 1):
        largest = [float(z[node].max()) for z in samples]
        best = int(np.argmax(largest))
        row = frame.filter(node=node, end="most", rank=1).row(0, named=True)
        assert (row["sample"], row["position"]) == (best, int(samples[best][node].argmax()))
        assert row["z"] == pytest.approx(largest[best])
    assert frame.filter(node=NODES - 1)["sample"].null_count() == 9


# --- fates ---


@pytest.mark.parametrize(
    ("dead", "expected"),
    [
        ("DD", "always_dead"), ("-D", "died"), ("D-D", "died"), ("D-", "woke"), ("-D-", "revived"), ("--", "stayed"), ("-", None),
    ],
)  # fmt: skip
def test_a_fate_says_what_became_of_a_node(dead, expected):
    is_dead = [sign == "D" for sign in dead]
    kinds = ["dead" if d else "graded" for d in is_dead]
    assert node_fates.fate(kinds, is_dead) == expected
    if expected in ("died", "woke"):
        assert {expected, node_fates.fate(kinds[::-1], is_dead[::-1])} <= {"died", "woke"}
    if len(dead) == 2 and expected in ("died", "woke"):
        assert node_fates.fate(kinds[::-1], is_dead[::-1]) != expected


def test_a_fate_needs_the_kinds_only_where_they_decide():
    assert node_fates.fate(["switch", "graded"], [False, False]) == "became"
    assert node_fates.fate([None, None], [False, False]) == "alive"
    assert node_fates.fate([None, "dead"], [False, True]) == "died"
    assert node_fates.fate([None, None], [None, False]) is None


def write_states(folder, states, labels, activation="relu", seeds=(0,)):
    """States {name: z [J, N]} of one layer; of each further seed the nodes are in the opposite order."""
    order = np.argsort(labels, kind="stable")
    metadata = LayerMetadata("made", "layer-1", activation, (len(next(iter(states.values()))),), ("a", "b", "c"))
    for seed in seeds:
        for state, z in states.items():
            for split in ("train", "test"):
                path = str(activation_path(str(folder), seed, state, split, 1))
                rows = z[::-1] if seed else z
                write(
                    path,
                    np.ascontiguousarray(rows[:, order], np.float32),
                    labels[order].astype(np.int32),
                    order.astype(np.int32),
                    metadata,
                )
    return RecordedNetworks(str(folder), seeds, tuple(states), 0.0, dict.fromkeys(seeds, 7))


def changing(seed=0):
    splits = random_layer(seed, nodes=6)
    z, labels = splits["train"]
    states = {name: z.copy() for name in ("initial", "epoch-1", "epoch-10", "trained")}
    states["epoch-1"][0] = states["trained"][0] = -1 - np.abs(z[0])  # died
    states["initial"][1] = states["epoch-1"][1] = -2 + 0.1 * np.tanh(z[1])  # woke
    states["epoch-1"][2] = -1  # revived
    states["epoch-10"] = -np.abs(z) - 1  # later than what is kept
    for state in states.values():
        state[3] = -1 - np.abs(state[3])  # always dead
    return states, labels


def test_fates_follow_the_epochs_of_the_parameters_up_to_the_kept_one(tmp_path):
    states, labels = changing()
    frame = measured("node_fates", write_states(tmp_path, states, labels))
    assert frame["fate"].to_list()[:5] == ["died", "woke", "revived", "always_dead", "stayed"]
    assert frame["since"].to_list()[:5] == [1, 7, 7, 0, 0]
    assert frame["not_before"].to_list()[:5] == [0, 1, 1, None, None]
    assert frame["changes"].to_list()[:5] == [1, 1, 2, 0, 0]
    assert set(frame["states"]) == {3}
    first, last = (states[name].astype(np.float64) for name in ("initial", "trained"))
    for node in range(6):
        assert frame["theta_change"][node] == np.mean((first[node] > 0) != (last[node] > 0))
        assert frame["z_correlation"][node] == pytest.approx(np.corrcoef(first[node], last[node])[0, 1], abs=1e-6)
    assert (
        node_fates.fate([None, None], [False, False]) == "alive"
        and node_fates.fate([None, None], [None, False]) is None
    )
    summary = node_fates.of_layers(frame)
    assert summary["nodes"].sum() == 6 and set(summary["fate"]) == set(node_fates.FATES)


def test_states_after_steps_stand_where_their_steps_lie_in_the_training(tmp_path):
    states, labels = changing()
    steps = {"initial": "initial", "step-2": "epoch-1", "step-999": "epoch-10", "trained": "trained"}
    named = {step: states[epoch] for step, epoch in steps.items()}
    networks = replace(write_states(tmp_path, named, labels), batch_size=16)
    n = len(labels)
    assert networks.epoch(0, "step-2") == 2 / math.ceil(n / 16) < 1 and networks.epoch(0, "step-999") > 7
    frame = measured("node_fates", networks)
    assert frame["fate"].to_list()[:5] == ["died", "woke", "revived", "always_dead", "stayed"]
    assert frame["since"][0] == networks.epoch(0, "step-2") and frame["not_before"][0] == 0
    assert set(frame["states"]) == {3}
    assert replace(networks, batch_size="all").epoch(0, "step-2") == 2
    assert replace(networks, batch_size=None).epoch(0, "step-2") is None


@given(st.permutations(["step-1", "step-30", "epoch-1", "epoch-2", "epoch-9"]))
def test_states_are_in_the_order_of_their_epochs_however_they_are_listed(listed):
    epochs = {"step-1": 0.1, "step-30": 3.0, "epoch-1": 1.0, "epoch-2": 2.0, "epoch-9": 9.0}
    given_states = {"initial": 0.0} | {state: epochs[state] for state in listed} | {"trained": 5.0}
    found = [state for state, _ in node_fates.states_before(given_states)]
    assert found == ["initial", "step-1", "epoch-1", "epoch-2", "step-30", "trained"]


def test_one_state_and_a_diverged_one_have_no_fate(tmp_path):
    states, labels = changing()
    alone = measured("node_fates", write_states(tmp_path / "one", {"trained": states["trained"]}, labels))
    assert len(alone) == 6 and alone["fate"].null_count() == alone["theta_change"].null_count() == 6
    states["trained"] = np.full_like(states["trained"], np.nan)
    lost = measured("node_fates", write_states(tmp_path / "lost", states, labels))
    assert len(lost) == 6 and lost["fate"].null_count() == lost["z_correlation"].null_count() == 6


# --- kin ---


def test_kin_are_found_in_other_states_and_seeds(tmp_path):
    states, labels = changing()
    networks = write_states(tmp_path, states, labels, activation="identity", seeds=(0, 1))
    frame = measured("kin", networks)
    of_seed = frame.filter(seed=0, other_seed=1)
    # The other seed has the same nodes in the opposite order.
    assert of_seed["nearest"].to_list() == [5, 4, 3, 2, 1, 0] and set(of_seed["other_state"]) == {"trained"}
    assert (
        of_seed["nearest_correlation"].to_list() == pytest.approx([1] * 6) and of_seed["same_correlation"].count() == 0
    )
    kept, initial = (states[name].astype(np.float32).astype(np.float64) for name in ("trained", "initial"))
    expected = np.corrcoef(np.vstack([kept, initial]))[:6, 6:]
    rows = frame.filter(seed=0, other_seed=0, other_state="initial")
    assert rows["nearest"].to_list() == np.abs(expected).round(9).argmax(axis=1).tolist()
    np.testing.assert_allclose(rows["same_correlation"], np.diag(expected), atol=1e-9)
    constant = frame.filter(seed=0, other_state="epoch-1")
    assert constant["same_correlation"][2] is None and constant["nearest"].null_count() == 0


@pytest.mark.parametrize(("limit", "others"), [(0, set()), (1, {1}), (2, {1, 2}), (9, {1, 2, 3})])
def test_each_seed_is_compared_with_so_many_that_follow_it(tmp_path, limit, others):
    states, labels = changing()
    networks = write_states(tmp_path, {"trained": states["trained"]}, labels, seeds=(0, 1, 2, 3))
    frame = measured("kin", networks, registered()["kin"].options(seeds=limit))
    assert set(frame.filter(seed=0)["other_seed"]) == others
    assert len(frame) == 4 * len(others) * 6


def test_samples_without_classes_have_no_label(tmp_path):
    layer = recorded(tmp_path, plain(random_layer(nodes=NODES)), classes=())
    assert measure("top_samples", layer)["label"].null_count() == len(measure("top_samples", layer)) > 0


# --- redundancy and order ---


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_redundancy_equals_the_definition(make_layer, activation):
    splits = special_layer()
    z = splits["train"][0]
    z[6] = z[5]
    z[7] = -2 * z[5] if activation == "identity" else z[5] + 0.01
    frame = measure("redundancy", make_layer(splits, activation=activation), linear=True)
    a = ACTIVATION_FUNCTIONS[activation].apply(z).astype(np.float64)
    varies = [j for j in range(9) if np.ptp(a[j]) > 1e-6]
    r = np.corrcoef(a[varies])
    size = np.abs(r).round(9) - 2 * np.eye(len(r))
    for place, node in enumerate(varies):
        assert of(frame, node, "nearest") == varies[size[place].argmax()]
        assert of(frame, node, "nearest_correlation") == pytest.approx(r[place, size[place].argmax()], abs=1e-9)
        assert of(frame, node, "similar") == (size[place] >= 0.9).sum()
    predicted = 1 - 1 / np.diag(np.linalg.inv(r + 1e-3 * np.eye(len(r))))
    np.testing.assert_allclose(frame["linear_redundancy"].drop_nulls(), predicted, rtol=1e-6)
    assert of(frame, 5, "nearest") == 6 and of(frame, 5, "cluster") == of(frame, 6, "cluster") is not None
    assert frame.filter(~pl.col("node").is_in(varies))["nearest"].null_count() == 9 - len(varies)


@given(seed=st.integers(0, 1000), nodes=st.integers(2, 12))
def test_every_pair_of_a_cluster_is_similar(seed, nodes):
    random = np.random.default_rng(seed)
    size = np.abs(np.corrcoef(random.normal(size=(nodes, 3))))
    found = redundancy.clusters(size, 0.9)
    for one in range(nodes):
        for other in range(one):
            if found[one] == found[other] >= 0:
                assert size[one, other] >= 0.9 - 1e-9
    first = [found.tolist().index(c) for c in range(found.max() + 1)]
    assert first == sorted(first) and all((found == c).sum() > 1 for c in range(len(first)))
    shuffled = random.permutation(nodes)
    other = redundancy.clusters(size[np.ix_(shuffled, shuffled)], 0.9)
    together = (found[:, None] == found) & (found[:, None] >= 0)
    assert (together[np.ix_(shuffled, shuffled)] == ((other[:, None] == other) & (other[:, None] >= 0))).all()


def reference_class_order(means, constant):
    keys = []
    for j, mu in enumerate(means):
        first, second = np.argsort(-mu, kind="stable")[:2]
        span = mu.max() - mu.min()
        keys.append(
            (bool(constant[j]), first, second, -round(0 if span == 0 else (mu[first] - mu[second]) / span, 9), j)
        )
    return [key[-1] for key in sorted(keys)]


@laws
@given(seed=st.integers(0, 1000))
def test_orders_are_permutations_with_constant_nodes_last(make_layer, seed):
    splits = special_layer(seed)
    frame = measure("node_order", make_layer(splits, activation="sigmoid"))
    z, labels = splits["train"]
    a = ACTIVATION_FUNCTIONS["sigmoid"].apply(z.astype(np.float32)).astype(np.float64)
    for name in ("class", "profile", "similarity"):
        ranks = frame.filter(order=name).sort("node")["rank"].to_list()
        assert sorted(ranks) == list(range(9)) and ranks[2] == 8
    means = np.stack([a[:, labels == c].mean(axis=1) for c in range(3)], axis=1)
    expected = reference_class_order(means, np.ptp(a, axis=1) <= 1e-6)
    assert frame.filter(order="class").sort("rank")["node"].to_list() == expected


def test_near_nodes_are_neighbours():
    places = np.array([0.0, 5.0, 1.0, 6.0, 2.0])
    distance = np.abs(places[:, None] - places)
    assert node_order.neighbours(distance, None).tolist() in ([0, 2, 4, 1, 3], [3, 1, 4, 2, 0])
    preferred = np.array([2, 0, 2, 0, 2])
    assert preferred[node_order.neighbours(distance, preferred)].tolist() == [0, 0, 2, 2, 2]


# --- dormant, OUI ---


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_dormant_shares_equal_the_definition(make_layer, activation):
    splits = special_layer()
    frame = measure("dormant", make_layer(splits, activation=activation), thresholds=[0.0, 0.1, 0.9])
    a = ACTIVATION_FUNCTIONS[activation].apply(splits["train"][0]).astype(np.float64)
    size, deviation = np.abs(a).mean(axis=1), np.abs(a - a.mean(axis=1, keepdims=True)).mean(axis=1)
    deviation[np.ptp(a, axis=1) <= 1e-6] = 0
    for threshold, share, centred in frame.select("threshold", "dormant_share", "dormant_centred_share").rows():
        assert share == (size <= threshold * size.mean()).mean()
        assert centred == (deviation <= threshold * deviation.mean()).mean()
    assert frame["dormant_share"].is_sorted()


@given(scale=st.floats(0.01, 100), seed=st.integers(0, 100))
def test_the_scale_of_a_layer_cancels_and_a_layer_of_zeros_is_dormant(scale, seed):
    size = np.random.default_rng(seed).gamma(0.5, size=20)
    assert dormant.dormant_share(size, 0.1) == pytest.approx(dormant.dormant_share(scale * size, 0.1))
    assert dormant.dormant_share(np.zeros(4), 0.0) == 1


def test_oui_equals_the_definition(make_layer):
    splits = special_layer()
    layer = make_layer(splits)
    frame = measure("oui", layer, pairs=300)
    theta = layer.theta(layer.read("train"))
    nodes, n = theta.shape
    different = [(theta[:, i] != theta[:, k]).sum() for i, k in oui.sample_pairs(n, 300)]
    assert frame["oui"][0] == pytest.approx(np.mean(np.minimum(different, nodes // 2)) / (nodes // 2))
    every = [(theta[:, i] != theta[:, k]).sum() for i in range(n) for k in range(i)]
    assert frame["theta_distance"][0] == pytest.approx(np.mean(every) * 2 / nodes)


@given(n=st.integers(2, 50), count=st.integers(1, 300))
def test_pairs_are_of_different_samples_and_always_the_same(n, count):
    pairs = oui.sample_pairs(n, count)
    assert ((pairs >= 0) & (pairs < n)).all() and (pairs[:, 0] != pairs[:, 1]).all()
    assert (pairs == oui.sample_pairs(n, count)).all()


def test_one_node_or_one_sample_has_no_oui(make_layer):
    one = {split: (np.ones((1, 8), np.float32), np.arange(8) % 3) for split in ("train", "test")}
    assert measure("oui", make_layer(one))["oui"].to_list() == [None]
    alone = {split: (np.ones((4, 1), np.float32), np.zeros(1, int)) for split in ("train", "test")}
    assert measure("oui", make_layer(alone))["theta_distance"].to_list() == [None]


# --- edges: NaN, no samples, summaries, tokens, outputs ---

MEASURES = (
    "node_kinds",
    "selectivity",
    "top_samples",
    "node_fates",
    "redundancy",
    "node_order",
    "dormant",
    "oui",
    "kin",
)


@pytest.mark.parametrize("name", MEASURES)
def test_a_single_value_that_is_not_finite_makes_its_layer_null(make_layer, name):
    splits = special_layer()
    healthy = measure(name, make_layer(splits))
    for z, _ in splits.values():
        z[5, 3] = np.nan
    frame = measure(name, make_layer(splits))
    assert len(frame) == len(healthy)
    known = {c for c in frame.columns if frame[c].count()}
    assert known <= {
        "split", "node", "seed", "layer", "states", "samples", "nodes", "threshold", "order", "end", "rank", "other_seed",
        "other_state",
    }  # fmt: skip


@pytest.mark.parametrize("name", MEASURES)
def test_a_split_without_samples_is_null(make_layer, name):
    splits = {split: (np.empty((4, 0), np.float32), np.empty(0, int)) for split in ("train", "test")}
    frame = measure(name, make_layer(splits))
    quantities = [c for c in frame.columns if frame[c].dtype == pl.Float64 and c != "threshold"]
    assert len(frame) and all(frame[c].count() == 0 for c in quantities)


def test_fewer_samples_than_are_asked_for_and_all_nodes_dead(make_layer):
    splits = {split: (np.full((3, 2), -1, np.float32), np.arange(2)) for split in ("train", "test")}
    layer = make_layer(splits)
    for name in MEASURES:
        assert len(measure(name, layer))
    assert measure("node_kinds", layer)["kind"].to_list() == ["dead"] * 3
    assert measure("redundancy", layer)["nearest"].null_count() == 3
    assert measure("dormant", layer)["dormant_share"].to_list() == [1.0] * 3


def write_summary(folder, z_JNP, labels):
    """A summary over positions of one layer, trained, of splits train and test."""
    a = np.maximum(z_JNP, 0)
    nothing = AllValues(0, None, np.empty(0, np.int32), np.empty(0, np.int64))
    summary = Summary(
        z_JNP.mean(2).astype(np.float32).T, z_JNP.max(2).T, a.mean(2).astype(np.float32).T,
        (z_JNP > 0).sum(2).astype(np.uint32).T, {"pre": nothing, "post": nothing},
    )  # fmt: skip
    metadata = LayerMetadata(
        "made", "layer-1", "relu", (len(z_JNP), z_JNP.shape[2]), ("a", "b", "c"), holds="summary", theta_threshold=0.0
    )
    for split in ("train", "test"):
        path = str(activation_path(str(folder), 0, "trained", split, 1))
        write(path, summary, labels.astype(np.int32), np.arange(len(labels), dtype=np.int32), metadata)
    from nodescope.measuring.layers import RecordedLayer

    return RecordedLayer(str(folder), 0, "trained", 1, 0.0)


def test_of_a_summary_what_needs_every_position_is_null_and_the_rest_is_exact(tmp_path):
    random = np.random.default_rng(0)
    labels = np.sort(np.arange(30) % 3)
    z = random.normal(size=(NODES, 30, 5)).astype(np.float32)
    z[0] = -1
    z[1] = 1 + random.random((30, 5))
    summary = write_summary(tmp_path / "summary", z, labels)
    rows = recorded(tmp_path / "rows", {s: ([z[:, i] for i in range(30)], labels) for s in ("train", "test")})
    kinds = measure("node_kinds", summary)
    assert kinds["kind"].to_list() == ["dead", "always_on", None, None] and kinds["form"].count() == 0
    layers = node_kinds.of_layers(kinds.with_columns(layer=1).select("split", "layer", pl.exclude("split", "layer")))
    shares = dict(layers.filter(split="train").select("kind", "share").iter_rows())
    assert shares == dict.fromkeys(node_kinds.FORMS) | {"dead": 0.25, "always_on": 0.25, node_kinds.OTHER: 0.5}
    exact = measure("node_kinds", rows)
    assert exact["on_share"].to_list() == pytest.approx(kinds["on_share"].to_list()) and exact["form"].count() == 4
    for name, columns in (
        ("selectivity", ("class_share", "auc_preferred", "theta_information", "top_precision")),
        ("redundancy", ("nearest", "nearest_correlation")),
        ("top_samples", ("sample", "z")),
        ("dormant", ("dormant_share",)),
        ("oui", ("oui", "theta_distance")),
    ):
        one, other = measure(name, summary), measure(name, rows)
        for column in columns:
            np.testing.assert_allclose(
                one[column].cast(pl.Float64).to_numpy(),
                other[column].cast(pl.Float64).to_numpy(),
                rtol=1e-4,
                err_msg=name,
            )
    assert measure("dormant", summary)["dormant_centred_share"].count() == 0
    assert measure("top_samples", summary)["position"].count() == 0


@pytest.mark.parametrize("name", MEASURES)
def test_outputs_are_measured_as_activations(tmp_path, name):
    splits = plain(random_layer(nodes=NODES))
    assert len(measure(name, recorded(tmp_path, splits, values="output", activation="identity")))
    kinds = measure("node_kinds", recorded(tmp_path / "again", splits, values="output", activation="identity"))
    assert kinds["switch_share"].count() == NODES and kinds["low"].count() == 0
