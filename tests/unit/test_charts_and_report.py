"""Every chart is drawn from real tables, and the page shows hostile text as text."""

import base64
import gzip
import json
import re
import shutil
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from html.parser import HTMLParser
from importlib import import_module

import altair as alt
import numpy as np
import polars as pl
import pytest
import vl_convert

from nodescope.__main__ import main
from nodescope.analyses.sparsity import over_seeds as sparsity_summary
from nodescope.charts.context import Context
from nodescope.charts.drawing import draw, quantities_of
from nodescope.charts.figure import Figure
from nodescope.charts.files import static_figures, write_figure
from nodescope.charts.labels import percent, slug
from nodescope.charts.layer_lines import layer_lines
from nodescope.charts.packing import pack
from nodescope.charts.raster import matrix, scatter
from nodescope.charts.registry import CHARTS, charts_of
from nodescope.charts.seeds import over_seeds
from nodescope.charts.specification import filled, specification
from nodescope.charts.views import in_view
from nodescope.config.charts import Charts
from nodescope.findings.comparisons import ERRORS
from nodescope.messages.words import counted, named_seeds
from nodescope.numerics.intervals import wilson
from nodescope.report import build
from nodescope.report.overview import overview
from nodescope.storage.columns import Quantity, schema_of
from nodescope.storage.json_files import write_json
from nodescope.storage.tables import mean_over_seeds, write_table
from nodescope.study.axes import Axis, Configurations, describe_family
from nodescope.study.layout import StudyFiles, description_path
from nodescope.works import published_figures
from nodescope.works.registry import WORKS, works_of
from nodescope.works.scoring import score

pytestmark = pytest.mark.slow

#: Of a caption on the page; what is more stands in `Figure.about`.
MOST_WORDS = 35
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def context(small_study):
    return context_of(small_study)


@pytest.fixture(scope="module")
def drawn(small_tables, context):
    """The figures of a chart of the small study, which are made once: tests look at them and change nothing."""
    return cache(lambda name: figures_of(name, small_tables, context))


def context_of(study, **changes):
    names = ["class 0", "class 1", HOSTILE]
    works = works_of(study.works)
    configurations = Configurations.of(study)
    return replace(Context(Charts(), names, configurations, works), **changes)


def figures_of(name, tables, context) -> list[Figure]:
    chart = CHARTS[name]
    needed = {
        table: tables[table] for table in (*chart.tables, *chart.optional) if table in tables or table in chart.tables
    }
    return list(import_module(f"nodescope.charts.gallery.{name}").figures(needed, context))


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_drawn_and_says_what_to_read(name, drawn, context):
    figures = drawn(name)
    assert figures
    assert len({figure.name for figure in figures}) == len(figures)
    for figure in figures:
        assert len(figure.caption.split()) >= 8, figure.name
        assert figure.shown_in is not None or len(figure.caption.split()) <= MOST_WORDS, figure.name
        assert sum(part is not None for part in (figure.chart, figure.table, figure.nodes)) == 1
        specs = [spec for _, spec, _ in static_figures(figure, context) if spec is not None]
        assert specs or figure.table is not None
        for spec in specs[:3]:
            alt.Chart.from_dict(spec)  # which checks it against Vega-Lite's schema
            svg = vl_convert.vegalite_to_svg(spec)
            assert svg.startswith("<svg")
            assert "NaN" not in svg


@pytest.mark.parametrize(
    ("trained_with", "losses"),
    [
        (["cross_entropy"], {"cross-entropy": "loss"}),
        (["mean_squared_error"], {"mean squared error": "mean_squared_error"}),
        (
            ["mean_squared_error", "cross_entropy"],
            {"cross-entropy": "loss", "mean squared error": "mean_squared_error"},
        ),
    ],
)
def test_learning_curves_show_errors_and_what_was_trained_on(trained_with, losses, small_tables, context):
    sigmoid = pl.col("activation") == "sigmoid"
    objective = pl.when(sigmoid).then(pl.lit(trained_with[0])).otherwise(pl.lit(trained_with[-1]))
    replicas = small_tables["replicas"].with_columns(objective=objective)
    (figure,) = figures_of("learning_curves", {**small_tables, "replicas": replicas}, context)
    (data,) = specification(figure.chart)[1].values()
    assert data["measure"].unique(maintain_order=True).to_list() == ["error", *losses]
    assert set(figure.quantities) == {"error", *losses}
    keys = ["configuration", "seed", "learning_rate", "epoch", "split"]
    curves = small_tables["learning_curves"].with_columns(error=1 - pl.col("accuracy"))
    for title, column in {"error": "error", **losses}.items():
        shown = data.filter(pl.col("measure") == title, pl.col("role") == pl.col("split"))
        both = shown.join(curves.drop_nulls(column), on=keys)
        assert len(both) == len(shown) > 0
        positive = both.filter(pl.col(column) > 1e-9)
        assert positive["value"].to_list() == pytest.approx(positive[column].to_list(), abs=1e-8)
        # A logarithmic axis has no zero: half of the smallest other error.
        assert (both.filter(pl.col(column) <= 1e-9)["value"] <= positive["value"].min() / 2 + 1e-9).all()
    assert ("objective" in figure.about) == (len(trained_with) == 2)


