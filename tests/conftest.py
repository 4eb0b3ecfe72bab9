"""Fixtures: recorded layers made of arrays, and a small study run through all analyses."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
import warm_server
from hypothesis import HealthCheck, settings
from tasks_report import TasksReport, build_into

import nodescope
from nodescope.config.loading import parse_config
from nodescope.config.study import Study
from nodescope.datasets import PreparedDataset
from nodescope.datasets.splits import Splits
from nodescope.jobs import dependencies
from nodescope.measuring.layers import RecordedLayer
from nodescope.recording import LayerMetadata, write
from nodescope.storage.json_files import write_json
from nodescope.storage.tables import read_table
from nodescope.study.contents import table_names
from nodescope.study.layout import StudyFiles, activation_path, description_path, prepared_path
from nodescope.workflow import Workflow, run_study

torch.set_num_threads(1)

# Laws are about values: how long a case takes says how busy the machine is.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

#: Faults, fuzzing and laws at length, and their figures into docs/reliability.md (`make reliability`).
LONG = os.environ.get("NODESCOPE_LONG") == "1"

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def figures():
    """What tests count of faults and inputs tried; at length, docs/reliability.md is written from it."""
    counted: dict[str, object] = {}
    yield counted
    if LONG and counted:
        from reliability import write_reliability

        write_reliability(counted)


class PackageCopy:
    """A copy of the package's sources, which `nodescope.jobs.dependencies` takes for the installed package."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def edited(self, *names):
        """Some modules with a line more; each by its path in the package."""
        before = {name: (self.folder / name).read_text() for name in names}
        for name, text in before.items():
            (self.folder / name).write_text(f"{text}\n# an edit\n")
        try:
            yield
        finally:
            for name, text in before.items():
                (self.folder / name).write_text(text)


@contextmanager
def taken_for_the_package(folder, monkeypatch):
    """Another folder of sources in place of the installed package, for `nodescope.jobs.dependencies`."""
    cached = (dependencies.imports_of, dependencies._path, dependencies._passed_on)
    with monkeypatch.context() as patched:
        patched.setattr(nodescope, "__file__", str(folder / "__init__.py"))
        for function in cached:
            function.cache_clear()
        yield
    for function in cached:
        function.cache_clear()


