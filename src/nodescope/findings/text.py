"""The findings of all studies as a page of Markdown: what can be said, then what cannot and why."""

from collections.abc import Mapping, Sequence

from nodescope.findings.collected import Statement
from nodescope.messages.words import counted

INTRODUCTION = (
    "Each sentence is made from the collected tables by a rule. What is said of the networks at hand is counted; what is said "
    "of a way of making networks must survive the noise of the seeds and, for accuracies, of the test samples. Intervals are 95 % "
    "each and are not corrected for the number of sentences."
)


def findings_text(title: str, studies: Mapping[str, Sequence[Statement]]) -> str:
    """Markdown.

    Parameters
    ----------
    title
        Of the report.
    studies
        The findings of each study by its name, the most important first.
    """
    parts = [f"# {_plain(title)}: findings", INTRODUCTION]
    for study, statements in studies.items():
        said = [each for each in statements if each.said]
        unsaid = [each for each in statements if not each.said]
        parts.append(f"## {_plain(study)}")
        parts.append(_items([_plain(each.sentence) for each in said]) if said else "Nothing can be said of this study.")
        if unsaid:
            parts.append(f"### What cannot be said ({counted(len(unsaid), 'sentence')})")
            parts.append(_items([f"{_plain(each.sentence)} *Not said: {_plain(each.reason)}.*" for each in unsaid]))
    return "\n\n".join(parts) + "\n"


def _items(sentences: list[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _plain(text: str) -> str:
    """Text that Markdown leaves as it is."""
    for mark in ("\\", "*", "_", "<", "`"):
        text = text.replace(mark, f"\\{mark}" if mark != "<" else "&lt;")
    return " ".join(text.split())