@pytest.mark.parametrize(
    ("trained_with", "loss"),
    [
        (["cross_entropy"], "gradient of the cross-entropy"),
        (["mean_squared_error"], "gradient of the mean squared error"),
        (
            ["mean_squared_error", "cross_entropy"],
            "gradient of the loss that each network is trained with, the cross-entropy or the mean squared error",
        ),
    ],
)
def test_figures_of_gradients_say_of_which_loss(trained_with, loss, small_tables, context):
    objective = pl.when(batch_norm=True).then(pl.lit(trained_with[0])).otherwise(pl.lit(trained_with[-1]))
    measured = {name: small_tables[name].with_columns(objective=objective) for name in ("gradients", "local_gradients")}
    figures = [
        figure
        for name in ("signal_propagation", "local_gradients")
        for figure in figures_of(name, small_tables | measured, context)
        if "gradient" in figure.name
    ]
    assert [figure.name for figure in figures] == ["gradient-flow", "gradient-range", "local-gradients"]
    assert all(loss in figure.about for figure in figures)


def axes_of(spec):
    """Field and axis of every position encoding that writes its numbers in a way of its own."""
    if isinstance(spec, list):
        return [axis for part in spec for axis in axes_of(part)]
    if not isinstance(spec, dict):
        return []
    own = [(spec["field"], spec["axis"])] if "field" in spec and isinstance(spec.get("axis"), dict) else []
    return own + [axis for key, part in spec.items() if key != "datasets" for axis in axes_of(part)]


@pytest.mark.parametrize("name", CHARTS)
def test_an_axis_has_percent_signs_where_the_quantity_has_that_unit_and_nowhere_else(name, drawn):
    for figure in drawn(name):
        # Of panels of several quantities each has its own.
        if figure.chart is None or (figure.quantity_by and figure.quantity_by not in figure.view):
            continue
        quantities = quantities_of(name, figure)
        if figure.quantity_by:
            quantities = quantities | {figure.quantity: quantities[figure.view[figure.quantity_by]]}
        for field, axis in axes_of(specification(figure.chart)[0]):
            in_percent = field in quantities and quantities[field].unit == "%"
            assert axis.get("format", "").endswith("%") == in_percent, (figure.name, field)


def test_a_quantity_with_a_unit_of_its_own_shows_it_and_no_percent_sign(small_tables, context):
    rank = Quantity("effective rank", "dimensions", (0.0, None), ".1f")
    lines = over_seeds(small_tables["sparsity"], "sparsity")
    chart = json.dumps(specification(layer_lines(lines, context, rank))[0])
    assert "effective rank (dimensions)" in chart and "%" not in chart


def test_differences_of_percentages_are_shown_in_points(small_tables, context):
    found = [*figures_of("test_accuracy", small_tables, context), *figures_of("diagnosis", small_tables, context)]
    shown = {figure.name: figure for figure in found if figure.name in ("test-accuracy", "remedies")}
    assert shown.keys() == {"test-accuracy", "remedies"}
    for figure in shown.values():
        axes = dict(axes_of(specification(figure.chart)[0]))
        assert any("100 * datum.value" in axis.get("labelExpr", "") for axis in axes.values())
        assert "(points)" in json.dumps(specification(figure.chart)[0])


@pytest.mark.parametrize("name", CHARTS)
def test_what_a_figure_shows_at_first_is_among_its_data(name, drawn):
    for figure in drawn(name):
        frames = [figure.table] if figure.table is not None else []
        if figure.chart is not None:
            frames += specification(figure.chart)[1].values()
            if figure.per_configuration:
                assert {"configuration", "network"} <= set().union(*(frame.columns for frame in frames))
        if figure.nodes is not None:
            frames.append(figure.nodes.frame.collect())
            assert figure.nodes.value in frames[0].columns
        for column, value in figure.view.items():
            known = [frame[column].cast(pl.String) for frame in frames if column in frame.columns]
            assert known and any(value in values for values in known), (figure.name, column)


def as_initialised(frame):
    """A table as a study of untrained networks has it; what only trained ones have here is of those instead."""
    if "state" not in frame.columns:
        return frame
    initial = frame.filter(pl.col("state").is_null() | (pl.col("state") == "initial"))
    return initial if len(initial) else frame.with_columns(state=pl.lit("initial"))


def test_what_is_never_trained_is_drawn_as_it_is_initialised(small_study, small_tables):
    training = small_study.training.model_copy(update={"epochs": 0, "snapshots": []})
    untrained = small_study.model_copy(update={"training": training, "pattern_evolution": None})
    context = context_of(untrained)
    tables = {name: as_initialised(frame) for name, frame in small_tables.items()}
    names = [chart.name for chart in charts_of(untrained)]
    assert {"medians", "signal_propagation", "diagnosis"} <= set(names)
    assert not {"learning_rates", "learning_curves", "accuracy_curves", "learning_process"} & set(names)
    for name in names:
        for figure in figures_of(name, tables, context):
            assert figure.view.get("state", "initial") == "initial"
            drawn = list(static_figures(figure, context))
            assert drawn and all(len(frame) for _, _, frame in drawn), figure.name