@pytest.fixture
def package_copy(tmp_path, monkeypatch):
    folder = tmp_path / "nodescope"
    shutil.copytree(dependencies.source_folder(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    with taken_for_the_package(folder, monkeypatch):
        yield PackageCopy(folder)


def write_layer(folder, split, z, labels, n_classes, *, activation="relu", layer=1, samples=None):
    """Write [J, N] pre-activations as a recorded layer of seed 0, state trained; rows are sorted by label."""
    order = np.argsort(labels, kind="stable")
    metadata = LayerMetadata(
        "made", f"layer-{layer}", activation, (len(z),), tuple(f"class {c}" for c in range(n_classes))
    )
    write(
        str(activation_path(str(folder), 0, "trained", split, layer)),
        np.ascontiguousarray(np.asarray(z, np.float32)[:, order]),
        np.asarray(labels, np.int32)[order],
        (np.arange(len(labels)) if samples is None else samples).astype(np.int32)[order],
        metadata,
    )


@pytest.fixture
def make_layer(tmp_path):
    """Make a `RecordedLayer` from {split: (z [J, N], labels [N])}."""
    made = 0

    def make(splits, n_classes=3, *, activation="relu", theta_threshold=0.0):
        nonlocal made
        made += 1
        folder = tmp_path / f"recorded-{made}"
        for split, (z, labels) in splits.items():
            write_layer(folder, split, z, labels, n_classes, activation=activation)
            logits = np.eye(n_classes)[np.asarray(labels)].T if len(labels) else np.empty((n_classes, 0))
            write_layer(folder, split, logits, labels, n_classes, activation="identity", layer="output")
        return RecordedLayer(str(folder), 0, "trained", 1, theta_threshold)

    return make


def random_layer(seed=0, nodes=6, samples=120, n_classes=3):
    """Random pre-activations with class-dependent means, {split: (z, labels)}."""
    random = np.random.default_rng(seed)
    centre = random.normal(0, 2, (nodes, n_classes))
    splits = {}
    for split, n in (("train", samples), ("validation", samples // 2), ("test", samples // 2)):
        labels = random.integers(0, n_classes, n)
        labels[:n_classes] = np.arange(n_classes)
        splits[split] = ((centre[:, labels] + random.normal(size=(nodes, n))).astype(np.float32), labels)
    return splits


def small_dataset(seed=0, samples=120, features=5, classes=3):
    """Three blobs."""
    random = np.random.default_rng(seed)
    y = np.arange(samples) % classes
    x = (random.normal(0, 2, (classes, features))[y] + random.normal(size=(samples, features))).astype(np.float32)
    order = random.permutation(samples)
    splits = Splits(np.sort(order[:80]), np.sort(order[80:100]), np.sort(order[100:]))
    return PreparedDataset(x, y.astype(np.int64), splits, [f"class {c}" for c in range(classes)])


@pytest.fixture(scope="session")
def small_study() -> Study:
    return parse_config(
        {
            "studies": [
                {
                    "name": "small",
                    "dataset": {"source": "npz", "name": "blobs", "path": "unused.npz"},
                    "grid": {
                        "depth": [1, 2],
                        "width": [6],
                        "activation": ["relu", "sigmoid"],
                        "batch_norm": [False, True],
                    },
                    "seeds": [0, 1],
                    "training": {"epochs": 4, "batch_size": 16, "learning_rates": [0.01], "snapshots": [2]},
                    "pattern_evolution": {},
                    "works": ["pretorius", "hartmann", "park"],
                }
            ]
        }
    ).studies[0]


@pytest.fixture(scope="session")
def small_tables(small_study, tmp_path_factory) -> dict[str, pl.DataFrame]:
    """All collected tables of the small study, of real nets. One net is spoilt, as a diverged one would be."""
    folder = shared_folder(tmp_path_factory) / "small"
    with locked(folder):
        if not folder.exists():
            made = folder.with_name("small-in-the-making")
            tables_of(small_study, small_dataset(), made, spoilt="relu-2x6")
            made.rename(folder)
    files = StudyFiles.of(small_study.name, folder)
    return {name: read_table(files.table(name)) for name in table_names(small_study)}


@pytest.fixture(scope="session")
def tasks_report(tmp_path_factory) -> TasksReport:
    """The report of three studies on which tests do what a reader does; built once for all processes of this test run."""
    folder = shared_folder(tmp_path_factory) / "tasks"
    with locked(folder):
        if not folder.exists():
            made = folder.with_name("tasks-in-the-making")
            made.mkdir()
            build_into(made)
            made.rename(folder)
    return TasksReport(folder)


def shared_folder(tmp_path_factory) -> Path:
    """A temporary folder that all processes of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep the other processes of this test run out of the block."""
    with path.with_name(f"{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


#: Fixtures that run a study or draw a page.
SLOW_FIXTURES = {"small_tables", "page", "report", "tasks_report"}


def pytest_configure():
    warm_server.offer()


def pytest_collection_modifyitems(items):
    for item in items:
        if SLOW_FIXTURES & set(item.fixturenames):
            item.add_marker("slow")


class SpoiltWorkflow(Workflow):
    """The networks of one configuration diverge."""

    def __init__(self, study: Study, spoilt: str) -> None:
        super().__init__({"studies": [study.model_dump(mode="json")]})
        self.spoilt = spoilt

    def training(self, wildcards):
        given = super().training(wildcards)
        changes = {"learning_rates": [1e30], "refinement_rounds": 0}
        return given | changes if wildcards.configuration == self.spoilt else given


def write_prepared(dataset: PreparedDataset, study: Study, results: Path) -> None:
    """Put a data set where the study looks for it."""
    path = prepared_path(study.dataset, results)
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {"x": dataset.x, "y": dataset.y, "shift": dataset.shift, "scale": dataset.scale}
    np.savez(path, **arrays, **dict(dataset.splits.items()), class_names=np.array(dataset.class_names))
    splits = {
        split: {
            "samples": len(places),
            "per_class": np.bincount(dataset.y[places], minlength=len(dataset.class_names)).tolist(),
        }
        for split, places in dataset.splits.items()
    }
    description = {
        "classes": dataset.class_names,
        "samples": len(dataset.x),
        "shape": list(dataset.x.shape[1:]),
        "splits": splits,
    }
    write_json(description_path(study.dataset, results), description)


def tables_of(study: Study, dataset: PreparedDataset, folder: Path, spoilt: str = "") -> dict[str, pl.DataFrame]:
    """All collected tables of a study, of real nets; those of the configuration ``spoilt`` diverge."""
    write_prepared(dataset, study, folder)
    flow = SpoiltWorkflow(study, spoilt)
    run_study(flow, flow.studies[study.name], folder, draws=False)
    files = StudyFiles.of(study.name, folder)
    return {name: read_table(files.table(name)) for name in table_names(study)}
