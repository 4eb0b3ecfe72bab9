"""What became of the claims of the works that the study is compared with?

Counts of verdicts. Said where any claim holds or does not; not said where none could be judged.
"""

from collections.abc import Iterator

from nodescope.findings.finding import Finding, Found, Tables
from nodescope.findings.phrasing import listing, number_word
from nodescope.findings.small_charts import bars
from nodescope.findings.studied import Studied
from nodescope.messages.words import counted
from nodescope.storage.columns import number_of

FINDING = Finding(chapter="literature", rank=21, tables=("claims",), figure="scorecard")

HOLDING = number_of("claims that hold")
#: Verdicts of `nodescope.works.judging`, with the words for one claim and for several.
WORDS = {
    "holds": ("holds", "hold"),
    "does not hold": ("does not hold", "do not hold"),
    "cannot tell": ("cannot be told", "cannot be told"),
}


def find(tables: Tables, studied: Studied) -> Iterator[Found]:
    """One sentence."""
    claims = tables["claims"].select("work", "verdict").collect()
    verdicts = claims["verdict"].to_list()
    counts = {verdict: verdicts.count(verdict) for verdict in WORDS}
    run = sum(counts.values())
    works = listing(claims["work"].unique(maintain_order=True).to_list()) if len(claims) else ""
    if not run:
        return
    parts = [f"{number_word(number)} {WORDS[verdict][number != 1]}" for verdict, number in counts.items() if number]
    not_run = len(claims) - run
    of_all = f" ({number_word(not_run)} more {'was' if not_run == 1 else 'were'} not run)" if not_run else ""
    sentence = f"Of {counted(run, 'claim')} of {works} that this study can be held against{of_all}, {listing(parts)}."
    judged = counts["holds"] + counts["does not hold"]
    yield Found(
        sentence=sentence, value=float(counts["holds"]), quantity=HOLDING,
        chart=bars([(verdict, float(number)) for verdict, number in counts.items()], HOLDING, name="verdict"),
        reason="" if judged else "no claim could be told",
    )  # fmt: skip
