"""The files that a pattern with placeholders fits, by the values of these.

``runs/{width}/seed-{seed}/epoch-{epoch}.pt`` fits ``runs/200/seed-0/epoch-10.pt`` with ``width`` 200, ``seed`` 0 and
``epoch`` 10. Folders are listed and no file is opened. What networks follow from them says `nodescope.study.pattern_networks`.
Imports nothing heavy.
"""

import difflib
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from nodescope.config.patterns import NO_AXES, NUMBERED, PLACEHOLDER, placeholders
from nodescope.messages.errors import ConfigError

Value = int | float | str

#: Files by which a folder is one of Hugging Face's, which counts as a checkpoint.
OF_FOLDERS = (".safetensors", ".safetensors.index.json", ".bin", ".bin.index.json")

_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_IN_PATTERN = re.compile(r"\{([^{}]*)\}|(\*)")


class Match(NamedTuple):
    """A file or folder that a pattern fits, and what its placeholders stand for."""

    values: dict[str, Value]
    path: Path


def expand(pattern: str, *, entries: Literal["files", "checkpoints"] = "checkpoints") -> list[Match]:
    """Everything that a pattern fits, sorted by the values of its placeholders, numbers as numbers.

    Parameters
    ----------
    pattern
        Relative to the working directory, or absolute. See `nodescope.config.patterns`.
    entries
        Whether folders of Hugging Face (``checkpoint-500/``) count beside files.

    Returns
    -------
    list of Match
        ``seed``, ``epoch`` and ``step`` are whole numbers, and an axis is whole numbers, numbers or texts, whichever all of
        its values are; what is no axis is text.

    Raises
    ------
    ConfigError
        If nothing fits, a name fits in several ways, or two files have the same values.
    """
    found = [
        (texts, path) for texts, path in _fitting(Path(), Path(pattern).parts, {}, pattern) if _counts(path, entries)
    ]
    if not found:
        raise ConfigError(_nothing_fits(pattern, entries))
    names = placeholders(pattern)
    columns = {name: _typed(name, [texts[name] for texts, _ in found]) for name in names}
    matches = [Match({name: columns[name][i] for name in names}, path) for i, (_, path) in enumerate(found)]
    _check_distinct(pattern, matches)
    return sorted(matches, key=lambda match: [rank_of(value) for value in match.values.values()])


def _fitting(
    folder: Path, parts: Sequence[str], values: dict[str, str], pattern: str
) -> Iterator[tuple[dict[str, str], Path]]:
    """What of a folder the parts of a pattern fit, with the texts that its placeholders stand for."""
    if not parts:
        yield values, folder
        return
    part, *others = parts
    if not _IN_PATTERN.search(part):
        if os.path.lexists(folder / part):
            yield from _fitting(folder / part, others, values, pattern)
        return
    for name in _names_in(folder, hidden=part.startswith(".")):
        texts = _texts(part, name, values, pattern, folder)
        if texts is not None and (not others or (folder / name).is_dir()):
            yield from _fitting(folder / name, others, texts, pattern)


def _names_in(folder: Path, *, hidden: bool = False) -> list[str]:
    try:
        names = sorted(path.name for path in folder.iterdir())
        return [name for name in names if hidden or not name.startswith(".")]
    except OSError:
        return []


def _texts(part: str, name: str, values: dict[str, str], pattern: str, folder: Path) -> dict[str, str] | None:
    """What the placeholders of a part stand for in a name, with those before; None where it does not fit."""
    lazily = _regex(part, values, "?").fullmatch(name)
    if lazily is None:
        return None
    # The first group is the shortest possible here and the longest there, and so on: equal means that there is one way.
    greedily = _regex(part, values, "").fullmatch(name)
    if greedily is None or lazily.groupdict() != greedily.groupdict():
        raise ConfigError(
            f"{pattern} fits {folder / name} in several ways. Hint: separate placeholders by text that their values do not contain"
        )
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise ConfigError(f"the name of {os.fsencode(folder / name)!r} is not UTF-8. Hint: rename it") from error
    return {**values, **lazily.groupdict()}


def _regex(part: str, values: Mapping[str, str], lazy: str) -> re.Pattern[str]:
    """A part of a pattern as a regular expression; placeholders that are known already stand for what they stood for."""
    made, end, own = "", 0, set[str]()
    for found in _IN_PATTERN.finditer(part):
        made += re.escape(part[end : found.start()])
        end = found.end()
        name = found[1]
        if name is None:
            made += ".*"
        elif name in values:
            made += re.escape(values[name])
        elif name in own:
            made += f"(?P={name})"
        else:
            own.add(name)
            made += f"(?P<{name}>{'[0-9]{1,15}' if name in NUMBERED else '.+'}{lazy})"
    return re.compile(made + re.escape(part[end:]), re.DOTALL)


def _counts(path: Path, entries: Literal["files", "checkpoints"]) -> bool:
    return path.is_file() or (entries == "checkpoints" and is_checkpoint_folder(path))


def is_checkpoint_folder(path: Path) -> bool:
    """Whether a folder holds weights, as Hugging Face saves them.

    A pattern may fit folders that lie above the files it is meant for; those do not.
    """
    return path.is_dir() and any(name.endswith(OF_FOLDERS) for name in _names_in(path))


