"""Every statistic against a slow, obvious reference, and the laws that it must keep."""

import numpy as np
import polars as pl
import pytest
from conftest import random_layer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from scipy import stats
from scipy.special import expit, logsumexp

from nodescope.analyses import layer_accuracy, registered
from nodescope.charts.tables import declared_tables
from nodescope.config.analyses import Analyses
from nodescope.measuring.recordings import RecordedNetworks
from nodescope.measuring.runner import measure as measured
from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS
from nodescope.numerics.kernel_density import MIN_BANDWIDTH
from nodescope.numerics.moments import histogram, moments
from nodescope.storage.columns import Column, frame_of
from nodescope.study.configurations import states_of

#: Those that read recorded activations; of the others see test_networks.py.
ANALYSES = [name for name, analysis in registered().items() if not analysis.of_networks]
#: Those that look at layers, not only at what comes out of the network.
OF_LAYERS = [name for name in ANALYSES if "output" not in registered()[name].needs]
OPTIONS = Analyses()


def measure(name, layer, **options):
    """Of a layer; where an analysis looks at a whole configuration, of one whose two states are both this layer."""
    if registered()[name].scope == "configuration":
        layer = RecordedNetworks(layer.folder, (layer.seed,), (layer.state, layer.state), layer.theta_threshold)
    return measured(name, layer, OPTIONS[name].model_copy(update=options))


def value(frame, column, **where):
    rows = frame.filter(*(pl.col(k.rstrip("_")) == v for k, v in where.items()))
    assert len(rows) == 1
    return rows[column][0]


# --- slow references: loops over the definition ---


def reference_layer_accuracy(splits, n_classes, h=0.2, alpha=0.5):
    """Section 1 of the methods, sample by sample, node by node, class by class."""
    z_train, y_train = splits["train"]
    counts = [int((y_train == c).sum()) for c in range(n_classes)]

    def log_posterior(likelihoods):
        joint = [ll + np.log(counts[c] / len(y_train)) for c, ll in enumerate(likelihoods)]
        return np.array(joint) - logsumexp(joint)

    found = {}
    for split, (z, y) in splits.items():
        correct = {"discrete": 0, "continuous": 0, "combined": 0}
        for i in range(len(y)):
            total = {system: np.zeros(n_classes) for system in correct}
            for j in range(len(z)):
                discrete, continuous = [], []
                for c in range(n_classes):
                    own = z_train[j, y_train == c].astype(np.float64)
                    p_on = ((own > 0).sum() + alpha) / (counts[c] + 2 * alpha)
                    discrete.append(np.log(p_on if z[j, i] > 0 else 1 - p_on))
                    kernel = -((float(z[j, i]) - own) ** 2) / (2 * h**2)
                    continuous.append(logsumexp(kernel) - np.log(len(own) * h * np.sqrt(2 * np.pi)))
                total["discrete"] += log_posterior(discrete)
                total["continuous"] += log_posterior(continuous)
                total["combined"] += log_posterior(continuous if z[j, i] > 0 else discrete)
            for system, log_probability in total.items():
                correct[system] += int(log_probability.argmax() == y[i])
        found[split] = {system: n / len(y) for system, n in correct.items()}
    return found


def test_layer_accuracy_equals_the_definition(make_layer):
    splits = random_layer(samples=90)
    frame = measure("layer_accuracy", make_layer(splits))
    expected = reference_layer_accuracy(splits, 3)
    for split, by_system in expected.items():
        for system, accuracy in by_system.items():
            assert value(frame, "accuracy", split=split, system=system) == pytest.approx(accuracy, abs=1e-12)
    assert frame["network_accuracy"].to_list() == [1.0] * len(frame)


