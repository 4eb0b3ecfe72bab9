"""Do nodes that are selective for classes matter more when they are switched off?

Spearman's correlation, over the nodes of a layer, of the share of a node's variance that classes explain with the change of the
loss when the node is set to its mean; nodes that are constant are left out. The interval is over the seeds' correlations, each
averaged over configurations; of one network it is Fisher's with the variance of Bonett and Wright (2000). Corrected for the number
of layers (Holm). Said of each layer whose interval excludes 0, and, with several seeds or at least 50 nodes, that none does.
"""

import math
from collections.abc import Iterator

import numpy as np
import polars as pl

from nodescope.findings.estimating import TO_DESCRIBE, over_networks, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import ONE_SEED, ends, interval, listing, number_word
from nodescope.findings.small_charts import dots
from nodescope.findings.studied import Studied
from nodescope.messages.words import counted
from nodescope.numerics.intervals import ALPHA, holm, t_quantile
from nodescope.storage.columns import Quantity
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="nodes", rank=19, tables=("ablation", "selectivity"), figure="ablation")

CORRELATION = Quantity("rank correlation of selectivity and damage", range=(-1.0, 1.0), format="+.2f")
#: Nodes of a layer below which its correlation says nothing, and below which that of one network says no nothing.
LEAST_NODES, MANY_NODES = 10, 50


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence, with a correlation for each layer."""
    keys = [CONFIGURATION, "seed", "layer", "node"]
    described = split_of(tables["selectivity"], TO_DESCRIBE)
    selective = tables["selectivity"].filter(pl.col("split") == described, pl.col("state") == studied.last)
    damage = tables["ablation"].filter(pl.col("kind") == "mean", pl.col("state") == studied.last)
    both = selective.select(*keys, "class_share").join(damage.select(*keys, "loss_change"), on=keys).drop_nulls()
    networks = (
        both.group_by(CONFIGURATION, "seed", "layer")
        .agg(value=pl.corr("class_share", "loss_change", method="spearman"), nodes=pl.len())
        .filter(pl.col("nodes") >= LEAST_NODES, pl.col("value").is_finite())
        .sort("layer", CONFIGURATION, "seed")
        .collect()
    )
    if networks.is_empty():
        return
    layers = [int(layer) for layer in networks["layer"].unique().sort()]
    estimates = {layer: over_networks(networks.filter(pl.col("layer") == layer), "value") for layer in layers}
    one_network = networks.select(CONFIGURATION, "seed").n_unique() == 1
    several = all(estimate.seeds > 1 for estimate in estimates.values())
    intervals: dict[int, tuple[float | None, float | None]] = {}
    p_values: list[float | None] = []
    for layer, estimate in estimates.items():
        centre = estimate.centre or 0.0
        if one_network:
            nodes = int(networks.filter(pl.col("layer") == layer)["nodes"][0])
            intervals[layer], p = _of_one(centre, nodes)
            p_values.append(p)
        else:
            intervals[layer] = ends(estimate, CORRELATION)
            p_values.append(estimate.p_value)
    corrected = holm(p_values)
    told = [layer for layer, p in zip(layers, corrected, strict=True) if p is not None and p <= ALPHA]
    strongest = max(layers, key=lambda layer: abs(estimates[layer].centre or 0.0))
    centre, (low, high) = estimates[strongest].centre or 0.0, intervals[strongest]
    each = ", ".join(f"layer {layer} {CORRELATION.text(estimates[layer].centre)}" for layer in layers)
    of_interval = interval(low, high, CORRELATION)
    strongest_words = f"{CORRELATION.text(centre)}{f' ({of_interval})' if of_interval else ''}"
    reason = ""
    if told:
        more = [layer for layer in told if (estimates[layer].centre or 0.0) > 0]
        less = [layer for layer in told if layer not in more]
        parts = [
            f"matter {how} when switched off in {_layers(which)}"
            for which, how in ((more, "more"), (less, "less"))
            if which
        ]
        correlation = "the rank correlation of selectivity and damage is "
        sentence = f"Nodes that are more selective for classes {' and '.join(parts)}: {correlation}"
        if len(layers) > 1:
            sentence += f"{each}; strongest in layer {strongest}, {strongest_words}."
        else:
            sentence += f"{strongest_words}."
    else:
        where = "In the hidden layer" if len(layers) == 1 else f"In none of the {number_word(len(layers))} layers"
        tells = "does selectivity for classes tell" if len(layers) > 1 else "selectivity for classes does not tell"
        at = f"strongest in layer {strongest}, " if len(layers) > 1 else ""
        sentence = (
            f"{where} {tells} which nodes matter when switched off: the rank correlation of selectivity and damage is "
            f"{at}{strongest_words}."
        )
        enough = several or (one_network and int(networks["nodes"].min()) >= MANY_NODES)  # type: ignore[arg-type]  # whole numbers
        if not enough:
            reason = f"the layers have fewer than {counted(MANY_NODES, 'node')}" if one_network else ONE_SEED
    rows = [(f"layer {layer}", estimates[layer].centre, *intervals[layer]) for layer in layers]
    yield Found(
        sentence=sentence, value=centre, low=low, high=high, quantity=CORRELATION, reason=reason,
        chart=dots(rows, CORRELATION, zero=True, name="layer"), view={"state": studied.last},
    )  # fmt: skip


def _of_one(r: float, nodes: int) -> tuple[tuple[float, float], float]:
    """Interval and two-sided p value of Spearman's r of one network."""
    if abs(r) >= 1:
        return (r, r), 0.0
    z, error = math.atanh(r), math.sqrt((1 + r * r / 2) / (nodes - 3))
    half = t_quantile(math.inf) * error
    low, high = np.tanh([z - half, z + half])
    without = math.sqrt(1 / (nodes - 3))
    return (float(low), float(high)), math.erfc(abs(z) / without / math.sqrt(2))


def _layers(layers: list[int]) -> str:
    return f"layer {layers[0]}" if len(layers) == 1 else f"layers {listing(list(map(str, layers)))}"
