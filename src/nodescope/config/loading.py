"""Turn the raw mapping from YAML into a checked `Config`, or into one message that lists all that is wrong."""

import copy
import difflib
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from types import NoneType
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from nodescope.config.consistency import inconsistencies
from nodescope.config.dataset import DATASET_SOURCES
from nodescope.config.fields import SAFE_NAME
from nodescope.config.grid import VARIANT_NAME
from nodescope.config.repeated_keys import keys_at_top, repeated_keys
from nodescope.config.root import Config
from nodescope.config.study import KINDS, Study, kind_of, study_of
from nodescope.messages.errors import ConfigError

#: Folders and anchors of our own beside those of the studies.
RESERVED_NAMES = ("datasets", "overview", "provenance")

#: Environment variable by which the jobs of a run know its configuration.
CONFIG_OF_RUN = "NODESCOPE_CONFIG_OF_RUN"

_SENTENCES = {
    "missing": "is required",
    "bool_type": "must be true or false, not {input}",
    "int_type": "must be a whole number, not {input}",
    "invalid_key": "the key {input} is not text: YAML reads yes, no, on, off as true and false, and 1 as a number",
    "float_type": "must be a number, not {input}",
    "float_parsing": "must be a number, not {input}",
    "string_type": "must be text, not {input}",
    "list_type": "must be a list, not {input}",
    "model_attributes_type": "must be a name or a section (key: value), not {input}",
    "model_type": "must be a section (key: value), not {input}",
    "too_short": "must have at least {min_length} {entries}",
    "greater_than_equal": "must be at least {ge}, not {input}",
    "greater_than": "must be greater than {gt}, not {input}",
    "less_than_equal": "must be at most {le}, not {input}",
    "less_than": "must be less than {lt}, not {input}",
    "literal_error": "must be {expected}, not {input}",
    "finite_number": "must be a finite number, not {input}",
    "union_tag_not_found": "needs a key 'source' with the kind of data set",
}


def parse_config(raw: Mapping[str, Any], files: Iterable[str | Path] = ()) -> Config:
    """Check a raw configuration.

    Parameters
    ----------
    raw
        What the YAML files said, merged.
    files
        Those files: whether a key stands twice only they can tell.

    Returns
    -------
    Config

    Raises
    ------
    ConfigError
        With one line per problem: where, what, what is allowed, and a hint where there is one.
    """
    files = list(files)
    problems = [problem for path in files for problem in repeated_keys(path)]
    problems += _repeated_names(raw)
    problems += _own_parts(raw)
    config = None
    try:
        config = Config.model_validate(dict(raw))
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems += _merged(_describe(detail, raw) for detail in details)
        problems += _replaced_studies(details, files)
    for index, study, doubtful in _readable_studies(raw):
        problems += (f"studies[{index}].{problem}" for problem in inconsistencies(study, doubtful))
    if problems or config is None:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise ConfigError(
            f"The configuration has {count}:\n{lines}\nHint: all keys are documented in config.yaml. Nothing was run; "
            "existing results are unchanged."
        )
    return config


