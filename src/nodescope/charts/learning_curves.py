"""Figure 3.1: learning curves of single nets, the kept epoch marked."""

import altair as alt
import polars as pl

from nodescope.charts.context import Context, Figure, describe, groups, network_columns, rounded, slug

SPLIT_COLOURS = alt.Scale(domain=["train", "validation"], range=["#4477aa", "#ee6677"])


def figures(tables: dict[str, pl.DataFrame], context: Context) -> list[Figure]:
    """One figure per depth and width, of the first seed: loss above accuracy, a column per configuration."""
    curves, accuracy = tables["learning_curves"], tables["accuracy"]
    seed = curves["seed"][0]
    columns = network_columns(curves)
    kept = (
        accuracy.filter(pl.col("seed") == seed)
        .select(*columns, "learning_rate", "best_epoch")
        .unique(maintain_order=True)
    )
    shown = curves.filter(pl.col("seed") == seed).join(kept, on=[*columns, "learning_rate"], maintain_order="left")
    found = []
    for keys, part in groups(shown, "depth", "width"):
        named = pl.concat(
            [
                frame.with_columns(network=pl.lit(describe({k: network[k] for k in columns if k not in keys})))
                for network, frame in groups(part, *columns)
            ]
        )
        data = rounded(named.select("network", "epoch", "split", "loss", "accuracy", "best_epoch"))
        chart = alt.vconcat(
            _panels(data, "loss", "cross-entropy (nats)", None, context),
            _panels(data, "accuracy", "accuracy", "%", context),
        )
        found.append(
            Figure(
                name=f"learning-curves-{slug(keys)}",
                title=f"Learning curves of one net, {describe(keys)}, seed {seed}",
                caption="Loss and accuracy on the training and validation split after each epoch (epoch 0: before the first "
                "step). The dotted line marks the epoch with the best validation accuracy, whose parameters are kept: "
                "this is the state called trained everywhere else.",
                reference="figure 3.1",
                chart=chart,
            )
        )
    return found


def _panels(data: pl.DataFrame, column: str, title: str, axis_format: str | None, context: Context) -> alt.FacetChart:
    axis = alt.Axis(format=axis_format) if axis_format else alt.Axis()
    base = alt.Chart(data, width=context.options.width * 0.75, height=context.options.height * 0.75)
    lines = base.mark_line().encode(
        x=alt.X("epoch:Q").title("epoch"),
        y=alt.Y(f"{column}:Q", axis=axis).title(title).scale(zero=False),
        color=alt.Color("split:N").scale(SPLIT_COLOURS),
    )
    rule = base.mark_rule(strokeDash=[2, 2]).encode(x="max(best_epoch):Q")
    return alt.layer(lines, rule).facet(column=alt.Column("network:N").title(None))
