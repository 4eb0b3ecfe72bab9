"""Ours beside the printed accuracies (sections 4.1, 5.3.1, 6.3.2), dead nodes (table 5.1) and sparsities (table 5.2)."""

import polars as pl

from nodescope.works.cases import axes_of, per_net
from nodescope.works.printed import KEYS, Measured, with_keys

#: The initialisation that the work uses, where the grid compares several.
USUAL = {
    "initialisation": pl.col("initialisation")
    == pl.when(pl.col("activation") == "relu").then(pl.lit("kaiming_normal")).otherwise(pl.lit("xavier_normal")),
}


def accuracy(table: pl.DataFrame) -> pl.DataFrame:
    """Of trained networks: what is not trained is right by chance."""
    trained = table.filter(pl.col("best_epoch") > 0)
    return _as_published(trained, "accuracy", pl.col("accuracy"), state=pl.lit("trained"))


def dead_share(table: pl.DataFrame) -> pl.DataFrame:
    """Of all hidden nodes of a network."""
    known = pl.col("dead").is_not_null().all()
    share = per_net(table, pl.when(known).then(pl.col("dead").sum() / pl.col("nodes").sum()), "state", "split")
    return _as_published(share, "dead_share", pl.col("value"))


def sparsity(table: pl.DataFrame) -> pl.DataFrame:
    """Of each layer."""
    return _as_published(table, "sparsity", pl.col("sparsity"))


def _as_published(table: pl.DataFrame, quantity: str, value: pl.Expr, **more: pl.Expr) -> pl.DataFrame:
    """The rows of fully connected networks as the work trains them: further axes at their defaults."""
    usual = {axis: condition for axis, condition in USUAL.items() if axis in table.columns}
    nets = table.filter(pl.col("model") == "mlp", *usual.values()).drop(*usual)
    strange = [name for name in axes_of(nets) if name not in KEYS and name != "model"]
    if strange:  # an axis whose values are all departures from the published protocol
        nets = nets.clear()
    return with_keys(nets.with_columns(quantity=pl.lit(quantity), value=value, **more))


MEASURED: Measured = {"accuracy": accuracy, "dead_nodes": dead_share, "sparsity": sparsity}
