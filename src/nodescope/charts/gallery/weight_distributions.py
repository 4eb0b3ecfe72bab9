"""Weights and biases of each linear map before and after training: distributions, and mean, spread and skew."""

import polars as pl

from nodescope.charts.context import Context, Figure, network_columns
from nodescope.charts.histograms import before_and_after
from nodescope.storage.tables import key_columns, mean_over_seeds


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """A row per linear map, a column per network; and a table."""
    bins, weights = tables["weight_distributions"], tables["weights"]
    named = bins.with_columns(row=pl.format("layer {}", "layer"))
    keys = [*key_columns(weights), "seed"]
    place = ["state", "layer", "name", "parameter"]
    means = [
        mean_over_seeds(weights.select(*keys, *place, value), value)
        .rename({"mean": value})
        .drop("standard_error", "seeds")
        for value in ("mean", "std", "skew", "minimum", "maximum")
    ]
    table = means[0]
    for further in means[1:]:
        table = table.join(
            further, on=[*keys[:-1], *place], nulls_equal=True, maintain_order="left"
        )  # one row per network, state and parameter
    return [
        Figure(
            name="weight-distributions",
            title="Distribution of the weights" + context.words.where_trained(", before and after training"),
            caption="Histogram of all weights of the linear map or convolution that leads to a layer (the last row leads to the "
            "output), with a smoothed density."
            + context.words.where_trained(" Training widens what it changes, and makes bells of uniform starts."),
            chart=before_and_after(named, context, ["seed", "name", "parameter"], "weight"),
            view={"seed": str(bins["seed"][0]), "parameter": "weight", "shape": "density"},
            per_configuration=True,
            quantity="height",
        ),
        Figure(
            name="weights-table",
            title="Mean, spread and skew of the weights",
            caption=f"Of the weights and biases of each linear map and convolution, {context.words.mean}; in what order they are "
            "computed tells the layer that they lead to. An empty entry is a net that diverged, or values that are all the same.",
            table=table.select("dataset", *network_columns(weights), *place, pl.selectors.float().round_sig_figs(4)),
            view={"state": context.states[-1], "parameter": "weight"},
        ),
    ]