def test_layer_scores_equal_the_definition_in_nats(make_layer):
    """Not just the winners: the sums themselves, so that an error too small to change one shows too."""
    splits = random_layer(seed=3, samples=60)
    layer = make_layer(splits)
    train = layer.read("train")
    scores = layer_accuracy.layer_scores(layer, train, {"test": layer.read("test")}, OPTIONS["layer_accuracy"])["test"]
    z_train, y_train = splits["train"]
    z, y = splits["test"]
    z = z[:, np.argsort(y, kind="stable")]
    for c in range(3):
        own = z_train[:, y_train == c].astype(np.float64)
        kernel = -((z[:, :, None].astype(np.float64) - own[:, None, :]) ** 2) / (2 * 0.2**2)
        log_density = logsumexp(kernel, axis=2) - np.log(own.shape[1] * 0.2 * np.sqrt(2 * np.pi))
        prior = len(z) * np.log(own.shape[1] / len(y_train))
        np.testing.assert_allclose(scores["continuous"][c], log_density.sum(axis=0) + prior, atol=1e-4 * len(z))


@pytest.mark.parametrize("activation", ACTIVATION_FUNCTIONS)
@pytest.mark.parametrize("samples", [31, 32])
def test_medians_are_those_of_the_activations_for_every_function(make_layer, activation, samples):
    """For functions that keep the order and for those that do not, of odd and even numbers of samples."""
    random = np.random.default_rng(samples)
    z = random.normal(0, 2, (5, 2 * samples)).astype(np.float32)
    labels = np.repeat([0, 1], samples)
    frame = measure("medians", make_layer({"train": (z, labels)}, n_classes=2, activation=activation), splits=["train"])
    a = ACTIVATION_FUNCTIONS[activation].apply(z.astype(np.float64))
    for node in range(5):
        for c in range(2):
            expected = np.median(a[node, labels == c])
            assert value(frame, "median", split="train", node=node, class_=c) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("activation", ACTIVATION_FUNCTIONS.values(), ids=lambda f: f.name)
def test_a_function_is_called_monotone_if_it_is(activation):
    steps = np.diff(activation.apply(np.linspace(-8, 8, 4001)))
    assert activation.monotone == bool((steps >= -1e-12).all())


def test_medians_equal_the_definition(make_layer):
    splits = random_layer()
    frame = measure("medians", make_layer(splits, activation="sigmoid"))
    z, labels = splits["test"]
    for node in range(len(z)):
        for c in range(3):
            expected = np.median(expit(z[node, labels == c].astype(np.float64)))
            assert value(frame, "median", split="test", node=node, class_=c) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("threshold", [0.0, 0.7])
def test_activity_dead_nodes_and_sparsity_equal_the_definition(make_layer, threshold):
    splits = random_layer()
    for z, _ in splits.values():
        z[2] = -1.0  # a dead node
    layer = make_layer(splits, theta_threshold=threshold)
    activity, dead, sparsity = (measure(name, layer) for name in ("activity", "dead_nodes", "sparsity"))
    for split, (z, labels) in splits.items():
        for node in range(len(z)):
            for c in range(3):
                expected = sum(v > threshold for v in z[node, labels == c]) / sum(labels == c)
                assert value(activity, "active_share", split=split, node=node, class_=c) == pytest.approx(expected)
        alive_in_training = [node for node in range(len(z)) if any(v > threshold for v in splits["train"][0][node])]
        assert 2 not in alive_in_training
        off = [np.mean([v <= threshold for v in z[node]]) for node in alive_in_training]
        assert value(sparsity, "sparsity", split=split) == pytest.approx(np.mean(off), abs=1e-12)
        silent = sum(not any(v > threshold for v in z[node]) for node in range(len(z)))
        assert value(dead, "dead", split=split) == silent
        assert value(dead, "dead_share", split=split) == pytest.approx(silent / len(z))


def test_distributions_count_every_sample_once_in_its_bin(make_layer):
    splits = random_layer()
    frame = measure("distributions", make_layer(splits), nodes=[1, 4], bins=7)
    z, labels = splits["train"]
    for kind, values in (("pre", z), ("post", np.maximum(z, 0))):
        for node in (1, 4):
            for c in range(3):
                part = frame.filter(pl.col("kind") == kind, pl.col("node") == node, pl.col("class") == c)
                own = values[node, labels == c]
                assert part["count"].sum() == len(own)
                for left, right, count in part.select("bin_left", "bin_right", "count").rows():
                    last = right == part["bin_right"].max()
                    inside = (own >= left) & ((own <= right) if last else (own < right))
                    assert count == inside.sum()


