"""Words and numbers as a reader wants them."""

import re
from collections.abc import Collection


def slug(words: str) -> str:
    """Words as a part of a file name: ``relu-width-200``."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", words.replace("_", "")).strip("-")


def state_label(state: str) -> str:
    """``untrained``, ``after epoch 5``, ``trained``."""
    if state == "initial":
        return "untrained"
    numbered = re.fullmatch(r"(?:epoch-(\d+))?-?(?:step-(\d+))?", state)
    if numbered is None:
        return state
    return "after " + ", ".join(
        f"{name} {n}" for name, n in zip(("epoch", "step"), numbered.groups(), strict=True) if n
    )


def kinds_in_words(kinds: Collection[str]) -> str:
    """What a table with these kinds of values is of: of outputs no pre-activations are known.

    >>> kinds_in_words(["pre", "post"]), kinds_in_words(["post"])
    ('activations (or pre-activations)', 'activations')
    """
    return "activations (or pre-activations)" if "pre" in kinds else "activations"


def percent(share: float | None) -> str:
    """A share as a reader wants it."""
    return "unknown" if share is None else f"{100 * share:.1f} %"
