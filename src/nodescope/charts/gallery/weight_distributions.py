"""Weights and biases of each linear map before and after training: distributions, and mean, spread and skew."""

import polars as pl

from nodescope.charts.chart import Chart
from nodescope.charts.context import Context
from nodescope.charts.figure import Figure, ShownIn
from nodescope.charts.histograms import before_and_after
from nodescope.storage.columns import Quantity
from nodescope.storage.tables import mean_over_seeds

CHART = Chart(section="health", order=220, tables=("weight_distributions", "weights"))


VALUES = ("mean", "std", "skew", "minimum", "maximum")


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """A row per linear map, a column per network; and a table."""
    bins, weights = tables["weight_distributions"], tables["weights"]
    named = bins.with_columns(row=pl.format("layer {}", "layer"))
    keys = context.configurations.columns
    place = ["state", "layer", "name", "parameter"]
    means = [
        mean_over_seeds(weights.select(*keys, "seed", *place, value), value)
        .rename({"mean": value})
        .drop("standard_error", "seeds")
        for value in VALUES
    ]
    table = means[0]
    for further in means[1:]:
        table = table.join(
            further, on=[*keys, *place], nulls_equal=True, maintain_order="left"
        )  # one row per network, state and parameter
    return [
        Figure(
            name="weight-distributions",
            title="How are the weights distributed" + context.words.where_trained(", before and after training") + "?",
            caption="Histogram of all weights of the linear map or convolution before each layer (last row: the "
            "output), with a smoothed "
            "density.",
            about=context.words.where_trained(
                "Training widens the distributions that it changes, and makes uniform ones bell-shaped."
            ),
            chart=before_and_after(named, context, ["seed", "name", "parameter"], "weight"),
            view={"seed": str(bins["seed"][0]), "parameter": "weight", "shape": "density"},
            per_configuration=True,
            quantity="height",
            quantities={"height": Quantity("density", format=".3g")},
            collapsed=True,
        ),
        Figure(
            name="weights-table",
            title="Mean, spread and skew of the weights",
            caption=f"Of the weights and biases of each linear map and convolution, {context.words.mean}.",
            about="The column layer names the layer that they lead to. Empty: the network diverged, or all values are equal.",
            table=table.select(*keys, *place, pl.col(VALUES).round_sig_figs(4)),
            view={"state": context.states[-1], "parameter": "weight"},
            shown_in=ShownIn("weight-distributions"),
        ),
    ]
