"""Numbers and lists in the sentences of findings."""

from collections.abc import Sequence
from dataclasses import replace

from nodescope.numerics.intervals import Estimate
from nodescope.storage.columns import Quantity

#: What the samples of a split are called.
SPLITS = {"train": "training samples", "validation": "validation samples", "test": "test samples"}
#: The end of a sentence on a way of making networks that one seed does not allow, and why.
NOT_OF_ONE_SEED = "with one seed, chance cannot be ruled out"
ONE_SEED = "with one seed, nothing says how far networks of another seed would be from these"

NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


def number_word(number: int, *, begins: bool = False) -> str:
    """A small number as a word; ``begins``: at the beginning of a sentence.

    >>> number_word(3), number_word(3, begins=True), number_word(24)
    ('three', 'Three', '24')
    """
    if number >= len(NUMBERS):
        return f"{number:,}"
    return NUMBERS[number] if begins else NUMBERS[number].lower()


def counted_word(number: int) -> str:
    """How many of some things that were named: ``none``, ``three``, ``24``."""
    return number_word(number) if number else "none"


def none_of(number: int, things: str) -> str:
    """Not one of several, at the beginning of a sentence.

    >>> none_of(2, "networks"), none_of(24, "networks")
    ('Neither of the two networks', 'None of the 24 networks')
    """
    return f"Neither of the two {things}" if number == 2 else f"None of the {number:,} {things}"


def all_of(number: int, things: str) -> str:
    """Every one of several.

    >>> all_of(2, "seeds"), all_of(3, "seeds"), all_of(24, "networks")
    ('both seeds', 'all three seeds', 'all 24 networks')
    """
    return f"both {things}" if number == 2 else f"all {number_word(number)} {things}"


def samples_of(split: str, number: int = 2) -> str:
    """``training samples``, ``test sample``."""
    words = SPLITS.get(split, f"samples of the split {split}")
    return words.replace("samples", "sample", 1) if number == 1 else words


def capitalised(words: str) -> str:
    """With a capital letter at the beginning."""
    return words[:1].upper() + words[1:]


def listing(words: Sequence[str]) -> str:
    """Words in a row.

    >>> listing(["a", "b", "c"])
    'a, b and c'
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def clipped(low: float | None, high: float | None, quantity: Quantity) -> tuple[float | None, float | None]:
    """An interval within what is possible: a t interval knows no bounds of a share."""
    least, most = quantity.range
    if low is not None and least is not None:
        low = max(low, least)
    if high is not None and most is not None:
        high = min(high, most)
    return low, high


def ends(estimate: Estimate, quantity: Quantity) -> tuple[float | None, float | None]:
    """Low and high end of the 95 % interval of an estimate; None without one."""
    low, high = estimate.interval or (None, None)
    return clipped(low, high, quantity)


def signless(quantity: Quantity, value: float | None) -> str:
    """A difference whose direction the words say."""
    return quantity.text(None if value is None else abs(value)).removeprefix("+")


def interval(low: float | None, high: float | None, quantity: Quantity) -> str:
    """A 95 % interval in words; empty without one.

    >>> interval(0.1, 0.183, Quantity("dead nodes", "%", format=".1f", scale=100))
    '95 % interval 10.0 to 18.3 %'
    """
    if low is None or high is None:
        return ""
    return f"95 % interval {replace(quantity, unit='').text(low)} to {quantity.text(high)}"


def of_estimate(estimate: Estimate, quantity: Quantity) -> str:
    """A mean with its interval: ``14.2 % (95 % interval 10.0 to 18.3 %)``."""
    if estimate.equal_in_all_seeds:
        return f"{quantity.text(estimate.centre)} (the same in {all_of(estimate.seeds, 'seeds')})"
    said = interval(*ends(estimate, quantity), quantity)
    return f"{quantity.text(estimate.centre)} ({said})" if said else quantity.text(estimate.centre)


def factor(ratio: float) -> str:
    """A ratio as a reader wants it: what is below one as a fraction.

    >>> factor(5.34), factor(0.002), factor(1.5e-12), factor(40_000), factor(1.023)
    ('5.3', '1/500', '1/6.7e+11', '40,000', '1.02')
    """
    if ratio < 1:
        return f"1/{factor(1 / ratio)}"
    if ratio >= 1e6:
        return f"{ratio:.1e}"
    if round(ratio, 2) < 2:
        return f"{ratio:.2f}"
    return f"{ratio:.1f}" if ratio < 10 else f"{float(f'{ratio:.2g}'):,.0f}"
