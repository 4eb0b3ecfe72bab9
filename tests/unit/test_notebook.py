"""Results and recordings in Python: tables as polars frames, figures as altair charts, analyses without a workflow."""

import json
import subprocess
import sys

import altair as alt
import numpy as np
import polars as pl
import pytest
import vl_convert
from conftest import random_layer, shared_folder, write_layer
from polars.testing import assert_frame_equal
from test_analyses import ANALYSES
from test_analyses import measure as measured
from test_charts_and_report import build_page

import nodescope
from nodescope.analyses import registered
from nodescope.messages.errors import ConfigError, RecordingError, UnknownNameError
from nodescope.recording import read
from nodescope.study.layout import activation_path

CHARTS = ["test_accuracy", "medians", "dead_nodes", "distributions", "layer_statistics"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, small_study, small_tables):
    """The results of a small study whose figures are drawn."""
    path = tmp_path_factory.mktemp("notebook")
    build_page(path, small_study, small_tables, CHARTS)
    return path / "results"


def shown(chart):
    """The data of a chart, which is drawn."""
    specification = chart.to_dict()
    assert vl_convert.vegalite_to_svg(specification).startswith("<svg")
    return [row for rows in specification["datasets"].values() for row in rows]


def refused(error, function, *arguments, **named):
    with pytest.raises(error) as caught:
        function(*arguments, **named)
    return str(caught.value)


# --- open ---


def test_a_study_is_opened_by_its_folder_or_from_all(folder):
    for results in (nodescope.open(folder / "small"), nodescope.open(str(folder)), nodescope.open(folder)["small"]):
        assert results.studies == ["small"] and {"medians", "accuracy"} <= set(results.tables)
        assert "small" in repr(results)


def test_tables_are_the_collected_ones_filtered_by_columns(folder, small_tables):
    results = nodescope.open(folder / "small")
    assert_frame_equal(results.table("sparsity"), small_tables["sparsity"])
    found = results.table("medians", activation="relu", depth=2, seed=[0, 1], state="trained", split="test", class_=1)
    expected = small_tables["medians"].filter(
        pl.col("activation") == "relu", pl.col("depth") == 2, pl.col("seed").is_in([0, 1]), pl.col("state") == "trained",
        pl.col("split") == "test", pl.col("class") == 1,
    )  # fmt: skip
    assert len(found)
    assert_frame_equal(found, expected)


def test_findings_are_a_frame_with_what_may_be_said_first(small_tables, small_study, tmp_path_factory):
    found = nodescope.open(shared_folder(tmp_path_factory) / "small" / small_study.name).findings
    assert found.columns == ["name", "chapter", "sentence", "value", "low", "high", "said", "reason"]
    assert found["name"][0] == "divergence" and found["said"].to_list() == sorted(found["said"], reverse=True)
    assert (found.filter("said")["reason"] == "").all() and (found.filter(~pl.col("said"))["reason"] != "").all()


def test_a_null_is_asked_for_as_none(folder):
    found = nodescope.open(folder / "small").table("replicas", diverged_epoch=None)
    assert len(found) and found["diverged_epoch"].null_count() == len(found)


@pytest.mark.parametrize(
    ("arguments", "where", "said"),
    [
        (["medain"], {}, "There is no table 'medain'; did you mean 'medians'? There are: "),
        (["medians"], {"widht": 6}, "no column of table medians 'widht'; did you mean 'width'?"),
        (
            ["medians"],
            {"split": "tset"},
            "No row of table medians has split 'tset'; did you mean 'test'? There are: test,",
        ),
        (["medians"], {"depth": [1, 7]}, "No row of table medians has depth 7. There are: 1, 2."),
    ],
)
def test_a_name_that_is_not_there_is_answered_with_those_that_are(folder, arguments, where, said):
    assert said in refused(UnknownNameError, nodescope.open(folder / "small").table, *arguments, **where)