@pytest.mark.parametrize("activation", ["relu", "silu"])
def test_histograms_of_every_node_count_every_sample_once_in_its_bin(make_layer, activation):
    splits = random_layer()
    for z, _ in splits.values():
        z[2] = 0.3  # a constant node
    frame = measure(
        "node_histograms",
        make_layer(splits, activation=activation),
        bins=7,
        splits=["train", "test"],
        bandwidth="scott",
    )
    for split in ("train", "test"):
        z, labels = splits[split]
        for kind, values in (("pre", z), ("post", ACTIVATION_FUNCTIONS[activation].apply(z))):
            for node in range(len(z)):
                edges = np.histogram_bin_edges(values[node].astype(np.float64), 7)
                for c in range(3):
                    own = values[node, labels == c]
                    row = frame.filter(
                        pl.col("split") == split, pl.col("kind") == kind, pl.col("node") == node, pl.col("class") == c
                    ).row(0, named=True)
                    expected = [
                        sum(edges[i] <= v and (v < edges[i + 1] or i == 6) for v in own.astype(np.float64))
                        for i in range(7)
                    ]
                    assert row["counts"] == expected and (row["low"], row["high"]) == (edges[0], edges[-1])
                    scott = max(np.std(own.astype(np.float64), ddof=1) * len(own) ** -0.2, MIN_BANDWIDTH)
                    assert row["bandwidth"] == (pytest.approx(scott) if kind == "pre" else None)


def test_only_the_kept_nets_have_histograms_of_every_node(small_tables, small_study):
    table = small_tables["node_histograms"]
    assert table["state"].unique().to_list() == [states_of(small_study)[-1]]
    rows_of_layers = table.group_by("seed", "depth", "activation", "batch_norm", "layer").len()["len"]
    assert rows_of_layers.unique().to_list() == [6 * 3 * 2]  # nodes, classes, kinds


@pytest.mark.parametrize(("activation", "bounds"), [("relu", [0]), ("sigmoid", [0, 1]), ("silu", [])])
def test_statistics_equal_those_of_scipy(make_layer, activation, bounds):
    splits = random_layer()
    for z, _ in splits.values():
        z[2] = -1.0  # a dead node
    frame = measure("statistics", make_layer(splits, activation=activation), saturation_tolerance=0.1)
    for split, (z, _) in splits.items():
        values = {"pre": z, "post": ACTIVATION_FUNCTIONS[activation].apply(z)}
        for kind, of_kind in values.items():
            every = of_kind.astype(np.float64).ravel()
            expected = {
                "mean": np.mean(every), "std": np.std(every), "skew": stats.skew(every),
                "kurtosis": stats.kurtosis(every), "minimum": every.min(), "maximum": every.max(),
                "zero_share": np.mean([v == 0 for v in every]), "dead": 1,
            }  # fmt: skip
            for column, reference in expected.items():
                found = value(frame, column, split=split, kind=kind)
                assert found == pytest.approx(reference, rel=1e-9, abs=1e-12), column
            near = [any(abs(v - bound) <= 0.1 for bound in bounds) for v in every]
            share = np.mean(near) if kind == "post" and bounds else None
            assert value(frame, "saturated_share", split=split, kind=kind) == share


@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("samples", [3, 40_000])
def test_moments_far_from_zero_keep_their_digits(offset, samples):
    """In chunks and with a mean that is large beside the spread, where sums of powers would lose all digits."""
    values = (np.random.default_rng(samples).gamma(2, size=samples) + offset).astype(np.float32)
    exact = values.astype(np.float64)
    found = moments(values).columns()
    for column, reference in {"std": np.std, "skew": stats.skew, "kurtosis": stats.kurtosis}.items():
        assert found[column] == pytest.approx(reference(exact), rel=1e-9)


def test_values_that_are_all_the_same_have_a_spread_of_zero_and_no_shape():
    found = moments(np.full(70_000, 0.1, np.float32)).columns()
    assert (found["std"], found["skew"], found["kurtosis"]) == (0.0, None, None)
    assert found["mean"] == pytest.approx(np.float32(0.1), rel=1e-12)


