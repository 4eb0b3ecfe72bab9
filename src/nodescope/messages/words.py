"""Words that fit their number."""

from collections.abc import Sequence


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """``1 configuration``, ``2 configurations``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def were(number: int) -> str:
    """``was`` of one, ``were`` of several."""
    return "was" if number == 1 else "were"


def named_seeds(seeds: Sequence[int]) -> str:
    """``seed 0``, ``seeds 0, 1, 2``."""
    return f"seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))}"
