"""Signal propagation: deep untrained networks on random data, forward and backward, with statistics and histograms."""

import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from measure import Measured, Row, cores, side

FUNCTIONS = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "softplus", "gelu", "silu")
BINS = 60


def _dataset(width: int, samples: int) -> Any:
    from nodescope.datasets import PreparedDataset
    from nodescope.datasets.splits import Splits

    random = np.random.default_rng(0)
    x = random.standard_normal((samples, width), np.float32)
    everything = np.arange(samples)
    splits = Splits(everything, everything[:1], everything[:1])
    return PreparedDataset(x, random.integers(0, 10, samples), splits, list(map(str, range(10))))


def _network(depth: int, width: int, function: str) -> Any:
    from nodescope.networks import NetworkShape, build_network, initialise_stack

    shape = NetworkShape("mlp", (width,), 10, depth, width, function, False, "lecun_normal", "none")
    network = build_network(shape).eval()
    network.load_state_dict(initialise_stack(shape, [0]).network_tensors(0))
    return shape, network


def _ours(depth: int, width: int, samples: int, function: str) -> Any:
    """What the workflow does: save and record the network, measure the recording and the network."""
    from nodescope.measuring.networks import analyse_networks
    from nodescope.measuring.runner import analyse_configuration, checked_options
    from nodescope.networks import load_network, save_network
    from nodescope.recording.recorder import record_configuration
    from nodescope.study.layout import model_path

    dataset = _dataset(width, samples)
    of_layers = checked_options(
        {"statistics": {"splits": ["train"]}, "layer_distributions": {"splits": ["train"], "bins": BINS}}
    )
    with tempfile.TemporaryDirectory() as folder:
        models, activations = Path(folder) / "models", Path(folder) / "activations"
        shape, network = _network(depth, width, function)
        save_network(model_path(str(models), 0, "initial"), shape, network.state_dict())
        record_configuration(
            models, activations, dataset, "random", [0], ["initial"], positions="summary", random_inputs=0
        )
        tables = analyse_configuration(of_layers, str(activations), "net", [0], ["initial"], 0.0)
        of_networks = checked_options({"gradients": {"samples": samples}})
        tables |= analyse_networks(
            of_networks,
            lambda seed, state: load_network(model_path(str(models), seed, state)),
            dataset,
            "net",
            [0],
            ["initial"],
            "cross_entropy",
        )
    statistics, gradients = tables["statistics"], tables["gradients"]
    forward = statistics.select("layer", "kind", "mean", "std", "skew", "kurtosis").sort("kind", "layer")
    backward = gradients.filter(
        gradients["name"] != "output", gradients["quantity"].is_in(["activation", "pre_activation"])
    )
    return np.vstack(
        [
            frame.sort(name, "layer").select("std", "kurtosis").to_numpy()
            for frame, name in ((forward, "kind"), (backward, "quantity"))
        ]
    )


def _by_hand(depth: int, width: int, samples: int, function: str) -> Any:
    """The same by hooks that keep every tensor, and scipy and NumPy on each."""
    import torch
    from scipy import stats
    from torch.nn import functional

    from nodescope.networks import hidden_layers

    dataset = _dataset(width, samples)
    everything = dataset.splits.train
    x, y = torch.from_numpy(dataset.inputs(everything)), torch.from_numpy(dataset.labels(everything))
    _, network = _network(depth, width, function)
    kept: dict[str, list[Any]] = {"z": [], "a": []}

    def keep(kind: str, tensor: Any) -> None:
        tensor.retain_grad()
        kept[kind].append(tensor)

    for module in hidden_layers(network).values():
        module.register_forward_pre_hook(lambda _, inputs: keep("z", inputs[0]))
        module.register_forward_hook(lambda _, __, output: keep("a", output))
    functional.cross_entropy(network(x), y, reduction="sum").backward()

    def describe(values: Any) -> list[float]:
        flat = values.numpy().ravel().astype(np.float64)
        flat.mean(), flat.min(), flat.max(), stats.skew(flat), np.histogram(flat, BINS)
        return [flat.std(), stats.kurtosis(flat)]

    forward = [describe(tensor.detach()) for kind in ("a", "z") for tensor in kept[kind]]
    backward = [describe(tensor.grad) for kind in ("a", "z") for tensor in kept[kind]]
    return np.array(forward + backward)


def _one_thread() -> None:
    import polars  # noqa: F401
    import scipy.stats  # noqa: F401
    import torch

    torch.set_num_threads(1)


def propagate(way: str, depth: int, width: int, samples: int, functions: tuple[str, ...], processes: int) -> Any:
    """All functions, as many at a time as there are processes; what they import is not timed."""
    run_one = {"ours": _ours, "by hand": _by_hand}[way]
    jobs = [(depth, width, samples, function) for function in functions]

    def run() -> Any:
        started = time.perf_counter()
        found = pool.starmap(run_one, jobs, chunksize=1)
        seconds = time.perf_counter() - started
        pool.close()
        pool.join()  # a process' memory is known when it has ended, which takes as long as some functions
        return seconds, np.array(found)

    pool = multiprocessing.get_context("spawn").Pool(processes, _one_thread)
    pool.starmap(run_one, [(2, 8, 64, "relu")] * processes, chunksize=1)
    return run, lambda found: found


def compare_propagation(depth: int, width: int, samples: int, functions: tuple[str, ...] = FUNCTIONS) -> Row:
    """Ours against hooks that keep all tensors, scipy and NumPy."""
    n = cores()
    sides = []
    for way in ("ours", "by hand"):
        found = side(propagate, way, depth, width, samples, functions, n, repeat=1)
        sides.append((Measured(found.result[0], found.peak_mb, None), found.result[1]))
    (ours, ours_found), (theirs, theirs_found) = sides
    np.testing.assert_allclose(ours_found, theirs_found, rtol=1e-2, atol=1e-3)
    arithmetic = 4 * 2.0 * samples * width**2 * depth * len(functions)  # recorded once, forward, and backward twice
    values = 4 * samples * width * depth * len(functions)
    return Row(
        "propagation",
        f"signal propagation of {depth} x {width}, {samples:,} samples, {len(functions)} functions",
        "hooks that keep all tensors, scipy.stats, numpy.histogram",
        "< 30 s on two cores",
        ours,
        theirs,
        ours.seconds < 30,
        f"{arithmetic / ours.seconds / 1e9:.0f} GFLOP/s, {values / ours.seconds / 1e6:.0f} million values described a second",
    )
