"""The data of the page's map of all nodes and of its node card: a script per table and configuration, or per net.

All of a table lies in as few files as may be loaded at once: the page loads those of the configurations that it compares, and
of a single net what its card shows of the node that was clicked.
"""

from collections.abc import Callable, Mapping

import polars as pl

from nodescope.charts.files import identifiers_in
from nodescope.study.axes import CONFIGURATION

NODE = ("seed", "state", "split", "layer", "node")

#: What is shown of all nodes of a configuration.
OF_CONFIGURATIONS: Mapping[str, tuple[str, ...]] = {
    "activity": (*NODE, "class", "active_share"),
    "medians": (*NODE, "class", "median"),
    "node_order": ("seed", "state", "split", "layer", "order", "node", "rank"),
    "node_kinds": (*NODE, "kind", "switch_share"),
    "selectivity": (*NODE, "preferred_class", "class_share", "auc_preferred", "auc_preferred_class"),
    "node_fates": ("seed", "split", "layer", "node", "fate", "since", "not_before"),
    "ablation": (*NODE, "kind", "method", "loss_change", "standard_error", "lost", "gained"),
    "redundancy": (*NODE, "nearest", "nearest_correlation", "similar"),
    "kin": ("seed", "split", "layer", "node", "other_seed", "other_state", "nearest", "nearest_correlation", "same_correlation"),
}  # fmt: skip

#: What is shown of one node, a file for each net.
OF_NETS: Mapping[str, tuple[str, ...]] = {
    "node_histograms": (
        "state", "split", "layer", "node", "class", "kind", "low", "width", "minimum", "maximum", "bandwidth", "counts",
    ),
    "top_samples": ("state", "split", "layer", "node", "end", "rank", "sample", "label", "position", "z"),
    "ablation_classes": ("state", "split", "layer", "node", "class", "kind", "loss_change", "standard_error", "lost", "gained"),
    "mean_inputs": ("state", "split", "layer", "node", "image", "low", "high"),
    "weight_images": ("state", "layer", "node", "image", "low", "high"),
}  # fmt: skip

#: Numbers that are compared with thresholds: rounded ones would lie on the other side.
EXACT = ("active_share",)

#: What samples look like, of all configurations of the study; a file holds so many.
SAMPLES_TABLE, SAMPLES_OF_A_FILE = "samples", 256
SAMPLES = ("sample", "label", "thumbnail", "text", "features")

#: All tables that may be among those of `write_nodes`.
TABLES = (*OF_CONFIGURATIONS, *OF_NETS, SAMPLES_TABLE)

#: Writes a frame under a name; the columns of the third argument keep all their digits.
Pack = Callable[[str, pl.DataFrame, tuple[str, ...]], None]


def write_nodes(tables: Mapping[str, pl.LazyFrame], pack: Pack) -> dict[str, list[str]]:
    """Write what map and card show.

    Parameters
    ----------
    tables
        The collected tables, of `TABLES`.
    pack
        Called with the name of each file and its rows: ``TABLE.CONFIGURATION``, ``TABLE.CONFIGURATION.SEED``, or
        ``samples.NUMBER``.

    Returns
    -------
    dict
        For each table that has rows the configurations in it; of the samples the numbers of the files, where file ``n`` has
        the samples from ``n * SAMPLES_OF_A_FILE`` on.
    """
    found: dict[str, list[str]] = {}
    for name, columns in OF_CONFIGURATIONS.items():
        if name in tables:
            known = [column for column in columns if column in tables[name].collect_schema()]
            found[name] = identifiers_in(tables[name])
            for identifier in found[name]:
                own = tables[name].filter(pl.col(CONFIGURATION) == identifier).select(known).collect()
                pack(f"{name}.{identifier}", own, EXACT)
    for name, columns in OF_NETS.items():
        if name in tables:
            shown = prepared(name, tables[name])
            known = [column for column in columns if column in shown.collect_schema()]
            found[name] = identifiers_in(shown)
            for identifier in found[name]:
                own = shown.filter(pl.col(CONFIGURATION) == identifier).select("seed", *known).collect()
                for (seed,), part in own.group_by("seed", maintain_order=True):
                    pack(f"{name}.{identifier}.{seed}", part.drop("seed"), EXACT)
    if SAMPLES_TABLE in tables:
        samples = tables[SAMPLES_TABLE].select(SAMPLES).collect().unique("sample", keep="first").sort("sample")
        numbered = samples.with_columns(file=pl.col("sample") // SAMPLES_OF_A_FILE)
        found[SAMPLES_TABLE] = []
        for (number,), part in numbered.group_by("file", maintain_order=True):
            pack(f"{SAMPLES_TABLE}.{number}", with_features_as_text(part.drop("file")), ())
            found[SAMPLES_TABLE].append(str(number))
    return {name: parts for name, parts in found.items() if parts}


def prepared(name: str, table: pl.LazyFrame) -> pl.LazyFrame:
    """A table as the page reads it."""
    if name == "top_samples":  # constant nodes have none
        return table.drop_nulls("sample")
    if name != "node_histograms":
        return table
    # The width of a bar, since the page's numbers are rounded: two ends near each other would fall together.
    width = (pl.col("high") - pl.col("low")) / pl.col("counts").list.len()
    # Only where there is something beyond the bars.
    beyond = {
        name: pl.when(pl.col(name) != pl.col(end)).then(name) for name, end in (("minimum", "low"), ("maximum", "high"))
    }
    return table.with_columns(width=width, **beyond)


def with_features_as_text(samples: pl.DataFrame) -> pl.DataFrame:
    """The features of each sample as one text of four digits each: lists of the page's tables are whole numbers."""
    features = samples["features"]
    if features.null_count() == len(features):
        return samples.with_columns(features=pl.lit(None, pl.String))
    digits = pl.element().cast(pl.Float64).round_sig_figs(4).cast(pl.String)
    return samples.with_columns(features=pl.col("features").list.eval(digits).list.join(" "))
