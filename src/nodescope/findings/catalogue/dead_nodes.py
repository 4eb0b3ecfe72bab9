"""How many nodes are dead, and where?

Counts of the networks at hand, so that no test is needed. Said where any is dead, and where none is; not said where fewer than
20 samples were looked at.
"""

from collections.abc import Iterator

from nodescope.findings.estimating import TO_DESCRIBE, counted_per_network, per_configuration, rows_of, split_of
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import ends, number_word, of_estimate, samples_of
from nodescope.findings.small_charts import dots
from nodescope.findings.studied import Studied
from nodescope.messages.words import counted
from nodescope.storage.columns import share

FINDING = Finding(chapter="health", rank=15, tables=("dead_nodes",), figure="dead_nodes")

DEAD = share("dead nodes")
#: Samples below which being off for all of them says little.
LEAST_SAMPLES = 20


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    split = split_of(tables["dead_nodes"], TO_DESCRIBE)
    of_layers = rows_of(tables, "dead_nodes", "dead", "nodes", split=split, state=studied.last)
    networks = counted_per_network(of_layers, "dead", "nodes").drop_nulls("value")
    if networks.is_empty():
        return
    estimates = per_configuration(networks, "value")
    dead, nodes = int(networks["dead"].sum()), int(networks["nodes"].sum())
    by_share = sorted(estimates, key=lambda name: -(estimates[name].centre or 0.0))
    worst = estimates[by_share[0]]
    without = sum(estimate.centre == 0 for estimate in estimates.values())
    low, high = ends(worst, DEAD)
    networks_looked_at = studied.these_networks(len(networks))
    if not dead:
        every = f"the {counted(nodes, 'node')} of {networks_looked_at}"
        sentence = f"None of {every} is dead: each is on for some of the {samples_of(split)}."
    elif len(estimates) == 1:
        off = f"dead, that is, off for all {samples_of(split)}"
        sentence = f"{of_estimate(worst, DEAD)} of the nodes of {networks_looked_at} are {off}."
    else:
        rest = f"{_none(without, len(estimates))} no dead node" if without else "every configuration has dead nodes"
        sentence = (
            f"{studied.label(by_share[0])} has the most dead nodes, off for all {samples_of(split)}: {of_estimate(worst, DEAD)} of "
            f"its nodes; {rest}."
        )
    rows = [(studied.label(name), estimates[name].centre, *ends(estimates[name], DEAD)) for name in by_share]
    samples = studied.samples(split)
    few = 0 < samples < LEAST_SAMPLES
    yield Found(
        sentence=sentence, value=worst.centre, low=low, high=high, quantity=DEAD, rank=None if dead else 35,
        chart=dots(rows, DEAD, zero=True), view={"state": studied.last, "split": split},
        reason=f"only {samples} samples were looked at" if few else "",
    )  # fmt: skip


def _none(without: int, every: int) -> str:
    have = "has" if without == 1 else "have"
    return f"{number_word(without)} of the {number_word(every)} configurations {have}"