def test_a_folder_without_results_is_answered_with_those_beside_it(folder):
    assert "did you mean 'small'?" in refused(UnknownNameError, nodescope.open, folder / "smal")


def test_of_several_studies_one_is_to_be_chosen(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    results = nodescope.open(tmp_path)
    assert results.studies == ["one", "two"] and results["two"].studies == ["two"]
    assert "several studies: one, two" in refused(UnknownNameError, lambda: results.tables)
    assert "did you mean 'two'?" in refused(UnknownNameError, lambda: results["tow"])
    assert "No figures are drawn of one yet" in refused(UnknownNameError, lambda: results["one"].figures)


@pytest.mark.parametrize("name", ["test-accuracy", "medians", "dead-nodes", "distributions", "layer-statistics"])
def test_every_figure_is_a_chart_that_can_be_drawn(folder, name):
    results = nodescope.open(folder / "small")
    assert name in results.figures
    chart = results.figure(name)
    assert isinstance(chart, alt.TopLevelMixin) and shown(chart)


def test_a_figure_shows_what_is_selected(folder):
    results = nodescope.open(folder / "small")
    rows = shown(results.figure("dead-nodes", activation="sigmoid", split="test", state="initial", seed=1))
    assert rows and {(row["activation"], row["split"], row["state"], row["seed"]) for row in rows} == {
        ("sigmoid", "test", "initial", "1")
    }
    first = shown(results.figure("distributions"))
    assert len({row["configuration"] for row in first}) == 2
    chosen = shown(results.figure("distributions", depth=1, batch_norm=True))
    assert {row["configuration"] for row in chosen} == {"relu-1x6-bn", "sigmoid-1x6-bn"}
    panel = results.figure("medians", configuration="sigmoid-2x6", state="initial")
    assert "sigmoid 2x6" in json.dumps(panel.to_dict()) and vl_convert.vegalite_to_svg(panel.to_dict())


@pytest.mark.parametrize(
    ("name", "selection", "said"),
    [
        ("dead-node", {}, "There is no figure 'dead-node'; did you mean 'dead-nodes'?"),
        ("dead-nodes-table", {}, "There is no figure 'dead-nodes-table'"),
        ("dead-nodes", {"actvation": "relu"}, "'actvation'; did you mean 'activation'?"),
        (
            "dead-nodes",
            {"state": "trainde"},
            "No row of figure dead-nodes has state 'trainde'; did you mean 'trained'?",
        ),
        ("medians", {"configuration": "relu-9x9"}, "has configuration 'relu-9x9'; did you mean 'relu-"),
    ],
)
def test_a_selection_that_is_not_there_is_answered_with_what_is(folder, name, selection, said):
    assert said in refused(UnknownNameError, nodescope.open(folder / "small").figure, name, **selection)


# --- measure ---


def recorded(folder, splits=None):
    splits = splits or random_layer()
    for split, (z, labels) in splits.items():
        for layer in (1, 2):
            write_layer(folder, split, z * layer, labels, 3, layer=layer)
        write_layer(folder, split, np.eye(3)[labels].T, labels, 3, activation="identity", layer="output")
    return folder, splits


OF_LAYERS = [name for name in ANALYSES if registered()[name].scope == "layer"]


@pytest.mark.parametrize("name", sorted(set(ANALYSES) - set(OF_LAYERS)))
def test_what_compares_recordings_takes_a_folder_and_no_single_layer(tmp_path, name):
    folder, _ = recorded(tmp_path / "net")
    assert "seed" in nodescope.measure(folder, name).columns
    path = activation_path(str(folder), 0, "trained", "test", 1)
    assert "Hint: name the folder of the configuration." in refused(ConfigError, nodescope.measure, str(path), name)


@pytest.mark.parametrize("name", OF_LAYERS)
def test_a_folder_is_measured_as_the_workflow_measures_it(tmp_path, make_layer, name):
    folder, splits = recorded(tmp_path / "net")
    found = nodescope.measure(folder, name)
    assert found.columns[:3] == ["seed", "state", "split"] and set(found["layer"]) == {1, 2}
    expected = measured(name, make_layer(splits))
    assert_frame_equal(found.filter(layer=1).drop("seed", "state", "layer"), expected)


@pytest.mark.parametrize("name", OF_LAYERS)
def test_a_layer_is_measured_from_its_file_or_as_it_was_read(tmp_path, make_layer, name):
    folder, splits = recorded(tmp_path / "net")
    path = activation_path(str(folder), 0, "trained", "test", 1)
    frames = [nodescope.measure(given, name) for given in (str(path), read(path))]
    assert_frame_equal(*frames)
    alone = make_layer({"train": splits["test"]})
    expected = measured(name, alone, splits=["train"]).drop("split")
    ignored = {"layer_accuracy": ["network_accuracy"], "collapse": ["nc4"]}.get(
        name, []
    )  # there is no output beside it
    assert_frame_equal(frames[0].drop(ignored), expected.drop(ignored))


def test_a_file_of_another_framework_is_measured_without_being_taken_in(tmp_path):
    values = np.random.default_rng(0).normal(size=(20, 3))
    np.save(tmp_path / "layer.npy", values)
    found = nodescope.measure(tmp_path / "layer.npy", "activity", theta_threshold=0.5)
    assert found.columns == ["node", "class", "active_share"]
    assert found["active_share"].to_list() == pytest.approx((values.astype(np.float32) > 0.5).mean(axis=0))
    assert [path.name for path in tmp_path.iterdir()] == ["layer.npy"]


def test_options_are_those_of_the_analysis(tmp_path):
    folder, _ = recorded(tmp_path / "net")
    found = nodescope.measure(folder, "distributions", nodes=[1], bins=7, splits=["test"])
    assert set(found["node"]) == {1} and set(found["split"]) == {"test"}
    assert len(found) == 2 * 3 * 2 * 7  # layers, classes, kinds, bins


def test_splits_that_are_not_recorded_are_not_asked_for(tmp_path):
    splits = random_layer()
    folder, _ = recorded(tmp_path / "net", {"test": splits["test"]})
    assert set(nodescope.measure(folder, "node_histograms")["split"]) == {"test"}


@pytest.mark.parametrize(
    ("error", "name", "options", "said"),
    [
        (UnknownNameError, "median", {}, "There is no analysis 'median'; did you mean 'medians'?"),
        (ConfigError, "gradients", {}, "The analysis gradients looks at networks, not at recordings"),
        (ConfigError, "distributions", {"bin": 3}, "distributions, bin: there is no such option; did you mean 'bins'?"),
        (ConfigError, "distributions", {"bins": 1}, "distributions, bins: Input should be greater than or equal to 2."),
    ],
)
def test_what_cannot_be_measured_is_said(tmp_path, error, name, options, said):
    folder, _ = recorded(tmp_path / "net")
    assert said in refused(error, nodescope.measure, folder, name, **options)


def test_layers_as_classifiers_need_classes_and_a_folder_needs_recordings(tmp_path):
    np.save(tmp_path / "layer.npy", np.ones((4, 2)))
    assert "layer_accuracy needs classes" in refused(
        ConfigError, nodescope.measure, tmp_path / "layer.npy", "layer_accuracy"
    )
    assert "has no recordings" in refused(RecordingError, nodescope.measure, tmp_path, "medians")
    assert "There is no file" in refused(RecordingError, nodescope.measure, tmp_path / "none.parquet", "medians")


# --- the package's face ---


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, nodescope; print([m for m in ('torch', 'polars', 'numpy', 'altair', 'numba') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_every_public_function_is_there_and_documented():
    for name in nodescope.__all__:
        assert getattr(nodescope, name).__doc__, name
