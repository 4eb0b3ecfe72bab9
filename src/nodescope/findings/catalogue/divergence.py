"""Which networks diverged?

Said where any did, in the words of the end of a run, and where none did.
"""

from collections.abc import Iterator

from nodescope.findings.divergence import divergences, sentences
from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import none_of
from nodescope.findings.small_charts import bars
from nodescope.findings.studied import Studied
from nodescope.storage.columns import number_of

FINDING = Finding(
    chapter="health", rank=5, tables=("replicas", "learning_curves"), figure="learning_curves", needs_training=True
)

DIVERGED = number_of("networks that diverged or whose loss rose")


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence, or one of each kind of divergence."""
    replicas = tables["replicas"].filter("chosen").collect().drop_nulls("learning_rate")
    if replicas.is_empty():
        return
    found = divergences(studied.configurations, replicas, tables["learning_curves"])
    lost = sum(one.diverged + one.risen for one in found)
    if not found:
        networks = len(replicas)
        none = "The network did not diverge" if networks == 1 else f"{none_of(networks, 'networks')} diverged"
        yield Found(sentence=f"{none}.", value=0.0, quantity=DIVERGED, rank=80)
        return
    rows = [(one.label, float(one.diverged + one.risen)) for one in found]
    yield Found(
        sentence=" ".join(sentences(found)), value=float(lost), quantity=DIVERGED,
        chart=bars(rows, DIVERGED, name="configuration"),
    )  # fmt: skip
