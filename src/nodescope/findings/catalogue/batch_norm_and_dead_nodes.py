"""Does batch normalisation keep nodes alive?

The share of dead nodes with batch normalisation less that without, of configurations that differ in it alone, averaged over
these pairs within each seed; each activation function for itself, corrected for their number (Holm). Said where the interval over
the seeds excludes no difference.
"""

from collections.abc import Iterator

import numpy as np
import polars as pl

from nodescope.findings.estimating import TO_DESCRIBE, counted_per_network, pairs_along, rows_of, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import NOT_OF_ONE_SEED, ONE_SEED, all_of, clipped, ends, interval
from nodescope.findings.small_charts import dots
from nodescope.findings.studied import Studied
from nodescope.numerics.intervals import REAL, Estimate, over_grid, over_seeds, verdicts
from nodescope.storage.columns import points, share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(chapter="health", rank=12, tables=("dead_nodes",), figure="dead_nodes")

AXIS = "batch_norm"
DEAD = share("dead nodes")
CHANGE = points("dead nodes with batch normalisation less without")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence, on the activation function for which it changes most."""
    if AXIS not in studied.configurations.axis_names:
        return
    split = split_of(tables["dead_nodes"], TO_DESCRIBE)
    of_layers = rows_of(tables, "dead_nodes", "dead", "nodes", split=split, state=studied.last)
    shares = counted_per_network(of_layers, "dead", "nodes").drop_nulls("value")
    values = {(name, seed): value for name, seed, value in shares.select(CONFIGURATION, "seed", "value").iter_rows()}
    seeds = shares["seed"].unique().sort().to_list()
    groups: dict[str, list[tuple[str, str]]] = {}
    for pair in pairs_along(studied.configurations, AXIS, True, False):
        groups.setdefault(str(studied.configurations.keys[pair[0]].get("activation", "")), []).append(pair)
    found: list[tuple[str, list[tuple[str, str]], Estimate, float, float]] = []
    for activation, pairs in groups.items():
        with_and_without = np.array(
            [[[values.get((name, seed), np.nan) for seed in seeds] for name in pair] for pair in pairs]
        )
        both = np.where(np.isnan(with_and_without).any(axis=1, keepdims=True), np.nan, with_and_without)
        if np.isnan(both).all() or not np.nansum(both):
            continue
        means = [over_grid(both[:, side]).centre for side in (0, 1)]
        found.append((activation, pairs, over_grid(both[:, 0] - both[:, 1]), *means))  # type: ignore[arg-type]  # known, since some value is
    if not found:
        return
    said = verdicts([each[2] for each in found], on_test_set=False)
    place = max(range(len(found)), key=lambda i: abs(found[i][2].centre or 0.0))
    activation, pairs, estimate, with_it, without = found[place]
    low, high = ends(estimate, CHANGE)
    real = said[place] == REAL or (estimate.equal_in_all_seeds and bool(estimate.centre))
    nodes = f"{activation} nodes" if activation else "nodes"
    each = _each(pairs, shares, studied) if real else ""
    in_brackets = _in_brackets(estimate)
    if real and with_it == 0:
        of_others = DEAD.text(without)
        if low is not None and high is not None and not estimate.equal_in_all_seeds:
            of_others += f" ({interval(*clipped(-high, -low, DEAD), DEAD)})"
        sentence = f"Batch normalisation leaves no node dead; without it, {of_others} of the {nodes} are{each}."
    elif real:
        fewer = "fewer" if with_it < without else "more"
        shares_in_words = f"{DEAD.text(with_it)}, and {DEAD.text(without)} without it"
        sentence = f"With batch normalisation {fewer} {nodes} are dead: {shares_in_words}{in_brackets}{each}."
    else:
        shares_in_words = (
            f"{DEAD.text(with_it)} of the {nodes} are dead with batch normalisation and {DEAD.text(without)} without it"
        )
        end = f"; {NOT_OF_ONE_SEED}" if estimate.seeds < 2 else ": no difference can be told"
        sentence = f"{shares_in_words}{in_brackets}{end}."
    reason = ""
    if not real:
        reason = (
            ONE_SEED
            if estimate.seeds < 2
            else "the 95 % interval over the seeds, corrected for the number of activation functions, includes no difference"
        )
    rows = [(name or "difference", e.centre, *ends(e, CHANGE)) for name, _, e, _, _ in found]
    yield Found(
        sentence=sentence, value=estimate.centre, low=low, high=high, quantity=CHANGE, reason=reason,
        chart=dots(rows, CHANGE, zero=True, name="activation"), view={"state": studied.last, "split": split},
    )  # fmt: skip


def _in_brackets(estimate: Estimate) -> str:
    said = f"difference {CHANGE.text(estimate.centre)}"
    if estimate.equal_in_all_seeds:
        return f" ({said} in {all_of(estimate.seeds, 'seeds')})"
    of_interval = interval(*ends(estimate, CHANGE), CHANGE)
    return f" ({said}, {of_interval})" if of_interval else f" ({said})"


def _each(pairs: list[tuple[str, str]], shares: pl.DataFrame, studied: Studied) -> str:
    """The share without batch normalisation of each of several configurations."""
    if len(pairs) < 2:
        return ""
    parts = []
    for _, name in pairs:
        mean = over_seeds(shares.filter(pl.col(CONFIGURATION) == name)["value"].to_numpy()).centre
        parts.append(f"{DEAD.text(mean)} in {studied.configurations.label(name, without=(AXIS,))}")
    return f": {', '.join(parts)}"
