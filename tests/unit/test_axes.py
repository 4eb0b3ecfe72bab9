"""A study's axes are data: with other axes, or none, its tables still become findings, figures and a page."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodescope.charts.context import Context
from nodescope.charts.drawing import draw
from nodescope.charts.registry import CHARTS, WITHOUT_TABLE, reason_to_leave_out
from nodescope.config.analyses import Analyses
from nodescope.config.charts import Charts
from nodescope.config.diagnosis import Diagnosis
from nodescope.findings.comparisons import compare_configurations
from nodescope.findings.diagnosis import compare_remedies, diagnose
from nodescope.findings.divergence import divergences, results_of
from nodescope.report import build
from nodescope.storage.json_files import read_json, write_json
from nodescope.storage.tables import write_table
from nodescope.study.axes import Axis, Configurations, describe
from nodescope.study.collection import collect_tables
from nodescope.study.layout import StudyFiles, description_path

pytestmark = pytest.mark.slow

#: The columns of the built-in families, which no other study has.
FAMILY = ["dataset", "model", "depth", "width", "activation", "batch_norm"]
#: For each case the values of the axes of the networks, by their number.
CASES = {"two axes": lambda i: {"size": 10 * (i // 2), "run": "ab"[i % 2]}, "no axis": lambda _: {}}

values = st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@given(st.dictionaries(st.text(min_size=1), st.tuples(values, values), max_size=4))
def test_configurations_come_back_as_they_were_written(tmp_path_factory, axes):
    path = tmp_path_factory.mktemp("axes") / "configurations.json"
    written = Configurations.plain({f"net-{i}": {name: both[i] for name, both in axes.items()} for i in range(2)})
    written.write(path)
    read = Configurations.read(path)
    assert read == written
    assert read.frame().equals(written.frame()) and read.labels == written.labels


def test_the_key_columns_of_collected_tables_have_the_types_of_their_values():
    keys = {
        "a": {"flag": True, "size": 1, "rate": 0.5, "run": "x"},
        "b": {"flag": False, "size": 2**40, "rate": 1, "run": ""},
    }
    frame = Configurations.plain(keys).frame()
    assert frame.schema == {
        "configuration": pl.String,
        "flag": pl.Boolean,
        "size": pl.Int64,
        "rate": pl.Float64,
        "run": pl.String,
    }
    small = Configurations.plain({"a": {"size": 1}})
    assert small.collected(pl.DataFrame({"configuration": ["a"], "seed": [0]})).columns == [
        "configuration",
        "size",
        "seed",
    ]
    assert small.frame().schema["size"] == pl.Int32


def test_a_study_without_axes_calls_its_networks_by_their_identifiers():
    found = Configurations.plain({"resnet": {}, "vgg": {}})
    assert found.labels == {"resnet": "resnet", "vgg": "vgg"}
    assert found.series("vgg") == "vgg" and found.columns == ["configuration"]
    assert found.baselines() == {"resnet": "resnet", "vgg": "resnet"}


def test_axes_of_size_are_joined_where_all_are_named():
    axes = [
        Axis("rows", "rows", (2, 3), ("2 rows", "3 rows"), is_size=True),
        Axis("columns", "columns", (4,), ("4 columns",), is_size=True),
        Axis("run", "run", ("a",), ("run a",), rank=0),
    ]
    assert describe(axes, {"rows": 2, "columns": 4, "run": "a"}) == "run a 2x4"
    assert describe(axes, {"rows": 2, "run": "a"}) == "run a 2 rows"


@pytest.fixture(params=CASES)
def others(request, small_study, small_tables):
    """The tables of the small study as if its networks came from elsewhere, and their configurations."""
    made = Configurations.of(small_study).identifiers
    names = {identifier: f"net-{i}" for i, identifier in enumerate(made)}
    found = Configurations.plain({name: CASES[request.param](i) for i, name in enumerate(names.values())})
    found = replace(found, seeds=tuple(small_study.seeds), states=("initial", "trained"))
    own = {
        name: frame.drop(FAMILY).with_columns(pl.col("configuration").replace_strict(names))
        for name, frame in small_tables.items()
        if "configuration" in frame.columns
    }
    return own, found


def test_tables_of_other_axes_are_collected_and_have_findings(others, tmp_path):
    own, found = others
    files = StudyFiles(tmp_path)
    for identifier in found.identifiers:
        for name in ("learning_curves", "accuracy", "replicas", "sparsity", "statistics", "dead_nodes", "gradients"):
            write_table(own[name].filter(configuration=identifier), files.table_of(name, identifier))
    training = ["learning_curves", "accuracy", "replicas"]
    measured = ["sparsity", "sparsity_summary", "statistics", "dead_nodes", "gradients"]
    collect_tables([*training, *measured], found, files, Analyses())
    tables = {path.stem: pl.read_parquet(path) for path in files.tables.glob("*.parquet")}
    for frame in tables.values():
        assert frame.columns[: len(found.columns)] == found.columns
    diagnosis = diagnose(tables, Diagnosis(), found)
    assert set(diagnosis["problem"]) == {"vanishing_gradient", "exploding_gradient", "dead_nodes", "saturation"}
    answers = {name: {seed: np.arange(20) < 10 + seed for seed in (0, 1)} for name in found.identifiers}
    results = results_of(tables["accuracy"], tables["replicas"])
    for frame in (
        compare_configurations(results, answers, found),
        compare_remedies(results, diagnosis, answers, found),
    ):
        assert frame.columns[: len(found.columns)] == found.columns
        assert set(frame["configuration"]) == set(found.identifiers)
    said = divergences(found, tables["replicas"], tables["learning_curves"].lazy())
    assert [(one.identifier, one.diverged) for one in said] == [("net-4", 2)]


def test_figures_and_page_of_other_axes(others, small_study, tmp_path):
    own, found = others
    files = StudyFiles.of("small", tmp_path / "results")
    for name, frame in own.items():
        write_table(found.collected(frame), files.table(name))
    found.write(files.configurations)
    write_json(files.settings, small_study.model_copy(update={"works": []}).model_dump(mode="json"))
    description = description_path(small_study.dataset, tmp_path / "results")
    write_json(description, {
        "source": {"name": "blobs"}, "samples": 120, "classes": ["a", "b", "c"],
        "splits": {"train": {"samples": 80}, "validation": {"samples": 20}, "test": {"samples": 20}},
    })  # fmt: skip
    reasons = {
        name: reason_to_leave_out(
            chart, own, found.axis_names, trained=True, accuracy=True, snapshots=True, classes=True
        )
        for name, chart in CHARTS.items()
    }
    left_out = {name: reason for name, reason in reasons.items() if reason}
    assert left_out == {
        "activation_functions": "the study has no axis activation",
        "scorecard": WITHOUT_TABLE["scorecard"],
    }
    drawn = [name for name in CHARTS if name not in left_out]
    context = Context.read(files, description, Charts())
    data = tmp_path / "reports" / "data" / "small"
    draw("small", drawn, files, context, data, left_out=left_out)
    index = read_json(files.figure_index)
    assert {entry["chart"] for entry in index["figures"]} == set(drawn)
    assert all("depth" not in path.read_text(encoding="utf-8") for path in data.glob("*.js"))
    page = tmp_path / "reports" / "index.html"
    build(page, "Networks from elsewhere", ["small"], tmp_path / "results", Charts())
    text = page.read_text(encoding="utf-8")
    assert json.dumps(found.label("net-0")) in text and "the study has no axis activation" in text