# The scorecard compares with works that have no such axis.
@pytest.mark.parametrize("axis", ["initialisation", "variant", "model"])
@pytest.mark.parametrize("name", [name for name in CHARTS if name != "scorecard"])
def test_every_chart_tells_the_values_of_a_further_axis_apart(name, axis, small_tables, context):
    """A study that also compares initialisations, variants or models: same nets twice, under two names."""
    values = ("orthogonal", "xavier_normal")
    known = context.configurations
    keys = {f"{name}-{value}": {**known.keys[name], axis: value} for value in values for name in known.identifiers}
    both = replace(known, axes=(*known.axes, Axis(axis, axis, values, values)), keys=keys)
    context = replace(context, configurations=both)
    tables = {}
    for table in {*CHARTS[name].tables, *small_tables.keys() & set(CHARTS[name].optional)}:
        if "configuration" not in small_tables[table].columns:
            tables[table] = small_tables[table]
            continue
        frame = small_tables[table].drop(axis, strict=False)
        own = frame.select("configuration", *(c for c in frame.columns if c not in known.frame().columns))
        named = [own.with_columns(pl.format("{}-{}", "configuration", pl.lit(value))) for value in values]
        tables[table] = both.collected(pl.concat(named))
    figures = figures_of(name, tables, context)
    assert len({figure.name for figure in figures}) == len(figures)
    for figure in figures:
        if figure.table is not None:
            assert figure.table[axis].n_unique() == 2
        elif figure.nodes is not None:
            assert figure.nodes.frame.collect()[axis].n_unique() == 2
            drawn = [name for name, _, _ in static_figures(figure, context)]
            assert any("orthogonal" in name for name in drawn) and any("xavier" in name for name in drawn)
        elif figure.chart is not None and name != "activation_functions":
            frames = specification(figure.chart)[1]
            words = (
                str([frame[c].unique().to_list() for frame in frames.values() for c in frame.columns]) + figure.title
            )
            assert "orthogonal" in words or "xavier" in words
    if name == "kernel_densities":
        (data,) = specification(figures[0].chart)[1].values()
        bars = in_view(data, figures[0].view).filter(pl.col("bin_left").is_not_null(), pl.col("layer") == 1)
        areas = bars.group_by("configuration").agg(
            (pl.col("density") * (pl.col("bin_right") - pl.col("bin_left"))).sum()
        )
        assert len(areas) == 14  # of 16, 2 diverged
        assert areas["density"].to_list() == pytest.approx([1] * 14)


def test_test_accuracies_in_the_figure_are_those_of_the_tables(small_tables, context):
    figure = figures_of("test_accuracy", small_tables, context)[0]
    frames = list(specification(figure.chart)[1].values())
    seeds = next(frame for frame in frames if "seed" in frame.columns)
    means = next(frame for frame in frames if "seeds" in frame.columns and "mean" in frame.columns).drop_nulls("mean")
    accuracy = small_tables["accuracy"].filter(pl.col("split") == "test").drop_nulls("accuracy")
    both = seeds.join(accuracy, on=["configuration", "seed"])
    assert len(both) == len(seeds) == len(accuracy) and both["mean"].to_list() == both["accuracy"].to_list()
    for row in means.iter_rows(named=True):
        own = accuracy.filter(pl.col("configuration") == row["configuration"])["accuracy"].to_numpy()
        assert row["mean"] == pytest.approx(own.mean())
        error = own.std(ddof=1) / np.sqrt(len(own))
        # As published, since the study names the work: one standard error to either side.
        assert row["high"] - row["mean"] == pytest.approx(min(error, 1 - own.mean()))
        assert row["mean"] - row["low"] == pytest.approx(error)
    assert len(means) == 7  # of 8 configurations one diverged
    differences = next(frame for frame in frames if "difference" in frame.columns)
    for against, table, column in (("the best", "comparisons", "difference"), ("the first", "remedies", "change")):
        expected = small_tables[table]
        if "quantity" in expected.columns:
            expected = expected.filter(pl.col("quantity") == "test_accuracy")
        shown = differences.filter(pl.col("compared_with") == against).join(
            expected, on="configuration", suffix="_there"
        )
        there = shown["difference_there" if column == "difference" else column].fill_null(0)
        known = shown["difference"].is_not_null().to_numpy()
        assert shown["difference"].fill_null(0).to_numpy()[known] == pytest.approx(there.to_numpy()[known])
        for number, words in shown.filter(known).select("difference", "words").iter_rows():
            assert words.startswith(f"{100 * number:+.2f} points") or words in (
                "best on validation samples",
                "the first of its size",
            )
    assert differences.filter(pl.col("said") == "not told", pl.col("words").str.contains(", real")).is_empty()


