"""Was training long enough, or is the kept epoch the last one?

Said as a number of networks, none among them. Not said of fewer than five epochs, where the last is a fifth of all.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.small_charts import bars
from nodescope.findings.studied import Studied
from nodescope.messages.words import counted, were
from nodescope.storage.columns import share

FINDING = Finding(
    chapter="performance", rank=48, tables=("replicas",), figure="learning_curves", needs_training=True
)

AT_END = share("networks kept after their last epoch")
LEAST_EPOCHS = 5


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    kept = (
        tables["replicas"]
        .filter("chosen", pl.col("diverged_epoch").is_null())
        .select("best_epoch", "epochs")
        .drop_nulls()
        .filter(pl.col("epochs") > 0)
        .collect()
    )
    if kept.is_empty():
        return
    at_end = kept.filter(pl.col("best_epoch") == pl.col("epochs"))
    several = kept["epochs"].n_unique() > 1
    longest, shortest = int(kept["epochs"].max()), int(kept["epochs"].min())  # type: ignore[arg-type]  # whole numbers
    last = "the last epoch" if several else f"the last of {counted(longest, 'epoch')}"
    number, networks = len(at_end), len(kept)
    if not number:
        one = "The network" if networks == 1 else f"None of the {networks:,} networks"
        what = "was kept before" if networks == 1 else "was kept after"
        sentence = f"{one} {what} {last}: training was long enough for the best validation accuracy to lie behind."
    elif networks == 1:
        sentence = f"The network was kept after {last}: longer training may do better."
    else:
        sentence = f"{number:,} of the {networks:,} networks {were(number)} kept after {last}: longer training may do better."
    reason = f"of {counted(shortest, 'epoch')} the last is soon the best" if shortest < LEAST_EPOCHS else ""
    counts = [("last epoch", float(number)), ("earlier", float(networks - number))]
    yield Found(
        sentence=sentence, value=number / networks, quantity=AT_END, reason=reason, rank=None if number else 76,
        chart=bars([(name, of_networks / networks) for name, of_networks in counts], AT_END, name="kept after"),
    )  # fmt: skip
