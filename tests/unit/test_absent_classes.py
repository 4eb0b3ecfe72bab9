"""A class that is absent from a split is null in what is measured of it there, and stops nothing."""

from importlib import import_module

import numpy as np
import polars as pl
import pytest
from conftest import tables_of

from nodescope.charts.context import Context
from nodescope.charts.files import static_figures
from nodescope.charts.registry import CHARTS
from nodescope.charts.specification import specification
from nodescope.config.charts import Charts
from nodescope.config.loading import parse_config
from nodescope.config.study import Study
from nodescope.datasets import load, preparing
from nodescope.study.axes import Configurations

pytestmark = pytest.mark.slow

#: Classes that the official samples of a split do not have.
ABSENT = {"test": [2, 3], "validation": [0]}


def official_arrays():
    """Four classes in five features; the test and the validation samples lack some of them."""
    random = np.random.default_rng(3)
    centres = random.normal(0, 2, (4, 5))
    arrays = {}
    for ending, n, absent in (("", 90, []), ("_val", 31, ABSENT["validation"]), ("_test", 29, ABSENT["test"])):
        y = random.choice([c for c in range(4) if c not in absent], n)
        arrays[f"x{ending}"] = (centres[y] + random.normal(size=(n, 5))).astype(np.float32)
        arrays[f"y{ending}"] = y
    return arrays


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    path = tmp_path_factory.mktemp("data") / "official.npz"
    np.savez(path, **official_arrays())
    return parse_config(
        {
            "studies": [
                {
                    "name": "official",
                    "dataset": {"source": "npz", "name": "official", "path": str(path)},
                    "grid": {"depth": [2], "width": [5], "activation": ["relu", "tanh"], "batch_norm": [True]},
                    "seeds": [0, 1],
                    "training": {"epochs": 3, "batch_size": 16, "learning_rates": [0.01], "refinement_rounds": 0},
                    "pattern_evolution": {"split": "validation"},
                    "works": ["pretorius"],
                    "analyses": {
                        name: {"splits": ["train", "validation", "test"]}
                        for name in ("distributions", "densities", "node_histograms")
                    },
                }
            ]
        }
    ).studies[0]


@pytest.fixture(scope="module")
def tables(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("official")
    preparing.check(study.dataset, ".", download=False)
    preparing.prepare(study.dataset, ".", folder / "prepared.npz", download=False)
    return tables_of(study, load(folder / "prepared.npz"), folder)


def of_absent(frame):
    return pl.any_horizontal(
        (pl.col("split") == split) & pl.col("class").is_in(classes) for split, classes in ABSENT.items()
    )


def test_no_table_holds_a_number_that_is_none(tables):
    for name, frame in tables.items():
        for column in frame.select(pl.selectors.float()).columns:
            assert not frame[column].is_nan().any() and not frame[column].is_infinite().any(), (name, column)


@pytest.mark.parametrize(
    ("table", "column"), [("activity", "active_share"), ("medians", "median"), ("densities", "density")]
)
def test_what_is_measured_of_a_class_is_null_where_it_is_absent_and_only_there(tables, table, column):
    frame = tables[table].with_columns(absent=of_absent(tables[table]))
    assert set(frame.filter("absent")["split"]) == set(ABSENT)
    assert (frame["absent"] == frame[column].is_null()).all()


def test_histograms_count_no_sample_of_an_absent_class(tables):
    per_bin = tables["distributions"].filter(of_absent(tables["distributions"]))
    assert len(per_bin) and per_bin["count"].sum() == 0
    per_node = tables["node_histograms"].filter(of_absent(tables["node_histograms"]))
    assert len(per_node) and per_node["counts"].list.sum().sum() == 0 and per_node["bandwidth"].is_null().all()


def test_what_is_measured_of_all_samples_is_there_in_every_split(tables):
    for table, column in (
        ("layer_accuracy", "accuracy"), ("accuracy", "accuracy"), ("sparsity", "sparsity"), ("dead_nodes", "dead"),
        ("patterns", "entropy_bits"), ("statistics", "mean"),
    ):  # fmt: skip
        frame = tables[table]
        assert set(frame["split"]) == {"train", "validation", "test"}
        assert not frame[column].is_null().any(), table


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_drawn(name, tables, study):
    context = Context(Charts(), [str(c) for c in range(4)], Configurations.of(study))
    needed = {table: tables[table] for table in CHARTS[name].tables}
    for figure in import_module(f"nodescope.charts.gallery.{name}").figures(needed, context):
        for _, spec, frame in static_figures(figure, context):
            assert "NaN" not in str(spec)
            assert all_finite(frame)
        if figure.chart is not None:  # what the page holds beside what is shown at first
            assert all(all_finite(frame) for frame in specification(figure.chart)[1].values()), figure.name


def all_finite(frame):
    return all(frame[column].drop_nulls().is_finite().all() for column in frame.select(pl.selectors.float()).columns)
