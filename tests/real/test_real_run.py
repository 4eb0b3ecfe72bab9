"""The tables of a real run against slow, obvious re-implementations on its recorded activations.

Not part of every test run, since it needs one: run a study whose activations are kept, then

    NODESCOPE_RUN=results/mnist python -m pytest tests/real

Medians, activity, dead nodes and sparsity are checked at every node with NumPy; the log densities of the continuous
system with scikit-learn's KernelDensity at some nodes and samples; the layer classifiers by a plain re-computation
of the discrete system at every sample, and of the continuous one with exact sums at some samples.
"""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import expit
from sklearn.neighbors import KernelDensity

from nodescope.numerics import kernel_density

RUN = os.environ.get("NODESCOPE_RUN")
pytestmark = pytest.mark.skipif(RUN is None, reason="needs a finished run: set NODESCOPE_RUN=results/STUDY")

NODES_FOR_DENSITIES = 6
SAMPLES_FOR_DENSITIES = 300
SAMPLES_FOR_CLASSIFIER = 100


def configurations():
    return sorted(p.name for p in (Path(RUN) / "activations").iterdir()) if RUN else []


class Recorded:
    """Plain arrays of one layer, read with polars."""

    def __init__(self, configuration, split, layer, seed=0, state="trained"):
        path = Path(RUN) / "activations" / configuration / f"seed-{seed}" / state / split / f"layer-{layer}.parquet"
        frame = pl.read_parquet(path)
        self.label = frame["label"].to_numpy()
        self.z = frame.drop("sample", "label").to_numpy()
        self.activation = configuration.split("-")[0]

    def a(self):
        z = self.z.astype(np.float64)
        return {"relu": lambda: np.maximum(z, 0), "sigmoid": lambda: expit(z), "tanh": lambda: np.tanh(z)}[
            self.activation
        ]()


def table(name, configuration, split, layer, seed=0, state="trained"):
    frame = pl.read_parquet(Path(RUN) / "tables" / name / f"{configuration}.parquet")
    return frame.filter(
        pl.col("seed") == seed, pl.col("state") == state, pl.col("split") == split, pl.col("layer") == layer
    )


@pytest.fixture(params=configurations())
def configuration(request):
    return request.param


@pytest.fixture(params=[1, 4])
def layer(request):
    return request.param


def test_medians_and_activity_at_every_node(configuration, layer):
    recorded = Recorded(configuration, "train", layer)
    a = recorded.a()
    medians = table("medians", configuration, "train", layer)
    activity = table("activity", configuration, "train", layer)
    for c in np.unique(recorded.label):
        own = recorded.label == c
        found = medians.filter(pl.col("class") == c).sort("node")["median"].to_numpy()
        np.testing.assert_allclose(found, np.median(a[own], axis=0), rtol=2e-6, atol=1e-6)
        found = activity.filter(pl.col("class") == c).sort("node")["active_share"].to_numpy()
        np.testing.assert_allclose(found, (recorded.z[own] > 0).mean(axis=0), atol=1e-12)


@pytest.mark.parametrize("split", ["train", "test"])
def test_dead_nodes_and_sparsity(configuration, layer, split):
    train, recorded = Recorded(configuration, "train", layer), Recorded(configuration, split, layer)
    alive = (train.z > 0).any(axis=0)
    expected = (recorded.z[:, alive] <= 0).mean(axis=0, dtype=np.float64).mean()
    assert table("sparsity", configuration, split, layer)["sparsity"].item() == pytest.approx(expected, abs=1e-12)
    dead = table("dead_nodes", configuration, split, layer)["dead"].item()
    assert dead == (~(recorded.z > 0).any(axis=0)).sum()


def test_the_discrete_system_at_every_sample(configuration, layer):
    train, test = Recorded(configuration, "train", layer), Recorded(configuration, "test", layer)
    score = np.zeros((len(test.label), train.label.max() + 1))
    for c in range(score.shape[1]):
        own = train.z[train.label == c] > 0
        p = (own.sum(axis=0) + 0.5) / (len(own) + 1.0)
        prior = train.z.shape[1] * np.log(len(own) / len(train.label))
        score[:, c] = np.where(test.z > 0, np.log(p), np.log1p(-p)).sum(axis=1) + prior
    expected = (score.argmax(axis=1) == test.label).mean()
    rows = table("layer_accuracy", configuration, "test", layer).filter(pl.col("system") == "discrete")
    assert rows["accuracy"].item() == pytest.approx(expected, abs=1.01 / len(test.label))


def test_log_densities_at_some_nodes_equal_scikit_learns(configuration, layer):
    train, test = Recorded(configuration, "train", layer), Recorded(configuration, "test", layer)
    random = np.random.default_rng(0)
    samples = random.choice(len(test.label), SAMPLES_FOR_DENSITIES, replace=False)
    worst = 0.0
    for node in random.choice(train.z.shape[1], NODES_FOR_DENSITIES, replace=False):
        queries = test.z[samples, node].astype(np.float64)
        for c in (0, 7):
            own = train.z[train.label == c, node]
            exact = KernelDensity(bandwidth=0.2).fit(own[:, None].astype(np.float64)).score_samples(queries[:, None])
            ours = kernel_density.fit(own, 0.2, float(train.z[:, node].min()), float(train.z[:, node].max()))(queries)
            worst = max(worst, np.abs(exact - ours).max())
    assert worst < 1e-4


def test_the_continuous_system_at_some_samples_with_exact_sums(configuration, layer):
    """Exact densities at every node of some test samples: their winners must be those of the package."""
    from nodescope.analyses import layer_accuracy
    from nodescope.measuring.layers import RecordedLayer

    recorded = RecordedLayer(f"{RUN}/activations/{configuration}", 0, "trained", layer, 0.0)
    train, test = recorded.read("train"), recorded.read("test")
    scores = layer_accuracy.layer_scores(recorded, train, {"test": test}, layer_accuracy.LayerAccuracy())["test"][
        "continuous"
    ]
    samples = np.random.default_rng(1).choice(test.z.shape[1], SAMPLES_FOR_CLASSIFIER, replace=False)
    exact = np.zeros((train.n_classes, SAMPLES_FOR_CLASSIFIER))
    for c, own in enumerate(train.class_slices()):
        for node in range(len(train.z)):
            distance = test.z[node, samples].astype(np.float64)[:, None] - train.z[node, own].astype(np.float64)
            exponent = -(distance**2) / (2 * 0.2**2)
            top = exponent.max(axis=1)
            exact[c] += top + np.log(np.exp(exponent - top[:, None]).sum(axis=1))
        count = own.stop - own.start
        exact[c] += len(train.z) * (np.log(count / len(train.labels)) - np.log(count * 0.2 * np.sqrt(2 * np.pi)))
    np.testing.assert_allclose(scores[:, samples], exact, atol=1e-4 * len(train.z))
    accuracy = (scores.argmax(axis=0) == test.labels).mean()
    rows = table("layer_accuracy", configuration, "test", layer).filter(pl.col("system") == "continuous")
    assert rows["accuracy"].item() == pytest.approx(accuracy, abs=1e-12)
