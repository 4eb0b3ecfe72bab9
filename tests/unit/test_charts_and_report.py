"""Every chart is drawn from real tables, and the page shows hostile text as text."""

import json
from html.parser import HTMLParser
from importlib import import_module

import numpy as np
import polars as pl
import pytest
import vl_convert

from nodescope import grid
from nodescope.charts.context import Context, Figure, describe, percent, slug
from nodescope.charts.drawing import draw, specification
from nodescope.charts.raster import matrix, scatter
from nodescope.charts.registry import CHARTS
from nodescope.config.schema import Charts
from nodescope.files import write_text
from nodescope.report import build
from nodescope.tables import mean_over_seeds, write_table

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def context(small_study):
    return Context(Charts(), ["class 0", "class 1", HOSTILE], grid.states(small_study))


def figures_of(name, tables, context) -> list[Figure]:
    needed = {table: tables[table] for table in CHARTS[name].tables}
    return list(import_module(f"nodescope.charts.{name}").figures(needed, context))


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_drawn_and_says_what_to_read(name, small_tables, context):
    figures = figures_of(name, small_tables, context)
    assert figures
    assert len({figure.name for figure in figures}) == len(figures)
    for figure in figures:
        assert len(figure.caption) > 80 and figure.reference
        assert (figure.chart is None) != (figure.table is None)
        if figure.chart is not None:
            svg = vl_convert.vegalite_to_svg(specification(figure.chart))
            assert svg.startswith("<svg")
            assert "NaN" not in svg


# The scorecard compares with works that have no such axis.
@pytest.mark.parametrize("name", [name for name in CHARTS if name != "scorecard"])
def test_every_chart_tells_the_values_of_a_further_axis_apart(name, small_tables, context):
    """A grid that also names initialisations: same nets twice, under two names."""
    tables = {}
    for table in CHARTS[name].tables:
        frame = small_tables[table]
        both = [frame.with_columns(initialisation=pl.lit(i)) for i in ("orthogonal", "xavier_normal")]
        place = frame.columns.index("batch_norm") + 1
        tables[table] = pl.concat(both).select(*frame.columns[:place], "initialisation", *frame.columns[place:])
    figures = figures_of(name, tables, context)
    assert len({figure.name for figure in figures}) == len(figures)
    for figure in figures:
        if figure.table is not None:
            assert figure.table["initialisation"].n_unique() == 2
        elif name != "activation_functions":
            words = json.dumps(specification(figure.chart)) + figure.title
            assert "orthogonal" in words or "xavier" in words
    if name == "kernel_densities":
        (data,) = specification(figures[0].chart)["datasets"].values()
        area: dict = {}
        for row in data:
            if row["bin_left"] is not None:
                panel = (row["variant"], row["norm"])
                area[panel] = area.get(panel, 0) + row["density"] * (row["bin_right"] - row["bin_left"])
        assert len(area) == 8
        assert all(total == pytest.approx(1, abs=0.01) for total in area.values())


def test_test_accuracies_in_the_figure_are_means_over_seeds(small_tables, context):
    figure = figures_of("test_accuracy", small_tables, context)[0]
    (data,) = specification(figure.chart)["datasets"].values()
    accuracy = small_tables["accuracy"].filter(pl.col("split") == "test")
    for row in data:
        own = accuracy.filter(
            pl.col("depth") == row["depth"], pl.col("activation") == row["variant"],
            pl.col("batch_norm") == (row["norm"] == "with BN"),
        )["accuracy"].to_numpy()  # fmt: skip
        assert row["mean"] == pytest.approx(own.mean(), abs=1e-4)
        error = own.std(ddof=1) / np.sqrt(len(own))
        assert row["high"] - row["low"] == pytest.approx(2 * error, abs=4e-4)
    assert len(data) == 7  # of 8 configurations one diverged


def test_the_table_of_sparsity_is_the_collected_one(small_tables, context):
    table = figures_of("sparsity", small_tables, context)[0].table
    trained = small_tables["sparsity_summary"].filter(pl.col("state") == "trained", pl.col("split") == "train")
    assert table["mean"].to_list() == trained["mean"].round(4).to_list()


def test_mean_over_seeds_is_mean_and_standard_error():
    frame = pl.DataFrame({"depth": [1] * 4 + [2], "seed": [0, 1, 2, 3, 0], "share": [0.1, 0.2, 0.6, None, 0.4]})
    result = mean_over_seeds(frame, "share")
    assert result["mean"].to_list() == pytest.approx([0.3, 0.4])
    assert result["standard_error"][0] == pytest.approx(np.std([0.1, 0.2, 0.6], ddof=1) / np.sqrt(3))
    assert result["standard_error"][1] is None
    assert result["seeds"].to_list() == [3, 1]


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
    assert describe(keys) == "leaky_relu 4x200 with BN"
    assert slug(keys) == "leakyrelu-4x200-bn"
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


@pytest.fixture
def page(tmp_path, small_study, small_tables):
    """The report of the small study, one of whose classes has a hostile name."""
    study = tmp_path / "results" / "small"
    for name, frame in small_tables.items():
        write_table(frame, study / "tables" / f"{name}.parquet")
    write_text(study / "config.json", json.dumps(small_study.model_dump(mode="json")))
    description = {
        "source": {"name": "blobs"}, "samples": 120, "classes": ["class 0", "class 1", HOSTILE],
        "splits": {"train": {"samples": 80}, "validation": {"samples": 20}, "test": {"samples": 20}},
    }  # fmt: skip
    path = tmp_path / "results" / "datasets" / "blobs.json"
    write_text(path, json.dumps(description))
    kinds = ["test_accuracy", "layer_accuracy", "medians", "sparsity"]
    for kind in kinds:
        tables = [str(study / "tables" / f"{table}.parquet") for table in CHARTS[kind].tables]
        draw(kind, tables, str(path), Charts(), grid.states(small_study), study / "charts" / kind)
    html = tmp_path / "reports" / "index.html"
    build(html, f"Title {HOSTILE}", {"small": kinds}, tmp_path / "results")
    parsed = Page()
    parsed.feed(html.read_text(encoding="utf-8"))
    return parsed


def test_a_figure_names_the_work_that_it_corresponds_to(small_tables, context):
    works = {name: {figure.work for figure in figures_of(name, small_tables, context)} for name in CHARTS}
    assert works.pop("patterns") == {"Hartmann et al. 2021"}
    assert works.pop("local_gradients") == {"Park 2022"}
    assert works.pop("scorecard") == {"Pretorius 2020", "Pretorius 2020, Hartmann et al. 2021, Park 2022"}
    assert set().union(*works.values()) == {"Pretorius 2020"}


def test_the_page_asks_nothing_of_the_network(page):
    assert not [link for link in page.links if "//" in link]
    assert not [script for script in page.scripts if "src" in script[0]]


def test_hostile_names_are_shown_as_text(page):
    assert HOSTILE in page.text
    kinds = [script[0].get("type") for script in page.scripts]
    assert kinds.count(None) == 2  # Vega and our own; the rest are data
    assert all(json.loads(text) for attributes, text in page.scripts if attributes.get("type"))


def test_the_page_names_diverged_nets_and_numbers_its_figures(page):
    assert "2 of the kept networks diverged" in page.text
    assert "relu 2x6, seed 0" in page.text
    assert "Figure 1. Test accuracy" in page.text
    assert "Figure 2. Accuracy on all splits" in page.text
    assert "torch" in page.text and "commit" in page.text
    assert "seeds 0, 1" in page.text