def test_every_learning_rate_that_was_tried_is_drawn_and_the_kept_one_is_marked(small_tables, context):
    (figure,) = figures_of("learning_rates", small_tables, context)
    (data,) = specification(figure.chart)[1].values()
    drawn = data.filter(pl.col("seed") == "mean").select("configuration", "rate", "chosen").unique()
    replicas = small_tables["replicas"].filter(pl.col("configuration").is_in(drawn["configuration"].unique()))
    rate = pl.col("learning_rate").round_sig_figs(3).cast(pl.String)
    for kept in (True, False):
        tried = replicas.filter("chosen") if kept else replicas
        shown = drawn.filter("chosen") if kept else drawn
        expected = (
            tried.filter(pl.col("validation_accuracy").is_not_null())
            .select("configuration", rate.alias("rate"))
            .unique()
        )
        assert set(shown.select("configuration", "rate").rows()) == set(expected.rows())
    assert len(drawn) > len(drawn.filter("chosen"))


def test_the_table_of_sparsity_is_the_collected_one(small_tables, context):
    table = figures_of("sparsity", small_tables, context)[0].table
    assert table["mean"].to_list() == small_tables["sparsity_summary"]["mean"].round(4).to_list()


def test_a_frame_for_the_page_holds_what_the_table_held():
    random = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "text": ["a", None, "</script>", "a"], "flag": [True, None, False, True], "count": [3, -1, None, 3],
            "share": [0.1, None, 1.0, -2.5e9],
        }
    )  # fmt: skip
    assert unpacked(pack(frame)) == frame.with_columns(pl.col("share").cast(pl.Float32).cast(pl.Float64)).to_dict(
        as_series=False
    )
    many = pl.DataFrame(
        {"node": range(70_000), "median": random.normal(size=70_000) * 10.0 ** random.integers(-9, 9, 70_000)}
    )
    again = unpacked(pack(many))
    assert again["node"] == many["node"].to_list()
    np.testing.assert_allclose(again["median"], many["median"].to_numpy(), rtol=4e-5)


def test_numbers_are_written_as_they_compress_best_and_come_back():
    position = np.arange(30_000)
    smooth, shares = np.exp(-((position / 5_000 - 3) ** 2)), (position * 7919 % 91) / 90
    random = np.random.default_rng(0).normal(size=len(position))
    frame = pl.DataFrame({"smooth": smooth, "shares": shares, "random": random, "nothing": [None] * len(position)})
    packed = pack(frame.with_columns(pl.col("nothing").cast(pl.Float64)))
    assert [column["as"] for column in packed["columns"]] == ["steps", "places", "bits", "places"]
    again = unpacked(packed)
    for name, numbers in (("smooth", smooth), ("shares", shares), ("random", random)):
        np.testing.assert_allclose(again[name], numbers, rtol=4e-5)
    assert set(again["nothing"]) == {None}


def unpacked(packed):
    """What the page's script does, in Python."""
    content, at, found = gzip.decompress(base64.b64decode(packed["data"])), 0, {}

    def take(size):
        nonlocal at
        at += size
        return np.frombuffer(content[at - size : at], np.uint8)

    for column in packed["columns"]:
        if column["kind"] == "value":
            values = [None, *json.loads(take(column["values"]).tobytes())]
            codes = take(packed["rows"] * column["bytes"]).view(f"<u{column['bytes']}")
            found[column["name"]] = [values[code] for code in codes]
        else:
            count = column.get("distinct", packed["rows"])
            bits = np.ascontiguousarray(take(4 * count).reshape(4, -1).T).view("<u4").ravel()
            if column["as"] == "steps":
                bits = np.cumsum(bits, dtype=np.uint32)
            numbers = bits.view("<f4")
            if column["as"] == "places":
                numbers = numbers[take(packed["rows"] * column["bytes"]).view(f"<u{column['bytes']}")]
            found[column["name"]] = [None if np.isnan(number) else float(number) for number in numbers]
    assert at == len(content)
    return found


def test_mean_over_seeds_is_mean_and_standard_error():
    frame = pl.DataFrame({"depth": [1] * 4 + [2], "seed": [0, 1, 2, 3, 0], "share": [0.1, 0.2, 0.6, None, 0.4]})
    result = mean_over_seeds(frame, "share")
    assert result["mean"].to_list() == pytest.approx([0.3, 0.4])
    assert result["standard_error"][0] == pytest.approx(np.std([0.1, 0.2, 0.6], ddof=1) / np.sqrt(3))
    assert result["standard_error"][1] is None
    assert result["seeds"].to_list() == [3, 1]


