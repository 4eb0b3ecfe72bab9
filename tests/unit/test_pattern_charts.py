"""Figures of the patterns through training show the values of the table, each until the next time."""

import polars as pl
import pytest

from nodescope.charts.context import Context
from nodescope.charts.gallery import pattern_evolution
from nodescope.charts.specification import specification
from nodescope.charts.views import in_view
from nodescope.config.charts import Charts
from nodescope.study.axes import Configurations


@pytest.fixture
def context(small_study):
    return Context(Charts(), ["a", "b", "c"], Configurations.of(small_study))


@pytest.fixture
def by_name(small_tables, context):
    figures = pattern_evolution.figures(small_tables, context)
    return {figure.name: figure for figure in figures}


def rows(figure, **view):
    (data,) = specification(figure.chart)[1].values()
    return in_view(data, figure.view | view)


def test_heatmaps_show_means_over_the_seeds_until_the_next_time(by_name, small_tables):
    table = small_tables["pattern_evolution"].filter(
        pl.col("activation") == "relu", pl.col("depth") == 2, pl.col("batch_norm")
    )
    assert table["step"].unique().sort().to_list() == [0, 1, 2, 3, 4, 5, 8, 10, 12, 15, 18, 20]
    early = rows(by_name["pattern-evolution-early"]).filter(pl.col("configuration") == "relu-2x6-bn")
    shown = early.filter(pl.col("layer") == 2).sort("samples_seen")
    assert shown["samples_seen"].to_list() == [0, 16, 32, 48, 64, 80]
    assert shown["until"].to_list() == [16, 32, 48, 64, 80, 96]
    expected = table.filter(pl.col("layer") == 2, pl.col("step") <= 5).group_by("step", maintain_order=True)
    means = expected.agg(pl.col("relative_entropy").mean())["relative_entropy"].to_list()
    assert shown["value"].to_list() == pytest.approx(means, abs=1e-4)
    full = by_name["pattern-evolution-full"]
    final = rows(full).filter(pl.col("configuration") == "relu-2x6-bn", pl.col("layer") == 1)
    assert final.sort("samples_seen")["value"].last() == 1  # the end is like itself
    assert rows(full, quantity="distinct patterns as a share of all")["value"].is_between(0, 1).all()


def test_of_too_many_times_evenly_spaced_ones_are_shown(small_tables, context, monkeypatch):
    monkeypatch.setattr(pattern_evolution, "TIMES", 5)
    figures = pattern_evolution.figures(small_tables, context)
    times = rows(figures[1]).filter(pl.col("configuration") == "sigmoid-1x6")["samples_seen"].unique().sort()
    assert len(times) <= 5 and times[0] == 0


def test_curves_have_each_network_at_times_that_differ(by_name, small_tables):
    data = rows(by_name["pattern-evolution-curves"]).filter(pl.col("configuration") == "sigmoid-2x6")
    # A tenth of an epoch of five steps is nearest to no step at all.
    times = ["untrained", "after the first epoch", "half-way", "end"]
    assert data["time"].unique(maintain_order=True).to_list() == times
    own = small_tables["pattern_evolution"].filter(
        pl.col("activation") == "sigmoid", pl.col("depth") == 2, ~pl.col("batch_norm"), pl.col("step") == 20,
        pl.col("layer") == 1,
    )["entropy_bits"]  # fmt: skip
    row = data.filter(pl.col("time") == "end", pl.col("layer") == 1).row(0, named=True)
    assert row["mean"] == pytest.approx(own.mean())
    # Of two seeds the t interval reaches 12.7 standard errors to either side; no entropy is below 0.
    half = 12.706205 * own.std() / 2**0.5
    assert row["high"] - row["mean"] == pytest.approx(half, rel=1e-5)
    assert row["low"] == pytest.approx(max(0, own.mean() - half), rel=1e-5)
