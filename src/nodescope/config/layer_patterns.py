"""Which layers of a network are meant: by names, patterns, types, or every activation function.

===========================  ======================================================================================
``activations``              every activation function; not softmax, nor gates where there are other functions
``blocks.3.act``             a module of this name: what enters it if it is an activation function, else its output
``blocks.*.act``             ``*`` is any part of one name, ``**`` any number of names
``blocks.3.act:2``           the second call of a module in a forward pass; without a number, every call
``blocks.3/relu:1``          the first call of a function in a module's forward; of the network itself ``forward/relu:1``
``type:GELU``                a class of modules, or a function (``type:gelu``)
``lstm[1]``, ``encoder[x]``  one of several outputs, by number or name
``!head.*``                  leaves out: here ``*`` is any text, and all that lies below is left out too
===========================  ======================================================================================
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

ACTIVATIONS = "activations"


@dataclass(frozen=True)
class Pattern:
    """One pattern.

    Attributes
    ----------
    text : str
        As it was given.
    items : tuple of str
        Which of several outputs: the numbers or names in brackets.
    """

    text: str
    items: tuple[str, ...]
    excludes: bool
    type_name: str | None
    expression: "re.Pattern[str]"

    @classmethod
    def of(cls, text: str) -> "Pattern":
        excludes = text.startswith("!")
        found = re.fullmatch(r"(.*?)((?:\[\w+\])*)", text.removeprefix("!").strip())
        assert found is not None  # both parts may be empty
        body, brackets = found.groups()
        type_name = body.removeprefix("type:") if body.startswith("type:") else None
        if excludes:
            expression = _regular(body, any_text=True) + r"([./:].*)?"
        else:
            expression = _regular(body, any_text=False) + ("" if re.search(r":\w+$", body) else r"(:\d+)?")
        items = tuple(re.findall(r"\[(\w+)\]", brackets))
        return cls(text, items, excludes, type_name, re.compile(expression))

    def fits(self, names: Iterable[str], kind: str) -> bool:
        """Whether a call is meant that goes by some names, of a class or function of this kind."""
        if self.type_name is not None:
            return re.fullmatch(_regular(self.type_name, any_text=True), kind) is not None
        return any(self.expression.fullmatch(name) for name in names)


def _regular(text: str, *, any_text: bool) -> str:
    parts = []
    for part in re.split(r"(\*\*|\*|\?)", text):
        if part == "**" or (part == "*" and any_text):
            parts.append(".*")
        elif part == "*":
            parts.append("[^./]*")
        elif part == "?":
            parts.append("[^./]")
        else:
            parts.append(re.escape(part))
    return "".join(parts)


class Selection:
    """The layers that are meant, as a list of patterns.

    Parameters
    ----------
    layers : str or sequence of str
        Patterns; those that leave out alone leave out of ``activations``.
    """

    def __init__(self, layers: str | Sequence[str]) -> None:
        texts = [layers] if isinstance(layers, str) else list(layers)
        self.patterns = [Pattern.of(text) for text in texts if text != ACTIVATIONS]
        self.included = [pattern for pattern in self.patterns if not pattern.excludes]
        self.all_activations = ACTIVATIONS in texts or not self.included

    def excludes(self, names: Sequence[str], kind: str) -> bool:
        """Whether a call is left out."""
        return any(pattern.excludes and pattern.fits(names, kind) for pattern in self.patterns)

    def chosen(self, names: Sequence[str], kind: str) -> list[Pattern]:
        """The patterns, of one for each output, that mean a call; none of one that is left out."""
        if self.excludes(names, kind):
            return []
        by_items: dict[tuple[str, ...], Pattern] = {}
        for pattern in self.included:
            if pattern.fits(names, kind):
                by_items.setdefault(pattern.items, pattern)
        return list(by_items.values())


def nearest(pattern: str, names: Iterable[str]) -> str | None:
    """The pattern that was probably meant, from the names that there are."""
    text = pattern.removeprefix("!")
    known = dict.fromkeys(names)
    if "*" in text:
        known = dict.fromkeys(re.sub(r"\b\d+\b", "*", name) for name in known)
    if text.startswith("type:"):
        known = dict.fromkeys(f"type:{name}" for name in known)
    found = get_close_matches(text, list(known), n=1, cutoff=0.5)
    return found[0] if found else None