def test_a_panel_without_rows_does_not_push_others_under_the_wrong_heading():
    """The panels' own headings and what stands in them, of a grid of panels that has a hole."""
    rows = [("two", "b", 2.0), ("two", "a", 2.0), ("one", "a", 1.0)]
    frame = pl.DataFrame(rows, schema=["row", "column", "x"], orient="row").with_columns(
        name=pl.col("row") + pl.col("column")
    )
    chart = alt.Chart(frame).mark_text().encode(x="x:Q", text="name:N").properties(width=100, height=50)
    spec, frames = specification(
        chart.facet(row=alt.Row("row:N").sort(["two", "one"]), column=alt.Column("column:N").sort(["b", "a"]))
    )
    svg = vl_convert.vegalite_to_svg(filled(spec, frames))
    found = re.findall(r"translate\((\d+,\d+)\)|>(two[ab]|onea)<", svg)
    after = {text: [place for place, _ in found[:at] if place] for at, (_, text) in enumerate(found) if text}
    assert list(after) == ["twob", "twoa", "onea"]
    left, right = after["twob"][-1], after["twoa"][-1]  # where a text stands in its panel
    assert left == right
    assert "132,70" in after["onea"] and "132,70" not in after["twoa"]  # below "twoa", beside the empty panel
    # The heading of the column stands there too, before all panels.
    assert after["twoa"].count("132,0") == after["twob"].count("132,0") + 1


def test_a_point_cloud_puts_each_point_where_it_belongs():
    colours = np.array([[255, 0, 0], [0, 0, 255]], np.uint8)
    pixels = scatter(np.array([0.0, 1.0]), np.array([0.0, 1.0]), colours, (20, 10), radius=1)
    assert tuple(pixels[9, 0]) == (255, 0, 0, 255)
    assert tuple(pixels[0, 19]) == (0, 0, 255, 255)
    assert pixels[..., 3].astype(bool).sum() == 8


def test_a_heatmap_shows_shares_dead_nodes_and_what_is_missing():
    values = np.array([[0.0, 1.0, 0.0], [1.0, np.nan, 0.0]])
    pixels = matrix(values, (255, 255, 255), (0, 0, 0), np.array([False, False, True]), (200, 0, 0))
    assert tuple(pixels[0, 0]) == (255, 255, 255, 255)
    assert tuple(pixels[0, 1]) == (0, 0, 0, 255)
    assert pixels[1, 1, 3] == 0
    assert tuple(pixels[0, 2]) == tuple(pixels[1, 2]) == (200, 0, 0, 255)


def test_words_for_readers():
    keys = {"activation": "leaky_relu", "depth": 4, "width": 200, "batch_norm": True}
    assert describe_family(keys) == "leaky_relu 4x200 with BN"
    assert slug("leaky_relu width 200") == "leakyrelu-width-200"
    assert percent(0.1234) == "12.3 %"
    assert percent(None) == "unknown"


class Page(HTMLParser):
    """Collects scripts, references and text."""

    def __init__(self):
        super().__init__()
        self.scripts, self.links, self.text, self._in = [], [], "", None

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self._in = tag
        if tag == "script":
            self.scripts.append([attributes, ""])
        for key in ("src", "href"):
            if key in attributes:
                self.links.append(attributes[key])

    def handle_endtag(self, tag):
        self._in = None

    def handle_data(self, data):
        if self._in == "script":
            self.scripts[-1][1] += data
        else:
            self.text += data


@pytest.fixture(scope="module")
def page(tmp_path_factory, small_study, small_tables):
    """The report of the small study, one of whose classes has a hostile name."""
    return build_page(
        tmp_path_factory.mktemp("page"),
        small_study,
        small_tables,
        ["test_accuracy", "layer_accuracy", "layer_statistics", "medians", "sparsity"],
    )


def build_page(folder, study, tables, charts):
    files = StudyFiles.of("small", folder / "results")
    for name, frame in tables.items():
        write_table(frame, files.table(name))
    write_json(files.settings, study.model_dump(mode="json"))
    Configurations.of(study).write(files.configurations)
    description = {
        "source": {"name": "blobs"}, "samples": 120, "classes": ["class 0", "class 1", HOSTILE],
        "splits": {"train": {"samples": 80}, "validation": {"samples": 20}, "test": {"samples": 20}},
    }  # fmt: skip
    path = description_path(study.dataset, folder / "results")
    write_json(path, description)
    context = Context.read(files, path, Charts())
    draw("small", charts, files, context, folder / "reports" / "data" / "small", left_out={"activity": "it rains"})
    html = folder / "reports" / "index.html"
    build(html, f"Title {HOSTILE}", ["small"], folder / "results", Charts())
    parsed = Page()
    parsed.feed(html.read_text(encoding="utf-8"))
    return parsed


def test_every_figure_that_works_refer_to_is_drawn(drawn):
    """And a pattern finds no figure but those of its own chart."""
    charts = {figure.name: name for name in CHARTS for figure in drawn(name)}
    for work in WORKS.values():
        for published in published_figures.figures_of(work):
            for pattern in published.figures:
                found = {charts[name] for name in charts if fnmatchcase(name, pattern)}
                # The small study measures so few steps that its first steps are not shown on their own.
                assert len(found) == 1 or pattern == "pattern-evolution-early", (work.name, pattern, found)