def _typed(name: str, texts: Sequence[str]) -> list[Value]:
    """The values of a placeholder: numbers where all of them are, and where no two texts are one number."""
    if name in NUMBERED:
        return [int(text) for text in texts]
    kinds: tuple[tuple[re.Pattern[str], type[int] | type[float]], ...] = ((_WHOLE, int), (_NUMBER, float))
    if name not in NO_AXES:
        for kind, convert in kinds:
            if all(kind.fullmatch(text) for text in texts):
                numbers = {text: convert(text) for text in texts}
                if len({*numbers.values()}) == len(numbers) and all(map(math.isfinite, numbers.values())):
                    return [numbers[text] for text in texts]
    return list(texts)


def rank_of(value: Value) -> Any:
    """By which values are sorted: texts by the numbers in them, ``layer-2`` before ``layer-10``."""
    return natural_order(value) if isinstance(value, str) else value


def natural_order(text: str) -> list[tuple[bool, int, str]]:
    """A key to sort texts by, numbers in them as numbers.

    >>> sorted(["layer-10", "layer-2", "input"], key=natural_order)
    ['input', 'layer-2', 'layer-10']
    """
    parts = re.split(r"([0-9]+)", text)
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def _check_distinct(pattern: str, matches: Iterable[Match]) -> None:
    first: dict[tuple[Value, ...], Path] = {}
    for match in matches:
        other = first.setdefault(tuple(match.values.values()), match.path)
        if other != match.path:
            raise ConfigError(
                f"{pattern} fits two files with the same values: {other} and {match.path}. Hint: remove one of them, or add a "
                "placeholder such as {epoch} where they differ"
            )


# --- nothing fits ---


def _nothing_fits(pattern: str, entries: Literal["files", "checkpoints"]) -> str:
    """Which existing path comes nearest, and how the pattern would fit it."""
    parts = Path(pattern).parts
    unfit = [path for _, path in _fitting(Path(), parts, {}, pattern)]
    if unfit:
        name = pattern.rstrip("/") + ("/*.pt" if entries == "checkpoints" else "/{layer}.parquet")
        without = " without weights" if entries == "checkpoints" else ""
        return f"no file fits {pattern}; {unfit[0]} is a folder{without}. Hint: name the files in it: {name}"
    depth, nearest = _nearest(parts, pattern)
    if nearest is None:
        return f"no file fits {pattern}; there is nothing in {Path().absolute()}. Hint: paths are relative to the working directory"
    part = parts[depth]
    is_last = len(parts) == depth + 1
    hint = (_other_suffix(part, nearest[depth]) if is_last else None) or _as_pattern(part, nearest[depth])
    path = Path(*nearest)
    if hint is None:
        return (
            f"no file fits {pattern}; nearest: {path}. Hint: a placeholder stands for a part of one name; paths are relative to "
            "the working directory"
        )
    return f"no file fits {pattern}; nearest: {path}. Hint: {hint} instead of {part}"


def _nearest(parts: tuple[str, ...], pattern: str) -> tuple[int, tuple[str, ...] | None]:
    """Up to which part of a pattern anything fits, and the path there that comes nearest."""
    depth, folders = 0, [Path()]
    for length in range(1, len(parts)):
        deeper = [path for _, path in _fitting(Path(), parts[:length], {}, pattern) if path.is_dir()]
        if not deeper or not any(map(_names_in, deeper)):
            break
        depth, folders = length, deeper
    candidates = [(folder, name) for folder in folders for name in _names_in(folder)]
    if not candidates:
        return depth, None
    path = _closest(candidates, parts[depth])
    for part in parts[depth + 1 :]:
        below = [(path, name) for name in _names_in(path)]
        if not below:
            break
        path = _closest(below, part)
    return depth, path.parts


def _closest(candidates: list[tuple[Path, str]], part: str) -> Path:
    """The first of the candidates that a part fits, else the one with the most similar name."""
    regex = _regex(part, {}, "")
    text = PLACEHOLDER.sub(lambda found: "0" if found[1] in NUMBERED else "", part)

    def similarity(candidate: tuple[Path, str]) -> tuple[bool, float]:
        name = re.sub("[0-9]+", "0", candidate[1])
        return bool(regex.fullmatch(candidate[1])), difflib.SequenceMatcher(None, text.lower(), name.lower()).ratio()

    folder, name = max(candidates, key=similarity)
    return folder / name


def _other_suffix(part: str, name: str) -> str | None:
    """The part with the suffix of a name, if that is all that differs."""
    other = Path(part).stem + Path(name).suffix
    return other if other != part and _regex(other, {}, "").fullmatch(name) else None


def _as_pattern(part: str, name: str) -> str | None:
    """A name with the numbered placeholders of a part in the places of its numbers; None where they are not as many."""
    wanted = PLACEHOLDER.findall(part)
    numbers = re.findall("[0-9]+", name)
    if len(wanted) != len(numbers):
        return name if not wanted and not numbers else None
    names = iter(wanted)
    return re.sub("[0-9]+", lambda _: "{" + next(names) + "}", name)
