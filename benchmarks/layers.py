"""Measuring a recorded layer: classifiers, medians, activity, sparsity, patterns; and recording it."""

import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
from measure import Row, side

CLASSES = 10


def made_layer(nodes: int, samples: int, seed: int = 0) -> tuple[Any, Any]:
    """Pre-activations [node, sample] like those of a trained net: class-dependent, with a few far out; labels."""
    random = np.random.default_rng(seed)
    labels = np.sort(random.integers(0, CLASSES, samples)).astype(np.int32)
    centre = random.normal(-1, 2, (nodes, CLASSES)).astype(np.float32)
    z = centre[:, labels] + random.standard_normal((nodes, samples)).astype(np.float32)
    far = random.integers(0, samples, max(1, samples // 200))
    z[:, far] *= 6
    return z, labels


def write_made_layer(folder: str, nodes: int, samples: int) -> None:
    """The same as a recorded layer."""
    from nodescope.recording import LayerMetadata, write
    from nodescope.study.layout import activation_path

    z, labels = made_layer(nodes, samples)
    metadata = LayerMetadata("made", "layer-1", "relu", (nodes,), tuple(map(str, range(CLASSES))))
    path = str(activation_path(folder, 0, "trained", "train", 1))
    write(path, z, labels, np.arange(samples, dtype=np.int32), metadata)


def _file(folder: str) -> str:
    from nodescope.study.layout import activation_path

    return str(activation_path(folder, 0, "trained", "train", 1))


def read_once(folder: str) -> Any:
    """Read the layer into an array [node, sample]."""
    from nodescope.recording import read

    return lambda: read(_file(folder)), lambda layer: layer.z.shape


def by_product(folder: str, *names: str) -> Any:
    """Analyses of the product on one layer, which is read once, as a job of the workflow does."""
    from nodescope.config.analyses import Analyses
    from nodescope.measuring.layers import RecordedLayer
    from nodescope.measuring.runner import measure

    columns = {"medians": "median", "activity": "active_share", "sparsity": "sparsity"}
    options = Analyses.model_validate({name: {"splits": ["train"]} for name in columns})

    def run() -> list[Any]:
        layer = RecordedLayer(folder, 0, "trained", 1, 0.0)  # a new one, since it keeps what it has read
        return [
            _discrete(layer) if name == "discrete" else measure(name, layer, options[name])[columns[name]]
            for name in names
        ]

    return run, lambda made: np.concatenate([np.asarray(part) for part in made])


def _discrete(layer: Any) -> Any:
    """The classes that the discrete classifier predicts."""
    from nodescope.analyses import layer_accuracy

    train = layer.read("train")
    counts = train.class_counts()
    on, off = layer_accuracy.log_switch_probabilities(layer.active_counts(train), counts, 0.5)
    scores = layer_accuracy.discrete_scores(layer.theta(train), on, off)
    return (scores + len(train.z) * np.log(counts / counts.sum())[:, None]).argmax(axis=0)


def by_polars(folder: str, *names: str) -> Any:
    """The same by polars' group_by, the file read once too."""
    import polars as pl

    path = _file(folder)

    def run() -> list[Any]:
        frame = pl.read_parquet(path)
        return [_by_polars(frame, name) for name in names]

    def flat(made: Any) -> Any:
        return made.to_numpy().T.ravel() if isinstance(made, pl.DataFrame) else np.atleast_1d(made)

    return run, lambda made: np.concatenate([flat(part) for part in made])


def _by_polars(frame: Any, name: str) -> Any:
    import polars as pl

    nodes = pl.col("^n[0-9]+$")
    if name == "medians":
        return frame.group_by("label").agg(nodes.clip(lower_bound=0).median()).sort("label").drop("label")
    if name == "activity":
        return frame.group_by("label").agg((nodes > 0).mean()).sort("label").drop("label")
    on = frame.select(pl.col("label"), nodes > 0)
    if name == "sparsity":
        return 1 - on.drop("label").mean().transpose().filter(pl.col("column_0") > 0).to_series().mean()
    counts = on.group_by("label").agg(pl.len(), nodes.sum()).sort("label")
    theta = on.drop("label").to_numpy()
    scores = []
    for row in counts.iter_rows():
        total, active = row[1], np.array(row[2:])
        log_on, log_off = np.log((active + 0.5) / (total + 1)), np.log((total - active + 0.5) / (total + 1))
        scores.append(theta @ (log_on - log_off) + log_off.sum() + len(active) * np.log(total / len(frame)))
    return np.array(scores).argmax(axis=0)


def compare_analyses(nodes: int, samples: int) -> list[Row]:
    """Medians, activity, sparsity and the discrete classifier against polars, each alone and all in one job."""
    single = ("medians", "activity", "sparsity", "discrete")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write_made_layer(folder, nodes, samples)
        reading = side(read_once, folder)
        for names in (*((name,) for name in single), single):
            mine, theirs = side(by_product, folder, *names), side(by_polars, folder, *names)
            np.testing.assert_allclose(mine.result, theirs.result, rtol=1e-5, atol=1e-6)
            of_reading = mine.seconds / reading.seconds
            alone = len(names) == 1
            rows.append(
                Row(
                    names[0] if alone else "four-analyses",
                    f"{names[0] if alone else 'all four'} of {samples:,} x {nodes}, from the file",
                    "polars group_by",
                    ">= 1x, and <= 1.5x the time to read the file" if alone else ">= 1x",
                    mine,
                    theirs,
                    theirs.seconds >= mine.seconds and (of_reading <= 1.5 or not alone),
                    f"{of_reading:.2f}x of reading ({1000 * reading.seconds:.0f} ms)",
                )
            )
    return rows


# --- patterns ---


def patterns(nodes: int, samples: int) -> Any:
    """Counts of the distinct patterns by the product."""
    from nodescope.analyses.patterns import count

    z, _ = made_layer(nodes, samples)
    one_class = np.zeros(samples, np.int32)  # the rival counts no classes
    return lambda: count(z, one_class, 0.0).counted().counts_K, np.sort


def unique_rows(nodes: int, samples: int) -> Any:
    """The same by NumPy, from switches that stand as rows already."""
    theta = np.ascontiguousarray((made_layer(nodes, samples)[0] > 0).T)
    return lambda: np.unique(theta, axis=0, return_counts=True)[1], np.sort


def compare_patterns(nodes: int, samples: int) -> Row:
    """Patterns against numpy.unique."""
    # Some milliseconds need more repetitions than a third of a second to meet a moment without other work.
    mine, theirs = side(patterns, nodes, samples, repeat=30), side(unique_rows, nodes, samples, repeat=5)
    np.testing.assert_array_equal(mine.result, theirs.result)
    what = f"patterns of {samples:,} x {nodes}"
    return Row("patterns", what, "numpy.unique on rows", ">= 20x", mine, theirs, theirs.seconds >= 20 * mine.seconds)


# --- recording ---


def _network_and_data(width: int, samples: int) -> Any:
    import torch

    from nodescope.networks import NetworkShape
    from nodescope.networks.mlp import FullyConnected

    torch.set_num_threads(1)
    torch.manual_seed(0)
    network = FullyConnected(
        NetworkShape("mlp", (784,), CLASSES, 1, width, "relu", False, "kaiming_normal", "all")
    ).eval()
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (samples, 784), dtype=np.uint8)
    return network, x, np.sort(np.arange(samples) % CLASSES)


def record(folder: str, width: int, samples: int) -> Any:
    """Recording a net of one hidden layer."""
    from nodescope.datasets import PreparedDataset
    from nodescope.datasets.splits import Splits
    from nodescope.recording import read
    from nodescope.recording.recorder import record_network
    from nodescope.study.layout import activation_path

    network, x, y = _network_and_data(width, samples)
    everything = np.arange(samples)
    dataset = PreparedDataset(x, y, Splits(everything, everything[:0], everything[:0]), list(map(str, range(CLASSES))))

    path = activation_path(folder, 0, "trained", "train", 1)

    def run() -> None:
        record_network(network, dataset, "made", everything, path.parent, "summary")

    return run, lambda _: read(str(path)).z[:, ::997].copy()


def save_arrays(folder: str, width: int, samples: int) -> Any:
    """The same by a forward pass and numpy.save."""
    import torch

    network, x, _ = _network_and_data(width, samples)

    @torch.inference_mode()
    def run() -> None:
        layer = network.hidden[0]
        z = layer.pre_activation(torch.from_numpy(x).float() / 255)
        np.save(f"{folder}/layer-1.npy", z.numpy())
        np.save(f"{folder}/output.npy", network.output(layer.activation(z)).numpy())

    return run, lambda _: np.load(f"{folder}/layer-1.npy", mmap_mode="r")[::997].T.copy()


def compare_recording(width: int, samples: int) -> Row:
    """Recording against numpy.save."""
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = side(record, folder, width, samples), side(save_arrays, folder, width, samples)
    np.testing.assert_allclose(ours.result, theirs.result, rtol=1e-4, atol=1e-4)
    return Row(
        "recording",
        f"recording {samples:,} x {width}",
        "forward pass, numpy.save",
        "<= 1.5x the time",
        ours,
        theirs,
        ours.seconds <= 1.5 * theirs.seconds,
    )


# --- kernel densities ---

BANDWIDTH = 0.2
#: Points with which 99 % of the values in the core are good to 1e-4 nats (more points do not help the others).
FFT_GRID = 2**14


def kernel_densities(nodes: int, samples: int) -> Any:
    """Log densities [node, class, sample] of every sample under every class, by the product."""
    from nodescope.numerics import kernel_density

    kernel_density.compile_ahead()

    def fitted(own: Any, queries: Any) -> Any:
        return kernel_density.fit(own, BANDWIDTH, float(queries.min()), float(queries.max()))(queries)

    return _for_all(fitted, nodes, samples)


def scikit_learn(nodes: int, samples: int) -> Any:
    """The same by sklearn.neighbors.KernelDensity, exact."""
    from sklearn.neighbors import KernelDensity

    def fitted(own: Any, queries: Any) -> Any:
        model = KernelDensity(bandwidth=BANDWIDTH).fit(own[:, None].astype(np.float64))
        return model.score_samples(queries[:, None].astype(np.float64))

    return _for_all(fitted, nodes, samples)


def kdepy(nodes: int, samples: int) -> Any:
    """The same by KDEpy's FFTKDE on a grid and linear interpolation of the log density."""
    from KDEpy import FFTKDE

    def fitted(own: Any, queries: Any) -> Any:
        grid = np.linspace(float(queries.min()) - 1, float(queries.max()) + 1, FFT_GRID)
        density = FFTKDE(kernel="gaussian", bw=BANDWIDTH).fit(own.astype(np.float64)).evaluate(grid)
        with np.errstate(divide="ignore"):
            return np.interp(queries, grid, np.log(np.maximum(density, 0)))

    return _for_all(fitted, nodes, samples)


def _for_all(fitted: Callable[[Any, Any], Any], nodes: int, samples: int) -> Any:
    z, labels = made_layer(nodes, samples)

    def run() -> Any:
        return np.array([[fitted(row[labels == c], row) for c in range(CLASSES)] for row in z])

    return run, lambda log_density: log_density


def compare_kernel_densities(nodes: int, samples: int) -> list[Row]:
    """Against scikit-learn everywhere, and against KDEpy where that is accurate."""
    ours, exact = side(kernel_densities, nodes, samples), side(scikit_learn, nodes, samples, repeat=1)
    error = float(np.abs(ours.result - exact.result).max())
    if error > 1e-4:
        raise AssertionError(f"log densities differ by {error} nats")
    what = f"class log densities of {samples:,} samples x {nodes} node{'s' if nodes > 1 else ''} x {CLASSES} classes"
    rows = [
        Row(
            "kde-sklearn",
            what,
            "scikit-learn KernelDensity",
            ">= 1,000x at <= 1e-4 nats, far tails included",
            ours,
            exact,
            exact.seconds >= 1000 * ours.seconds,
            f"largest error {error:.1e} nats; lowest log density {exact.result.min():.0f}",
        )
    ]
    try:
        import KDEpy  # noqa: F401
    except ImportError:
        return rows
    fft = side(kdepy, nodes, samples)
    wrong = np.abs(fft.result - exact.result)
    accurate = float((wrong < 1e-4).mean())
    rows.append(
        Row(
            "kde-fft",
            what,
            f"KDEpy FFTKDE on {FFT_GRID:,} points",
            ">= 20x where KDEpy is accurate",
            ours,
            fft,
            fft.seconds >= 20 * ours.seconds,
            f"KDEpy is within 1e-4 nats for {100 * accurate:.0f} % of the values, worst {wrong.max():.0f} nats off",
        )
    )
    return rows