#: What a page may say only of studies that name works.
OF_WORKS = re.compile(
    "|".join(
        [*(re.escape(words) for work in WORKS.values() for words in (work.citation, work.title, *work.related)),
         "Comparison with published works", "published number", "as published", "a published one", "Scorecard",
         r"\b(?:figures?|tables?|sections?) [A\d]+\.\d"]
    )
)  # fmt: skip


def test_a_page_refers_to_the_works_that_its_studies_name(page):
    for words in (
        "Pretorius 2020, figures 3.4, 3.7, 3.10.", "table 5.2", "mean with its standard error, as published",
        "Figures by published number", "figures 4.3-4.5, 4.8-4.11, A.1, A.2", "DNNs as layers of cooperating classifiers",
        WORKS["park"].title, "figures that follow a published one",
    ):  # fmt: skip
        assert words in page.text, words
    assert WORKS["tutorial"].title not in page.text


def test_a_page_of_studies_that_name_no_work_refers_to_none(tmp_path, small_study, small_tables):
    study = small_study.model_copy(update={"works": []})
    charts = ["test_accuracy", "medians", "sparsity", "dead_nodes", "patterns", "layer_distributions", "diagnosis"]
    assert set(charts) <= {chart.name for chart in charts_of(study)}
    written = build_page(tmp_path, study, small_tables, charts)
    assert "Which network is most accurate on test samples?" in written.text and "95 % t interval" in written.text
    assert not OF_WORKS.search(written.text), OF_WORKS.search(written.text)
    drawn = (tmp_path / "results" / "small" / "charts" / "index.json").read_text(encoding="utf-8")
    assert not OF_WORKS.search(drawn), OF_WORKS.search(drawn)


def test_the_page_asks_nothing_of_the_network(page):
    assert not [link for link in page.links if "//" in link]
    assert not [script for script in page.scripts if "src" in script[0]]


def test_hostile_names_are_shown_as_text(page):
    assert HOSTILE in page.text
    kinds = [script[0].get("type") for script in page.scripts]
    assert kinds.count(None) == 3  # Vega and our own; the rest are data
    assert all(json.loads(text) for attributes, text in page.scripts if attributes.get("type"))


def test_untrained_networks_are_neither_best_nor_worst(small_study, small_tables):
    shown = overview(
        Configurations.of(small_study),
        small_tables["accuracy"],
        small_tables["replicas"],
        small_tables["learning_curves"].lazy(),
        small_tables["comparisons"],
    )
    assert shown.standing.startswith("One sample of 20 is 5 points; none of the 6 others differs significantly")
    cells = [cell for row in shown.rows for cell in row.cells]
    assert shown.best and shown.worst and sorted(cell.standing for cell in cells)[-2:] == ["best", "worst"]
    still = small_study.model_copy(update={"training": small_study.training.model_copy(update={"epochs": 0})})
    kept = (small_tables[name] for name in ("accuracy", "replicas"))
    shown = overview(Configurations.of(still), *kept, small_tables["learning_curves"].lazy())
    assert shown.best == shown.worst == ""
    assert {(cell.accuracy, cell.standing) for row in shown.rows for cell in row.cells} == {("untrained", "")}


def test_the_page_names_diverged_nets_and_numbers_its_figures(page):
    assert "2 of the kept networks diverged" in page.text
    assert "relu 2x6 without BN, seed 0" in page.text
    assert "Figure 2.1. Which network is most accurate on test samples?" in page.text
    assert "Accuracy on all splits" not in page.text  # a file
    assert "torch" in page.text and "commit" in page.text
    assert "seeds 0, 1" in page.text
    assert "activity: it rains" in page.text


#: What is not known of a layer whose positions are recorded as a summary.
MEASURED_PATTERNS = ("distinct", "singletons", "entropy_bits", "relative_entropy", "mode_share")


def test_a_study_of_convolutions_without_patterns_at_positions_says_why_the_figure_is_empty(small_tables, context):
    table = small_tables["patterns"]
    unknown = table.with_columns(pl.lit(None, table.schema[name]).alias(name) for name in MEASURED_PATTERNS)
    figure = figures_of("patterns", small_tables | {"patterns": unknown}, context)[0]
    assert "positions: summary (positions: rows records every position)" in figure.about
    for _, spec, _ in static_figures(figure, context):
        assert vl_convert.vegalite_to_svg(spec).startswith("<svg")


#: What may not be said of a single seed; "mean" alone is also a statistic of the values of a layer.
OF_SEVERAL_SEEDS = re.compile(
    r"mean over|over the seeds|means over|standard error|t interval|seed by seed|\bseeds\b|^mean$|interval_|_error",
    re.I | re.M,
)
#: What may not be said of networks that are not trained.
OF_TRAINED = re.compile(r"(?<!un)\btrained\b|after training|\bbest\b|\bkept\b|during training", re.I)


