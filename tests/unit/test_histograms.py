"""The curves over histograms, and what the figures of whole layers show of their tables."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nodescope.charts.context import Context
from nodescope.charts.gallery import diagnosis, signal_propagation
from nodescope.charts.histograms import with_curves
from nodescope.charts.specification import specification
from nodescope.charts.views import in_view
from nodescope.config.charts import Charts
from nodescope.numerics.moments import histogram
from nodescope.study.axes import Configurations


def curves_of(values, bins=40):
    found = with_curves(pl.DataFrame(histogram(np.asarray(values), bins)).with_columns(net=pl.lit("a")), ["net"])
    return {shape: found.filter(pl.col("shape") == shape) for shape in ("density", "cumulative")}


def test_a_smoothed_density_is_the_kernel_density_of_the_values_up_to_the_width_of_a_bin():
    values = np.random.default_rng(0).normal(3, 2, 500)
    density = curves_of(values, bins=400)["density"]
    spread = values.std()
    h = 1.06 * spread * 500**-0.2
    kernel = np.exp(-(((density["at"].to_numpy()[:, None] - values) / h) ** 2) / 2) / (h * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(density["curve"], kernel.mean(axis=1), atol=2e-3 * kernel.mean(axis=1).max())


def test_bars_of_a_density_cover_one_and_the_cumulative_share_ends_at_one():
    values = np.random.default_rng(1).gamma(2, size=3000)
    curves = curves_of(values)
    width = curves["density"]["bin_right"] - curves["density"]["bin_left"]
    assert (curves["density"]["height"] * width).sum() == pytest.approx(1)
    cumulative = curves["cumulative"]
    assert cumulative["height"][-1] == pytest.approx(1)
    for at, share in cumulative.select("at", "height").rows()[:-1]:
        assert share == pytest.approx(np.mean(values < at))


def test_values_that_are_all_the_same_have_curves_too_and_unknown_ones_none():
    curves = curves_of(np.full(100, 0.5), bins=10)
    assert curves["density"]["curve"].is_finite().all()
    assert len(curves_of(np.array([np.nan]))["density"]) == 0


@pytest.fixture
def context(small_study):
    return Context(Charts(), ["a", "b", "c"], Configurations.of(small_study))


def figure_called(name, figures):
    return next(figure for figure in figures if figure.name == name)


def test_the_ranges_of_a_layer_lie_about_its_median(small_tables, context):
    figure = figure_called("activation-range", signal_propagation.figures(small_tables, context))
    (data,) = specification(figure.chart)[1].values()
    shown = in_view(data, figure.view)
    assert len(shown) == 4 * 1 + 4 * 2
    quantiles = shown.select("q5", "q25", "q50", "q75", "q95").to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all()


def test_the_gradient_that_reaches_a_layer_is_the_evidence_of_the_diagnosis(small_tables, context):
    figure = figure_called("gradient-flow", signal_propagation.figures(small_tables, context))
    (data,) = specification(figure.chart)[1].values()
    one = ["depth", "activation", "batch_norm", "state", "layer"]
    shown = data.filter(pl.col("seed") == "1").sort(one)
    evidence = (
        small_tables["diagnosis"]
        .filter(pl.col("problem") == "vanishing_gradient", pl.col("seed") == 1)
        .drop_nulls("evidence")
        .sort(one)
    )
    np.testing.assert_allclose(shown["mean"], evidence["evidence"])


def test_the_matrix_of_the_diagnosis_says_of_a_diverged_net_that_it_cannot_be_told(small_tables, context):
    figure = diagnosis.figures(small_tables, context)[0]
    (data,) = specification(figure.chart)[1].values()
    diverged = data.filter(pl.col("network") == "relu 2x6 without BN", pl.col("state") == "trained")
    assert set(diverged["verdict"]) == {"cannot be told", "not looked for"}
    others = data.filter(pl.col("network") != "relu 2x6 without BN")
    assert set(others["verdict"]) == {"found", "not found", "not looked for"}


def test_the_table_of_remedies_has_a_row_per_configuration_with_its_change_of_accuracy(small_tables, context):
    table = diagnosis.figures(small_tables, context)[-1].table
    assert len(table) == 8
    remedies = small_tables["remedies"].filter(pl.col("quantity") == "test_accuracy")
    assert table["accuracy_change"].to_list() == remedies["change"].round(4).to_list()
    of_state = small_tables["remedies"].filter(pl.col("quantity") == "problems", pl.col("state") == "trained")
    expected = of_state["value"].round_sig_figs(3).to_list()
    assert table["problems"].to_list() == expected


def test_of_a_configuration_alone_no_gain_is_drawn(small_tables, context):
    first = {"depth": 1, "activation": "relu", "batch_norm": False}
    alone = {name: small_tables[name].filter(**first) for name in ("diagnosis", "remedies")}
    assert alone["remedies"]["baseline"].n_unique() == 1
    assert [figure.name for figure in diagnosis.figures(alone, context)] == ["diagnosis", "remedies-table"]


def test_untrained_networks_are_not_compared_by_accuracy(small_tables, context):
    untrained = Context(Charts(), ["a", "b", "c"], replace(context.configurations, states=("initial",)))
    assert [figure.name for figure in diagnosis.figures(small_tables, untrained)] == ["diagnosis", "remedies-table"]


def test_bars_at_the_ends_that_hold_what_lies_far_out_are_drawn_like_the_others_and_marked():
    bulk = np.random.default_rng(5).normal(2, 1, 800)
    found = with_curves(
        pl.DataFrame(histogram(np.append(bulk, [-4e7, 6e9]), 30)).with_columns(net=pl.lit("a")), ["net"]
    )
    density, alone = found.filter(pl.col("shape") == "density"), curves_of(bulk, bins=30)["density"]
    np.testing.assert_allclose(density["bin_left"], alone["bin_left"], atol=1e-9)
    np.testing.assert_allclose(density["curve"], alone["curve"], atol=0.02)
    assert density["end"].to_list() == ["≤", *[None] * 28, "≥"]
    assert density["reaches"].drop_nulls().to_list() == [-4e7, 6e9]
    width = density["bin_right"] - density["bin_left"]
    assert (density["height"] * width).sum() == pytest.approx(1)
    assert alone["end"].null_count() == 30


def test_an_end_of_a_class_that_holds_nothing_is_not_marked():
    values = np.append(np.random.default_rng(6).normal(size=400), 1e9)
    of_class = pl.DataFrame(histogram(values, 20)).with_columns(count=pl.Series([9, *[1] * 18, 0]), net=pl.lit("a"))
    assert with_curves(of_class, ["net"])["end"].null_count() == 40
