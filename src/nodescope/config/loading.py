"""Turn the raw mapping from YAML into a checked `Config`, or into one message that lists all that is wrong."""

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

from nodescope.config.analysis_fields import NodeChoice
from nodescope.config.dataset import DATASET_SOURCES
from nodescope.config.fields import SAFE_NAME
from nodescope.config.grid import VARIANT_NAME
from nodescope.config.repeated_keys import keys_at_top, repeated_keys
from nodescope.config.root import Config
from nodescope.config.study import Study
from nodescope.datasets.sizes import sample_shape
from nodescope.families import FAMILIES
from nodescope.families.family import Family
from nodescope.messages.errors import ConfigError
from nodescope.numerics.activation_functions import SMOOTH_RECTIFIERS
from nodescope.study.measuring_times import problem_with

#: Folders and anchors of our own beside those of the studies.
RESERVED_NAMES = ("datasets", "overview", "provenance")

#: Environment variable by which the jobs of a run know its configuration.
CONFIG_OF_RUN = "NODESCOPE_CONFIG_OF_RUN"

_SENTENCES = {
    "missing": "is required but not given",
    "bool_type": "must be true or false, not {input}",
    "int_type": "must be a whole number, not {input}",
    "invalid_key": "the key {input} is no text: YAML reads yes, no, on, off as true and false, and 1 as a number",
    "float_type": "must be a number, not {input}",
    "float_parsing": "must be a number, not {input}",
    "string_type": "must be text, not {input}",
    "list_type": "must be a list, not {input}",
    "model_attributes_type": "must be a name or a section (key: value), not {input}",
    "model_type": "must be a section (key: value), not {input}",
    "too_short": "must have at least {min_length} entry",
    "greater_than_equal": "must be at least {ge}, not {input}",
    "greater_than": "must be greater than {gt}, not {input}",
    "less_than_equal": "must be at most {le}, not {input}",
    "less_than": "must be less than {lt}, not {input}",
    "literal_error": "must be {expected}, not {input}",
    "finite_number": "must be a finite number, not {input}",
    "union_tag_not_found": "needs a key 'source' that names the kind of data set",
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
    config = None
    try:
        config = Config.model_validate(dict(raw))
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems += _merged(_describe(detail, raw) for detail in details)
        problems += _replaced_studies(details, files)
    if config is not None:
        problems += _inconsistencies(config)
    if problems or config is None:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise ConfigError(
            f"The configuration has {count}:\n{lines}\n"
            "Hint: every key is explained in config.yaml; nothing was run and earlier results are untouched."
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
            "The configuration was edited while a run of Snakemake goes on; its remaining jobs cannot go on with another "
            "one. Hint: let what runs end, then start Snakemake again: what the edit does not change is kept."
        )


def _repeated_names(raw: Mapping[str, Any]) -> Iterator[str]:
    studies = raw.get("studies")
    studies = studies if isinstance(studies, list) else [studies]
    names = [s["name"] for s in studies if isinstance(s, Mapping) and isinstance(s.get("name"), str)]
    # Some file systems do not tell upper from lower case.
    for name, count in Counter(name.lower() for name in names).items():
        if count > 1:
            yield f"studies: {count} studies are named '{name}'; give each study a name of its own"
        if name in RESERVED_NAMES:
            yield f"studies: the name '{name}' is taken by nodescope itself; give the study another one"


def _inconsistencies(config: Config) -> Iterator[str]:
    for index, study in enumerate(config.studies):
        yield from (f"studies[{index}].{problem}" for problem in _of_networks(study))
        narrowest = min(study.grid.width)
        for analysis, options in study.analyses:
            nodes = isinstance(options, NodeChoice) and options.nodes
            if nodes and max(nodes) >= narrowest:
                yield (
                    f"studies[{index}].analyses.{analysis}.nodes: node {max(nodes)} does not exist in layers of "
                    f"{narrowest} nodes; allowed: 0 to {narrowest - 1}"
                )


def _of_networks(study: Study) -> Iterator[str]:
    variants = study.grid.variants or []
    for name, count in Counter(variant.name for variant in variants).items():
        if count > 1:
            yield f"grid.variants: {count} variants are named '{name}'; give each a name of its own"
    settings = {"training": study.training}
    for position, variant in enumerate(variants):
        where = f"grid.variants[{position}].training"
        fixed = [key for key in ("snapshots", "snapshot_steps") if key in variant.training.model_fields_set]
        for key in fixed:
            yield f"{where}.{key}: the same states are recorded of all networks; give it in the study's training"
        if variant.training.model_fields_set:
            changes = {key: getattr(variant.training, key) for key in variant.training.model_fields_set}
            settings[where] = study.training.model_copy(update=changes)
    for where, training in settings.items():
        if training.batch_size == 1 and True in study.grid.batch_norm:
            yield f"{where}.batch_size: must be at least 2 with batch normalisation"
        late = [epoch for epoch in training.snapshots if epoch > training.epochs]
        if late:
            yield f"{where}.snapshots: {', '.join(map(str, late))} lies beyond the last epoch ({training.epochs})"
        if training.schedule == "multi_step" and not training.milestones:
            yield f"{where}.milestones: multi_step needs the epochs after which the learning rate decays"
        if study.pattern_evolution and (problem := problem_with(study.pattern_evolution.schedule, training.epochs)):
            yield problem + (f" ({where})" if where != "training" else "")
        if (training.epochs == 0) != (study.training.epochs == 0):
            yield f"{where}.epochs: either all networks of a study are trained or none (epochs: 0)"
    yield from _of_patterns(study)
    for model in study.model:
        yield from _of_family(study, FAMILIES[model])


def _of_family(study: Study, family: Family) -> Iterator[str]:
    """What the study asks of a family of networks that it cannot have."""
    shape = sample_shape(study.dataset)
    if shape is not None:
        yield from _named("model", [family.problem_with_samples(shape)])
    yield from _named("grid.depth", [family.problem_with_depth(depth) for depth in study.grid.depth])
    for value in study.grid.batch_norm:
        yield from _named("grid.batch_norm", [family.problem_with_normalisation(batch_norm=value)])
    for name in study.grid.initialisation or []:
        yield from _named("grid.initialisation", [family.problem_with_initialisation(name)])
    layers = study.analyses["local_gradients"].layers or []
    depths = [depth for depth in study.grid.depth if family.has_depth(depth)]
    yield from _named(
        "analyses.local_gradients.layers", [family.problem_with_layers(depth, layers) for depth in depths]
    )
    for position, variant in enumerate(study.grid.variants or []):
        where = f"grid.variants[{position}]"
        if variant.batch_norm is not None:
            problem = family.problem_with_normalisation(batch_norm=variant.batch_norm)
            yield from _named(f"{where}.batch_norm", [problem])
        if variant.initialisation is not None:
            problem = family.problem_with_initialisation(variant.initialisation)
            yield from _named(f"{where}.initialisation", [problem])


def _named(where: str, problems: list[str | None]) -> Iterator[str]:
    yield from (f"{where}: {problem}" for problem in problems if problem)


def _of_patterns(study: Study) -> Iterator[str]:
    """Where a node is on must be said for functions that bend smoothly."""
    used = {*study.grid.activation, *(variant.activation for variant in study.grid.variants or [])}
    smooth = [name for name in SMOOTH_RECTIFIERS if name in used]
    if study.pattern_evolution and smooth and "theta_threshold" not in study.model_fields_set:
        yield (
            f"theta_threshold: {' and '.join(smooth)} does not switch at a point, so pattern_evolution needs to be told when a "
            "node counts as on, e.g. theta_threshold: 0"
        )


def _replaced_studies(details: list[ErrorDetails], files: list[str | Path]) -> Iterator[str]:
    """Snakemake merges the sections of several files, but of lists the last one counts: said where that may be why."""
    lacking = any(d["type"] == "missing" and d["loc"][:1] == ("studies",) and len(d["loc"]) == 3 for d in details)
    have = [str(path) for path in files if "studies" in keys_at_top(path)]
    if lacking and len(have) > 1:
        yield (
            f"studies: {' and '.join(have)} each have studies; of several files only the studies of one count, those given "
            "last on the command line, and they must be whole: entries of the same name are not put together"
        )


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
    given = _given(detail["input"])
    match detail["type"]:
        case "extra_forbidden":
            return where, "unknown key; " + _suggestion(str(detail["loc"][-1]), section.model_fields)
        case "string_pattern_mismatch" if context["pattern"] == SAFE_NAME:
            return where, (
                f"{given} is not safe as a file name; allowed: 1 to 64 letters, digits, '-' and '_', "
                "beginning with a letter or digit"
            )
        case "string_pattern_mismatch" if context["pattern"] == VARIANT_NAME:
            return (
                where,
                f"{given} must be 1 to 32 lower-case letters, digits and '-', beginning with a letter or digit",
            )
        case "string_pattern_mismatch":
            named = "white, black or " if "white" in context["pattern"] else ""
            return where, f"{given} is not a colour; write it as {named}'#rrggbb'"
        case "union_tag_invalid":
            return where, f"unknown data set '{context['tag']}'; " + _suggestion(context["tag"], DATASET_SOURCES)
        case "value_error":
            return where, str(context["error"])
        case "list_type" if isinstance(detail["input"], Mapping):
            return where, "must be a list: write each entry as '- key: value', its further keys below"
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


def _suggestion(name: str, allowed: Iterable[str]) -> str:
    names = list(allowed)
    close = difflib.get_close_matches(name, names, n=1)
    return (f"did you mean '{close[0]}'? " if close else "") + f"Allowed: {', '.join(names)}"