def words_of(figure):
    """All that a figure says to a reader: title, caption, axes and legends, headings of its table."""
    said = [figure.title, figure.caption, figure.subtitle]
    if figure.chart is not None:
        said += titles_of(specification(figure.chart)[0])
    if figure.nodes is not None:
        said.append(figure.nodes.title)
    if figure.table is not None:
        said += figure.table.columns
    return "\n".join(said)


def titles_of(part):
    if isinstance(part, dict):
        own = [part["title"]] if isinstance(part.get("title"), str) else []
        return own + [title for value in part.values() for title in titles_of(value)]
    return [title for item in part for title in titles_of(item)] if isinstance(part, list) else []


def of_one_seed(tables):
    return {n: f.filter(pl.col("seed") == 1) if "seed" in f.columns else f for n, f in tables.items()}


@pytest.fixture(scope="module")
def tables_of_one_seed(small_study, small_tables):
    """As a study of seed 1 alone would have them."""
    one = of_one_seed(small_tables)
    study = small_study.model_copy(update={"seeds": [1]})
    nothing = {
        name: pl.lit(None, one["remedies"].schema[name]).alias(name) for name in schema_of(ERRORS) if name != "verdict"
    }
    told = pl.when(pl.col("verdict").is_not_null()).then(pl.lit("cannot tell")).alias("verdict")
    single = pl.lit(1, pl.Int32).alias("seeds")
    comparisons = one["comparisons"].with_columns(told, single, **nothing)
    remedies = one["remedies"].with_columns(told, single, **nothing, helps=pl.lit(None, pl.Boolean))
    summary = sparsity_summary(one["sparsity"])
    return one | {"sparsity_summary": summary, "comparisons": comparisons, "remedies": remedies} | score(one, study)


@pytest.mark.parametrize("works", [(), ("pretorius", "hartmann", "park")], ids=["none", "works"])
@pytest.mark.parametrize("name", CHARTS)
def test_of_one_seed_nothing_is_called_a_mean(name, works, small_study, tables_of_one_seed):
    context = context_of(small_study.model_copy(update={"seeds": [1]}), works=works_of(works))
    for figure in figures_of(name, tables_of_one_seed, context):
        said = words_of(figure)
        if name == "scorecard":  # its rules speak of the seeds that would be needed
            said = figure.title + "\n" + "\n".join([] if figure.table is None else figure.table.columns)
            said = said.replace("standard_error", "").replace("published_error", "").replace("seeds", "")
        if figure.name == "comparisons-table":  # how many seeds both have is a fact
            said = said.replace("seeds", "")
        if figure.name in ("weights-table", "remedies-table"):  # of the weights; of nets that are compared
            said = said.replace("\nmean\n", "\n").replace("\nseeds\n", "\n")
        assert not OF_SEVERAL_SEEDS.search(said), (figure.name, OF_SEVERAL_SEEDS.search(said))
        assert figure.view.get("seed", "1") == "1"
        drawn = list(static_figures(figure, context))
        assert drawn and any(len(frame) for _, _, frame in drawn), figure.name


@pytest.mark.parametrize("name", CHARTS)
def test_of_untrained_networks_nothing_is_called_trained(name, small_study, small_tables):
    training = small_study.training.model_copy(update={"epochs": 0, "snapshots": []})
    study = small_study.model_copy(update={"training": training, "pattern_evolution": None, "works": []})
    if name not in {chart.name for chart in charts_of(study)}:
        assert name in {"confusion", "test_accuracy", "comparisons", "accuracy_curves", "learning_curves", "learning_rates",
                        "pattern_evolution", "learning_process", "scorecard"}  # fmt: skip
        return
    tables = {name: as_initialised(frame) for name, frame in small_tables.items()}
    tables["remedies"] = tables["remedies"].filter(pl.col("quantity") != "test_accuracy")
    for figure in figures_of(name, tables, context_of(study)):
        assert not OF_TRAINED.search(words_of(figure)), (figure.name, OF_TRAINED.search(words_of(figure)))


@pytest.mark.parametrize("name", ["test_accuracy", "accuracy_curves", "sparsity", "dead_nodes"])
def test_figures_that_reproduce_a_published_one_keep_its_standard_errors_and_say_so(name, small_study, small_tables):
    published = figures_of(name, small_tables, context_of(small_study))
    own = figures_of(name, small_tables, context_of(small_study, works=()))
    assert any("with its standard error, as published" in figure.caption for figure in published)
    assert not any("standard error" in figure.caption for figure in own)
    assert any("95 % t interval" in figure.caption for figure in own)


def test_bars_are_t_intervals_within_what_is_possible(small_study):
    mean = pl.DataFrame(
        {"mean": [0.5, 0.99, 0.3, 0.2], "standard_error": [0.01, 0.02, None, 0.001], "seeds": [3, 5, 1, 30]},
        schema_overrides={"seeds": pl.Int32},
    )
    spread = context_of(small_study, works=()).with_spread(mean, "test-accuracy", bounds=(0, 1))
    halves = [4.302653 * 0.01, 2.776445 * 0.02, 0.0, 2.045230 * 0.001]
    assert (spread["mean"] - spread["low"]).to_list() == pytest.approx(halves, abs=1e-6)
    assert spread["high"].to_list() == pytest.approx([0.5 + halves[0], 1.0, 0.3, 0.2 + halves[3]], abs=1e-6)
    published = context_of(small_study).with_spread(mean, "test-accuracy")
    assert (published["high"] - published["mean"]).to_list() == pytest.approx([0.01, 0.02, 0.0, 0.001])