def test_the_histogram_of_a_layer_counts_every_value_once_in_its_bin(make_layer):
    splits = random_layer(samples=4000)
    frame = measure("layer_distributions", make_layer(splits), bins=9)
    for split, (z, _) in splits.items():
        for kind, values in (("pre", z), ("post", np.maximum(z, 0))):
            part = frame.filter(pl.col("split") == split, pl.col("kind") == kind)
            assert len(part) == 9 and part["count"].sum() == values.size
            for left, right, count in part.select("bin_left", "bin_right", "count").rows():
                last = right == part["bin_right"].max()
                inside = (values >= left) & ((values <= right) if last else (values < right))
                assert count == inside.sum()


def test_values_as_large_as_float32_holds_have_a_histogram():
    largest = np.finfo(np.float32).max
    found = histogram(np.array([-largest, 0, largest, largest], np.float32), 2)
    assert found["count"].tolist() == [1, 3]


def test_densities_equal_the_definition(make_layer):
    splits = random_layer()
    frame = measure("densities", make_layer(splits), nodes=[3], points=20)
    z, labels = splits["train"]
    for c in range(3):
        part = frame.filter(pl.col("class") == c)
        own = z[3, labels == c].astype(np.float64)
        kernel = np.exp(-((part["z"].to_numpy()[:, None] - own) ** 2) / (2 * 0.2**2)) / (0.2 * np.sqrt(2 * np.pi))
        np.testing.assert_allclose(part["density"].to_numpy(), kernel.mean(axis=1), rtol=1e-4)


# --- laws ---

#: Columns that name samples, or take some at random by their places in the recording.
OF_PLACES = ("sample", "oui", "selectivity_null", "shuffled")

#: A row per sample; see test_layer_similarity.py.
OF_SAMPLES = ("cka_between", "layer_map")

#: Of products in float32, to which an order of samples belongs.
ROUNDED = {"cka": 1e-5}