def read_config(path: str | Path) -> dict[str, Any]:
    """The raw configuration in a YAML file.

    Raises
    ------
    ConfigError
        If the file cannot be read, or holds no section.
    """
    try:
        raw = yaml.safe_load(Path(path).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"The configuration {path} cannot be read: {error}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"The configuration {path} must be a section (key: value). Hint: see config.yaml.")
    return raw


def only_this(config: str) -> None:
    """Hold every job that this process starts to one configuration, and this process to that of who started it.

    A job on another node reads the configuration anew; one that was edited since the run began would give results that
    Snakemake takes for those of the old one.

    Raises
    ------
    ConfigError
        If this process belongs to a run with another configuration.
    """
    digest = hashlib.sha256(config.encode()).hexdigest()
    if os.environ.setdefault(CONFIG_OF_RUN, digest) != digest:
        raise ConfigError(
            "The configuration was edited during a run of Snakemake. The remaining jobs of the run cannot use the "
            "new configuration. Hint: wait until the running jobs have ended, then start Snakemake again. Results "
            "that the edit does not affect are kept."
        )


def _repeated_names(raw: Mapping[str, Any]) -> Iterator[str]:
    studies = raw.get("studies")
    studies = studies if isinstance(studies, list) else [studies]
    names = [s["name"] for s in studies if isinstance(s, Mapping) and isinstance(s.get("name"), str)]
    # Some file systems do not tell upper from lower case.
    for name, count in Counter(name.lower() for name in names).items():
        if count > 1:
            yield f"studies: {count} studies are named '{name}'; study names must be unique"
        if name in RESERVED_NAMES:
            yield f"studies: the name '{name}' is reserved; choose another name"


def _own_parts(raw: Mapping[str, Any]) -> Iterator[str]:
    """Parts of a study of studies are filled in, never given."""
    studies = raw.get("studies")
    for index, study in enumerate(studies if isinstance(studies, list) else [studies]):
        if isinstance(study, Mapping) and "join" in study and "parts" in study:
            yield f"studies[{index}].parts: unknown key. Hint: join takes the names of other studies"


def _replaced_studies(details: list[ErrorDetails], files: list[str | Path]) -> Iterator[str]:
    """Snakemake merges the sections of several files, but of lists the last one counts: said where that may be why."""
    lacking = any(d["type"] == "missing" and d["loc"][:1] == ("studies",) and len(d["loc"]) == 4 for d in details)
    have = [str(path) for path in files if "studies" in keys_at_top(path)]
    if lacking and len(have) > 1:
        yield (
            f"studies: {' and '.join(have)} each contain studies. Lists of studies are not merged: the last file on "
            "the command line overrides the others and must contain complete studies"
        )


def _readable_studies(raw: Mapping[str, Any]) -> Iterator[tuple[int, Study, frozenset[str]]]:
    """Each study without the keys that are wrong, its place in the list, and which keys were left out therefore."""
    studies = raw.get("studies")
    for index, given in enumerate(studies if isinstance(studies, list) else [studies]):
        doubtful: set[str] = set()
        study = _without_mistakes(copy.deepcopy(given), doubtful)
        if study is not None:
            yield index, study, frozenset(doubtful)


def _without_mistakes(given: Any, doubtful: set[str]) -> Study | None:
    """A study without what is wrong in it; None where nothing is left. What is left out is added to ``doubtful``."""
    while isinstance(given, dict) and given:
        try:
            return study_of(given)
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
        path = _path_in(given, detail["loc"])
        if not path:
            return None
        if detail["type"] == "extra_forbidden":
            location = ("studies", kind_of(given), *detail["loc"])
            _, section = _follow(location, {"studies": given}, is_unknown_key=False)
            meant = difflib.get_close_matches(str(path[-1]), section.model_fields, n=1)
            doubtful.update(_dotted([*path[:-1], name]) for name in meant)
        doubtful.add(_dotted(path))
        holder: Any = given
        for part in path[:-1]:
            holder = holder[part]
        del holder[path[-1]]
    return None


def _path_in(given: Any, location: Iterable[int | str]) -> list[int | str]:
    """The keys and places that lead to the innermost part of a raw study that holds the place of an error."""
    path: list[int | str] = []
    for part in location:
        is_there = part in given if isinstance(given, Mapping) else _is_place(part, given)
        if is_there:  # else the kind of a union, the place of the one entry that was given for a list, a missing key
            given = given[part]
            path.append(part)
    return path


def _is_place(part: int | str, given: Any) -> bool:
    return isinstance(given, list) and isinstance(part, int) and part < len(given)


def _dotted(path: Iterable[int | str]) -> str:
    """The keys of a path, without places in lists."""
    return ".".join(part for part in path if isinstance(part, str))


def _given(value: Any) -> str:
    """A value as one would write it in YAML."""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value) if isinstance(value, date) else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _describe(detail: ErrorDetails, raw: Mapping[str, Any]) -> tuple[str, str]:
    """Where the problem is, and what it is, for one of pydantic's errors."""
    location = detail["loc"][:-1] if detail["type"] == "invalid_key" else detail["loc"]
    where, section = _follow(location, raw, is_unknown_key=detail["type"] == "extra_forbidden")
    bounds = detail.get("ctx", {})
    context: dict[str, Any] = {k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in bounds.items()}
    context["entries"] = "entry" if context.get("min_length") == 1 else "entries"
    given = _given(detail["input"])
    match detail["type"]:
        case "extra_forbidden":
            return where, _unknown_key(str(detail["loc"][-1]), section)
        case "string_pattern_mismatch" if context["pattern"] == SAFE_NAME:
            return where, (
                f"{given} is not a valid name; allowed: 1 to 64 letters, digits, '-' and '_', starting with a letter "
                "or digit"
            )
        case "string_pattern_mismatch" if context["pattern"] == VARIANT_NAME:
            return (
                where,
                f"{given} must be 1 to 32 lower-case letters, digits and '-', starting with a letter or digit",
            )
        case "string_pattern_mismatch":
            named = "white, black or " if "white" in context["pattern"] else ""
            return where, f"{given} is not a colour; write it as {named}'#rrggbb'"
        case "union_tag_invalid":
            return where, f"unknown data set '{context['tag']}'; " + _suggestion(context["tag"], DATASET_SOURCES)
        case "value_error":
            return where, str(context["error"])
        case "list_type" if isinstance(detail["input"], Mapping):
            return where, "must be a list; write each entry as '- key: value' with further keys on the lines below"
        case "string_type" if not isinstance(detail["input"], (list, Mapping, NoneType)):
            return where, f"must be text, but YAML reads {given} otherwise; put it in quotes"
        case kind if kind in _SENTENCES and detail["input"] is None and kind != "missing":
            return where, _SENTENCES[kind].format(**{**context, "input": given}).replace(", not None", ", but is empty")
        case kind if kind in _SENTENCES:
            return where, _SENTENCES[kind].format(**{**context, "input": given})
        case _:
            return where, detail["msg"]


