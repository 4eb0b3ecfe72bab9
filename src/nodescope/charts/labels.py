"""Words and numbers as a reader wants them."""

import re


def slug(words: str) -> str:
    """Words as a part of a file name: ``relu-width-200``."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", words.replace("_", "")).strip("-")


def state_label(state: str) -> str:
    """``untrained``, ``after epoch 5``, ``trained``."""
    if state == "initial":
        return "untrained"
    return f"after epoch {state.removeprefix('epoch-')}" if state.startswith("epoch-") else state


def percent(share: float | None) -> str:
    """A share as a reader wants it."""
    return "unknown" if share is None else f"{100 * share:.1f} %"
