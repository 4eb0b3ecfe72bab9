"""The networks and states that the files of a pattern are of, and the identifiers of their configurations.

Imports nothing heavy.
"""

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodescope.config.fields import SAFE_NAME
from nodescope.config.patterns import NO_AXES, placeholders
from nodescope.messages.errors import ConfigError
from nodescope.study.file_patterns import Match, Value, expand, natural_order

#: The state of a network that has only one, and the last of several epochs or steps.
TRAINED = "trained"
INITIAL = "initial"
#: Longest identifier; longer ones are cut, as file systems allow 255 bytes for a name.
LONGEST = 80


@dataclass(frozen=True)
class NetworkFiles:
    """The files of one network.

    Attributes
    ----------
    axes : mapping
        The values of its axes.
    seed : int
    states : mapping of Path
        Its checkpoints by the names of the states, in the order of training.
    """

    axes: Mapping[str, Value]
    seed: int
    states: Mapping[str, Path]


def with_states(pattern: str, matches: Sequence[Match]) -> list[Match]:
    """Matches with ``seed`` (0 where the pattern has none) and ``state``, by ``epoch`` and ``step`` where it has those.

    Of several states of one network that are numbered, the last is called ``trained``; so is the only one. They come network
    by network, in the order of training: ``initial`` first, ``trained`` last.

    Raises
    ------
    ConfigError
        If a state cannot be the name of a folder, or the numbers do not tell states apart.
    """
    there = placeholders(pattern)
    numbered: list[str] = [name for name in ("epoch", "step") if name in there]
    networks: dict[tuple[Any, ...], list[Match]] = {}
    for match in matches:
        networks.setdefault(_network_of(match), []).append(match)
    by = _telling(numbered, networks.values())
    found = []
    for of_network in networks.values():
        points = sorted({tuple(match.values[name] for name in numbered) for match in of_network})
        for match in of_network:
            values = dict(match.values)
            point = tuple(match.values[name] for name in numbered)
            if "state" not in values:
                is_last = point == points[-1]
                values["state"] = TRAINED if is_last else "-".join(f"{name}-{match.values[name]}" for name in by)
            _check_state(str(values["state"]), match.path)
            found.append((_order_of(values["state"], point), Match({"seed": 0, **values}, match.path)))
    place = {key: number for number, key in enumerate(networks)}
    found.sort(key=lambda entry: (place[_network_of(entry[1])], entry[0]))
    return [match for _, match in found]


def _network_of(match: Match) -> tuple[Any, ...]:
    """What a network differs from others in: its axes and its seed."""
    axes = tuple((name, value) for name, value in match.values.items() if name not in NO_AXES)
    return match.values.get("configuration", ""), axes, match.values.get("seed", 0)


def _telling(numbered: list[str], networks: Iterable[list[Match]]) -> list[str]:
    """Those of epoch and step that tell the states of every network apart: one of them if it does alone."""
    if len(numbered) < 2:
        return numbered
    networks = list(networks)
    for name in numbered:
        if all(
            len({match.values[name] for match in of_network})
            == len({(match.values["epoch"], match.values["step"]) for match in of_network})
            for of_network in networks
        ):
            return [name]
    return numbered


def _check_state(state: str, path: Path) -> None:
    if not re.fullmatch(SAFE_NAME, state):
        raise ConfigError(
            f"{path}: '{state}' cannot be the name of a state; allowed: 1 to 64 letters, digits, '-' and '_'. Hint: rename the "
            "file, or use {epoch} or {step}"
        )


def _order_of(state: Value, point: tuple[Value, ...]) -> tuple[Any, ...]:
    return {INITIAL: 0, TRAINED: 2}.get(str(state), 1), point, natural_order(str(state))


def networks_of(pattern: str) -> list[NetworkFiles]:
    """The networks that a pattern of checkpoints fits, in the order of their axes and seeds.

    Raises
    ------
    ConfigError
        As `expand` and `with_states`.
    """
    networks: dict[tuple[Any, ...], NetworkFiles] = {}
    for match in with_states(pattern, expand(pattern)):
        axes = {name: value for name, value in match.values.items() if name not in NO_AXES}
        network = networks.setdefault(_network_of(match), NetworkFiles(axes, int(match.values["seed"]), {}))
        assert isinstance(network.states, dict)
        network.states[str(match.values["state"])] = match.path
    return list(networks.values())


def identifiers(rows: Sequence[Mapping[str, Value]], study: str) -> list[str]:
    """A readable name for each configuration, from the values of its axes; safe as a path.

    Numbers follow the name of their axis, texts stand for themselves; without axes it is the name of the study. Where two
    would be equal, all of these get a digest of their values.

    >>> identifiers([{"width": 50, "optimiser": "adam"}, {"width": 200, "optimiser": "SGD"}], "mine")
    ['width-50-adam', 'width-200-sgd']
    >>> identifiers([{}], "Birds_2")
    ['birds-2']
    """
    names = ["-".join(_word(axis, value) for axis, value in row.items()) or _slug(study) for row in rows]
    names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 20].strip('-')}-{_digest(row)}"
             for name, row in zip(names, rows, strict=True)]  # fmt: skip
    for length in (6, 12, 64):
        counts = Counter(names)
        if len(counts) == len(names):
            break
        names = [
            name if counts[name] == 1 else f"{name}-{_digest(row, length)}"
            for name, row in zip(names, rows, strict=True)
        ]
    return names


def _word(axis: str, value: Value) -> str:
    if isinstance(value, str):
        slug = _slug(value)
        # What begins with a digit says nothing by itself.
        return f"{_slug(axis)}-{slug or _digest({axis: value})}" if not slug or slug[0].isdigit() else slug
    sign = "minus-" if value < 0 else ""
    return f"{_slug(axis)}-{sign}{_slug(repr(abs(value)).replace('+', ''))}"


def _slug(text: str) -> str:
    """Lower-case letters, digits and ``-``."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")


def _digest(row: Mapping[str, Value], length: int = 6) -> str:
    return hashlib.sha256(json.dumps(dict(row), sort_keys=True).encode()).hexdigest()[:length]