def _follow(location: Iterable[int | str], given: Any, *, is_unknown_key: bool) -> tuple[str, type[BaseModel]]:
    """Follow a location through the sections: how a user would write it, and the section it ends in.

    pydantic puts the members of unions into locations (the kind of data set, names of types); they are left out. So are
    places in lists of which the user gave but the one entry.
    """
    where = ""
    section: type[BaseModel] = Config
    parts = list(location)
    for position, part in enumerate(parts):
        if isinstance(part, int):
            if isinstance(given, (list, tuple)):
                where += f"[{part}]"
                given = given[part]
        elif part in section.model_fields or (is_unknown_key and position == len(parts) - 1):
            where += f".{part}" if where else part
            field = section.model_fields.get(part)
            section = next(_sections_in(field.annotation), section) if field else section
            given = given.get(part) if isinstance(given, Mapping) else None
        elif part in DATASET_SOURCES and where.endswith("dataset"):
            section = DATASET_SOURCES[part]
        elif part in KINDS:
            section = KINDS[part]
    return where, section


def _sections_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _sections_in(argument)


def _merged(problems: Iterable[tuple[str, str]]) -> list[str]:
    """One line per place: where a value fits none of several types, their messages are joined by 'or'."""
    by_place: dict[str, list[str]] = {}
    for where, what in problems:
        by_place.setdefault(where, [])
        if what not in by_place[where]:
            by_place[where].append(what)
    return [f"{where or 'top level'}: {' or '.join(what)}" for where, what in by_place.items()]


def _unknown_key(key: str, section: type[BaseModel]) -> str:
    others = [kind for kind, own in KINDS.items() if own is not section and key in own.model_fields]
    own = next((kind for kind, known in KINDS.items() if known is section), None)
    if own and others:
        return f"a {own} has no such key, only a {' or a '.join(others)}. Hint: leave it out, or make it another study"
    return "unknown key; " + _suggestion(key, section.model_fields)


def _suggestion(name: str, allowed: Iterable[str]) -> str:
    names = list(allowed)
    close = difflib.get_close_matches(name, names, n=1)
    return (f"did you mean '{close[0]}'? " if close else "") + f"Allowed: {', '.join(names)}"