slow_fixture = settings(
    max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.mark.parametrize("name", [name for name in ANALYSES if name not in OF_SAMPLES])
@slow_fixture
@given(seed=st.integers(0, 1000))
def test_the_order_of_samples_changes_nothing(make_layer, name, seed):
    splits = random_layer(seed, samples=40)
    random = np.random.default_rng(seed)
    shuffled = {}
    for split, (z, labels) in splits.items():
        order = random.permutation(len(labels))
        shuffled[split] = (z[:, order], labels[order])
    first, second = (measure(name, make_layer(s)).drop(OF_PLACES, strict=False) for s in (splits, shuffled))
    assert_frame_equal(first, second, rel_tol=1e-9, abs_tol=ROUNDED.get(name, 1e-8))


@pytest.mark.parametrize("name", [name for name in ANALYSES if name != "node_order"])  # which puts lower classes first
@slow_fixture
@given(seed=st.integers(0, 1000), permutation=st.permutations(range(3)))
def test_renaming_classes_renames_rows_and_changes_nothing_else(make_layer, name, seed, permutation):
    splits = random_layer(seed, samples=40)
    renamed = {split: (z, np.array(permutation)[labels]) for split, (z, labels) in splits.items()}
    first, second = (measure(name, make_layer(s)).drop(OF_PLACES, strict=False) for s in (splits, renamed))
    # Of means, areas or sizes that tie, the lower class is named (test_node_measures.py): its share on other splits differs.
    of_ties = pl.selectors.ends_with("_class") | pl.selectors.by_name("majority_share", require_all=False)
    first, second = (frame.drop(of_ties) for frame in (first, second))
    classes = pl.col([c for c in first.columns if c in ("class", "label", "predicted")])
    first = first.with_columns(classes.replace_strict(range(3), permutation, return_dtype=pl.Int32))
    keys = [c for c in first.columns if c not in ("median", "active_share", "count", "density", "accuracy")]
    assert_frame_equal(
        first.with_columns(pl.col("class").cast(pl.Int32)).sort(keys) if "class" in first.columns else first,
        second.with_columns(pl.col("class").cast(pl.Int32)).sort(keys) if "class" in second.columns else second,
        rel_tol=1e-9,
        abs_tol=ROUNDED.get(name, 1e-8),
    )


@slow_fixture
@given(seed=st.integers(0, 1000))
def test_an_added_dead_node_changes_only_what_counts_nodes(make_layer, seed):
    splits = random_layer(seed, samples=40)
    extended = {split: (np.vstack([z, np.full(z.shape[1], -3.0)]), labels) for split, (z, labels) in splits.items()}
    before, after = make_layer(splits), make_layer(extended)
    nodes = len(splits["train"][0])
    for name in ("medians", "activity"):
        assert_frame_equal(measure(name, before), measure(name, after).filter(pl.col("node") < nodes))
    assert_frame_equal(measure("sparsity", before), measure("sparsity", after))
    first, second = measure("dead_nodes", before), measure("dead_nodes", after)
    assert (second["dead"] - first["dead"]).to_list() == [1, 1, 1]


@slow_fixture
@given(seed=st.integers(0, 1000))
def test_a_constant_node_does_not_change_the_lead_of_a_class(make_layer, seed):
    splits = random_layer(seed, samples=40)
    for _, labels in splits.values():
        labels[:] = np.arange(len(labels)) % 3  # equal priors and counts, so that only the node's values could matter
    splits = {s: (z[:, : len(y) // 3 * 3], y[: len(y) // 3 * 3]) for s, (z, y) in splits.items()}
    extended = {split: (np.vstack([z, np.full(z.shape[1], 0.4)]), labels) for split, (z, labels) in splits.items()}
    scores = []
    for made in (splits, extended):
        layer = make_layer(made)
        train = layer.read("train")
        scores.append(layer_accuracy.layer_scores(layer, train, {"train": train}, OPTIONS["layer_accuracy"])["train"])
    for system in ("continuous", "discrete"):
        one_CN, two_CN = (s[system] - s[system].max(axis=0) for s in scores)
        np.testing.assert_allclose(one_CN, two_CN, rtol=1e-9, atol=1e-9)  # classes of equal counts tie up to rounding


# --- what is missing is null ---


def nulls_only(frame, column):
    return frame[column].null_count() == len(frame) and not frame.select(pl.selectors.float().is_nan().any()).row(
        0
    ).count(True)


@pytest.mark.parametrize("name", OF_LAYERS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_diverged_net_gives_null_not_nan(make_layer, name, bad):
    """What is known without the values (how many nodes, samples, what the network's output says) stays as it is."""
    splits = random_layer()
    healthy = measure(name, make_layer(splits))
    for z, _ in splits.values():
        z[:] = bad
    frame = measure(name, make_layer(splits))
    assert len(frame) > 0
    lost = 0
    for column in registered()[name].table.quantities:
        if frame[column].null_count() == len(frame):
            lost += 1
        else:
            assert set(frame[column].to_list()) <= set(healthy[column].to_list()), column
    assert lost and not any(frame[column].is_nan().any() for column in frame.select(pl.selectors.float()).columns)


@pytest.mark.parametrize("constant", [0.0, -1e17, 3e38])
@pytest.mark.parametrize("name", ["distributions", "node_histograms", "layer_distributions"])
def test_a_constant_node_has_a_histogram_however_large_it_is(make_layer, name, constant):
    splits = {split: (np.full_like(z, constant), labels) for split, (z, labels) in random_layer().items()}
    frame = measure(name, make_layer(splits))
    counted = frame["counts"].explode() if "counts" in frame.columns else frame["count"]
    nodes = {"distributions": 3, "node_histograms": 6}.get(name)
    samples = {split: labels.size for split, (_, labels) in splits.items()}
    expected = 2 * 6 * sum(samples.values()) if nodes is None else 2 * nodes * samples["train"]  # of z and of a
    assert counted.sum() == expected


@pytest.mark.parametrize("name", ["medians", "activity", "densities"])
def test_a_class_absent_from_a_split_is_null(make_layer, name):
    splits = random_layer()
    z, labels = splits["test"]
    splits["test"] = (z[:, labels != 1], labels[labels != 1])
    frame = measure(name, make_layer(splits), splits=["test"])
    column = {"medians": "median", "activity": "active_share", "densities": "density"}[name]
    assert nulls_only(frame.filter(pl.col("class") == 1), column)
    assert frame.filter(pl.col("class") != 1)[column].null_count() == 0


def test_a_class_absent_from_a_split_has_empty_histograms_and_no_bandwidth(make_layer):
    splits = random_layer()
    z, labels = splits["test"]
    splits["test"] = (z[:, labels != 1], labels[labels != 1])
    frame = measure("node_histograms", make_layer(splits), splits=["test"], bandwidth="scott")
    absent = frame.filter(pl.col("class") == 1)
    assert absent["counts"].list.sum().to_list() == [0] * len(absent) and nulls_only(absent, "bandwidth")
    assert frame.filter(pl.col("class") != 1, pl.col("kind") == "pre")["bandwidth"].null_count() == 0


def test_a_class_without_training_samples_is_never_predicted(make_layer):
    splits = random_layer()
    z, labels = splits["train"]
    splits["train"] = (z[:, labels != 1], labels[labels != 1])
    frame = measure("layer_accuracy", make_layer(splits))
    assert frame["accuracy"].null_count() == 0


def test_a_layer_of_dead_nodes_has_no_sparsity(make_layer):
    splits = {split: (np.full_like(z, -1.0), labels) for split, (z, labels) in random_layer().items()}
    layer = make_layer(splits)
    assert nulls_only(measure("sparsity", layer), "sparsity")
    assert measure("dead_nodes", layer)["dead_share"].to_list() == [1.0, 1.0, 1.0]
    assert measure("layer_accuracy", layer)["accuracy"].null_count() == 0


def test_the_combined_system_is_defined_for_the_relu_family_only(make_layer):
    splits = random_layer(samples=30)
    for activation, function in ACTIVATION_FUNCTIONS.items():
        systems = measure("layer_accuracy", make_layer(splits, activation=activation))["system"].unique().to_list()
        assert ("combined" in systems) == function.rectifying


# --- contracts ---


def test_collected_tables_have_the_columns_of_the_contract(small_tables):
    keys = ["configuration", "dataset", "model", "depth", "width", "activation", "batch_norm", "seed"]
    further = {
        "learning_curves": ["learning_rate", "epoch", "split", "loss", "accuracy", "mean_squared_error"],
        "accuracy": ["learning_rate", "best_epoch", "split", "accuracy"],
        "medians": ["state", "split", "layer", "node", "class", "median"],
        "activity": ["state", "split", "layer", "node", "class", "active_share"],
        "dead_nodes": ["state", "split", "layer", "nodes", "dead", "dead_share"],
        "sparsity": ["state", "split", "layer", "sparsity"],
        "patterns": [
            "state",
            "split",
            "layer",
            "nodes",
            "samples",
            "distinct",
            "singletons",
            "entropy_bits",
            "relative_entropy",
            "entropy_miller_madow",
            "entropy_given_class_bits",
            "class_information_bits",
            "mode_share",
        ],
        "layer_accuracy": ["state", "split", "layer", "system", "accuracy", "network_accuracy"],
        "statistics": [
            "state",
            "split",
            "layer",
            "kind",
            "mean",
            "std",
            "skew",
            "kurtosis",
            "minimum",
            "maximum",
            "zero_share",
            "dead",
            "saturated_share",
            "activation_function",
        ],
        "layer_distributions": ["state", "split", "layer", "kind", "bin_left", "bin_right", "count"],
        "weights": [
            "state",
            "layer",
            "name",
            "parameter",
            "count",
            "mean",
            "std",
            "skew",
            "kurtosis",
            "minimum",
            "maximum",
        ],
        "weight_distributions": ["state", "layer", "name", "parameter", "bin_left", "bin_right", "count"],
        "gradients": [
            "state",
            "objective",
            "layer",
            "name",
            "quantity",
            "count",
            "mean",
            "std",
            "skew",
            "kurtosis",
            "minimum",
            "maximum",
            "norm",
            "zero_share",
        ],
        "local_gradients": [
            "state", "objective", "weights_file", "layer", "name", "quantity", "channel", "samples",
            "whisker_low", "q1", "median", "q3", "whisker_high", "mean",
        ],
        "distributions": ["state", "split", "layer", "node", "class", "kind", "bin_left", "bin_right", "count"],
    }  # fmt: skip
    for name, columns in further.items():
        assert small_tables[name].columns == keys + columns
    assert small_tables["sparsity_summary"].columns == [
        *keys[:-1], "state", "split", "layer", "mean", "standard_error", "seeds",
    ]  # fmt: skip


def test_no_table_holds_nan(small_tables):
    for frame in small_tables.values():
        for column in frame.select(pl.selectors.float()).columns:
            assert not frame[column].is_nan().any()


@pytest.mark.parametrize("name", registered())
def test_a_table_is_what_its_analysis_declares(small_tables, name):
    declared, frame = declared_tables()[name], small_tables[name]
    found = dict(list(frame.schema.items())[frame.columns.index("seed") + 1 :])
    assert found == declared.schema()
    for column, quantity in declared.quantities.items():
        values = frame[column].explode() if isinstance(frame.schema[column], pl.List) else frame[column]
        low, high = quantity.range
        assert low is None or (values.drop_nulls() >= low - 1e-9).all(), column
        assert high is None or (values.drop_nulls() <= high + 1e-9).all(), column


def test_a_diverged_net_is_null_in_the_tables_and_the_others_are_not(small_tables):
    spoilt = (pl.col("activation") == "relu") & (pl.col("depth") == 2) & ~pl.col("batch_norm")
    accuracy = small_tables["accuracy"]
    assert accuracy.filter(spoilt)["accuracy"].null_count() == len(accuracy.filter(spoilt)) > 0
    assert accuracy.filter(~spoilt)["accuracy"].null_count() == 0
    assert small_tables["replicas"].filter(spoilt)["diverged_epoch"].to_list() == [1, 1]
    medians = small_tables["medians"].filter(spoilt)
    assert medians.filter(pl.col("state") == "trained")["median"].null_count() > 0
    assert medians.filter(pl.col("state") == "initial")["median"].null_count() == 0


@pytest.mark.parametrize("name", registered())
def test_every_registered_analysis_says_what_it_does(name):
    analysis = registered()[name]
    assert analysis.text.splitlines()[0].endswith("?")
    for part in ("Needs:", "Gives:", "Cost:"):
        assert part in analysis.text
    assert analysis.table.meaning.endswith(".") and analysis.title
    assert analysis.table.quantities, "a table that holds no quantity shows nothing"
    assert all(column.meaning for column in analysis.table.columns)


def test_a_column_that_is_not_declared_is_an_error():
    with pytest.raises(ValueError, match="does not declare: meen"):
        frame_of((Column("mean", "float64", "of all"),), [{"meen": 1.0}])


def test_rows_take_the_declared_types_and_what_is_not_finite_is_null():
    columns = (
        Column("name", "string", "of it"),
        Column("node", "int32", "of it"),
        Column("value", "float32", "of it"),
        Column("counts", "list[uint32]", "of it"),
    )
    masked = np.ma.array([[1, 2], [3, 4]], mask=[[False, False], [True, True]])
    parts = [
        {"name": "a", "node": [0, 1], "value": np.array([1.5, np.nan]), "counts": masked},
        {"name": "b", "value": np.inf},
    ]
    frame = frame_of(columns, parts)
    assert frame.rows() == [("a", 0, 1.5, [1, 2]), ("a", 1, None, None), ("b", None, None, None)]
    assert frame.dtypes == [pl.String, pl.Int32, pl.Float32, pl.List(pl.UInt32)]


@given(nodes=st.integers(1, 5000), count=st.integers(1, 200))
def test_chosen_nodes_are_spread_over_the_layer(nodes, count):
    spaced = np.linspace(0, nodes, min(count, nodes), endpoint=False)
    options = OPTIONS["distributions"].model_copy(update={"nodes_per_layer": count})
    assert options.chosen(nodes) == [int(node) for node in spaced]


def test_chosen_nodes_are_those_that_are_named():
    assert OPTIONS["densities"].model_copy(update={"nodes": [4, 1]}).chosen(9) == [4, 1]