def test_an_overview_of_one_seed_tells_no_difference(small_study, tables_of_one_seed):
    one = small_study.model_copy(update={"seeds": [1]})
    tables = tables_of_one_seed
    given = (Configurations.of(one), tables["accuracy"], tables["replicas"], tables["learning_curves"].lazy())
    shown = overview(*given, tables["comparisons"])
    best = tables["comparisons"].drop_nulls("difference")["best_value"][0]
    low, high = wilson(round(20 * best), 20)
    assert shown.standing == (
        f"One sample of 20 is 5 points; for new samples the accuracy of the best network lies between {percent(low)} and "
        f"{percent(high)} (95 %, Wilson). With one seed, differences cannot be tested."
    )
    assert overview(*given).standing == ""


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 configurations"), (1, "1 configuration"), (2, "2 configurations"), (1500, "1,500 configurations")],
)
def test_what_is_counted_agrees_with_its_number(number, words):
    assert counted(number, "configuration") == words
    assert (named_seeds([3]), named_seeds([3, 5])) == ("seed 3", "seeds 3, 5")


def test_one_page_is_built_of_several_results_folders(tmp_path, small_study, small_tables, capsys):
    for name in ("first", "second"):
        build_page(tmp_path / name, small_study, small_tables, ["test_accuracy"])
        files = StudyFiles.of("small", tmp_path / name / "results")
        shutil.copytree(tmp_path / name / "reports" / "data" / "small", files.page_data)
    results = [str(tmp_path / name / "results") for name in ("first", "second")]
    reports = ["--reports", str(tmp_path / "both")]
    assert main(["page", *results, *reports]) == 2
    assert "both hold a study small" in capsys.readouterr().err
    files.folder.rename(files.folder.with_name("later"))
    assert main(["page", *results, *reports, "--title", "Two days"]) == 0
    page = (tmp_path / "both" / "index.html").read_text(encoding="utf-8")
    for link in ("../first/results/small/tables/accuracy.csv", "../second/results/later/tables/accuracy.csv"):
        assert f'href="{link}"' in page
    assert "<title>Two days</title>" in page
    assert {path.name for path in (tmp_path / "both" / "data").iterdir()} == {"small", "later"}
    assert main(["page", str(tmp_path / "both"), *reports]) == 2
    assert "holds no study with figures" in capsys.readouterr().err


#: Columns that place a mark in words of their own (text.js), so that they need no title in a hover text.
PLACES = {"network", "layer", "node", "channel", "class_name", "epoch", "system", "seed", "state", "split"}


def tooltips_of(spec):
    if isinstance(spec, list):
        return [found for part in spec for found in tooltips_of(part)]
    if not isinstance(spec, dict):
        return []
    own = [
        one for one in [spec.get("tooltip", [])] for one in (one if isinstance(one, list) else [one]) if "field" in one
    ]
    return own + [found for key, part in spec.items() if key != "datasets" for found in tooltips_of(part)]


@pytest.mark.parametrize("name", CHARTS)
def test_hover_texts_have_no_names_of_columns(name, drawn):
    for figure in drawn(name):
        if figure.chart is None or figure.shown_in is not None:
            continue
        known = quantities_of(name, figure)
        for told in tooltips_of(specification(figure.chart)[0]):
            assert told.get("title") or told["field"] in PLACES or told["field"] in known, (figure.name, told)
            assert "_" not in (told.get("title") or ""), (figure.name, told)


def test_what_stands_in_another_figure_stands_in_one_of_the_page(drawn):
    figures = [figure for name in CHARTS for figure in drawn(name)]
    on_page = {figure.name for figure in figures if figure.shown_in is None}
    for figure in figures:
        assert figure.shown_in is None or figure.shown_in.figure in on_page | {"methods"}, figure.name


def test_files_hold_the_title_and_networks_side_by_side(drawn, context, tmp_path):
    (figure,) = [one for one in drawn("probes") if one.name == "probes"]
    write_figure(tmp_path, figure, context)
    assert {path.suffix for path in tmp_path.iterdir()} == {".svg", ".png", ".pdf", ".json", ".parquet", ".csv"}
    assert (tmp_path / "probes.pdf").read_bytes().startswith(b"%PDF")
    assert json.loads((tmp_path / "probes.vl.json").read_text())["title"]["text"] == figure.title
    (panels,) = [one for one in drawn("cka") if one.name == "cka"]
    names = [name for name, _, _ in static_figures(panels, context)]
    assert names[0] == "cka" and len(names) > 2 and all(name.startswith("cka-") for name in names[1:])
