"""Was training long enough, or was validation accuracy still rising in the end?

Networks whose best validation accuracy is first reached in their last epoch, of those that were kept. Said as a number of
networks, none among them. Not said of fewer than five epochs, where the last is a fifth of all.
"""

from collections.abc import Iterator

import polars as pl

from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import all_of, capitalised, none_of
from nodescope.findings.small_charts import bars
from nodescope.findings.studied import Studied
from nodescope.messages.words import counted
from nodescope.storage.columns import share
from nodescope.study.axes import CONFIGURATION

FINDING = Finding(
    chapter="performance",
    rank=34,
    tables=("replicas", "learning_curves"),
    figure="learning_curves",
    needs_training=True,
)

AT_END = share("networks that are best after their last epoch")
LEAST_EPOCHS = 5
#: Of the networks, above which longer training is worth a try.
MANY = 0.1


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    keys = [CONFIGURATION, "seed", "learning_rate"]
    kept = tables["replicas"].filter("chosen", pl.col("diverged_epoch").is_null()).select(*keys)
    curves = tables["learning_curves"].filter(pl.col("split") == "validation", pl.col("accuracy").is_not_null())
    networks = (
        curves.join(kept, on=keys)
        .sort("epoch")
        .group_by(keys)
        .agg(best=pl.col("epoch").get(pl.col("accuracy").arg_max()), epochs=pl.col("epoch").max())
        .filter(pl.col("epochs") > 0)
        .collect()
    )
    if networks.is_empty():
        return
    number, every = int((networks["best"] == networks["epochs"]).sum()), len(networks)
    epochs = networks["epochs"].unique().sort().to_list()
    last = "the last epoch" if len(epochs) > 1 else f"the last of {counted(epochs[0], 'epoch')}"
    best = "best validation accuracy"
    many = number >= MANY * every
    if every == 1:
        sentence = f"The network reached its {best} {'in' if number else 'before'} {last}"
    elif number == every:
        sentence = f"{capitalised(all_of(every, 'networks'))} reached their {best} in {last}"
    else:
        some = (
            f"{'' if many else 'Only '}{number:,} of the {every:,} networks" if number else none_of(every, "networks")
        )
        sentence = f"{some} reached {'their' if number > 1 else 'its'} {best} in {last}"
    if many:
        sentence += ": longer training may do better"
    elif not number:
        sentence += f", so {'it was not' if every == 1 else 'none was'} still improving"
    yield Found(
        sentence=f"{sentence}.", value=number / every, quantity=AT_END, rank=None if many else 76,
        chart=bars([("last epoch", number / every), ("earlier", 1 - number / every)], AT_END, name="best"),
        reason=f"of {counted(epochs[0], 'epoch')} the last is soon the best" if epochs[0] < LEAST_EPOCHS else "",
    )  # fmt: skip
