"""Words that fit their number."""

import difflib
from collections.abc import Collection, Sequence

#: What to do where networks diverged, said the same in the log, at the end of a run and on the page.
DIVERGENCE_HINT = "Hint: smaller training.learning_rates, or batch normalisation."


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """``1 configuration``, ``2 configurations``."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def nearest(name: str, known: Collection[str]) -> str:
    """``; did you mean 'build'?``, where one of those that there are is like the name; else a full stop.

    >>> nearest("biuld", ["build", "preprocess"]), nearest("x", ["build"])
    ("; did you mean 'build'?", '.')
    """
    found = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{found[0]}'?" if found else "."


def listed(words: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def were(number: int) -> str:
    """``was`` of one, ``were`` of several."""
    return "was" if number == 1 else "were"


def named_seeds(seeds: Sequence[int]) -> str:
    """``seed 0``, ``seeds 0, 1, 2``."""
    return f"seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))}"


def duration(seconds: float) -> str:
    """A time in the unit that suits it.

    >>> [duration(seconds) for seconds in (40, 700, 9000, 400_000)]
    ['40 s', '12 min', '2.5 h', '4.6 days']
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"
