"""The configurations of networks that users bring, from the names of their files. Imports nothing heavy."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodescope.config.patterns import NO_AXES, problem_with_axis
from nodescope.messages.errors import ConfigError, DamagedFileError
from nodescope.storage.json_files import read_json
from nodescope.study.configuration import Configuration
from nodescope.study.file_patterns import Match, expand, rank_of
from nodescope.study.pattern_networks import TRAINED, identifiers, with_states

if TYPE_CHECKING:
    from nodescope.config.study import ModuleStudy, RecordingsStudy

#: Beside the file of a layer that nodescope recorded as a summary lies one whose name begins so.
ALL_VALUES = "values-"
#: What `nodescope.record` writes of a configuration's networks into the folder of its recordings: its axes, and what
#: `nodescope.study.descriptions.NetworkDescription` reads.
NETWORK_FILE = "network.json"
#: Of recordings whose files name no split.
ONLY_SPLIT = "test"


@dataclass(frozen=True)
class ModuleConfiguration(Configuration):
    """Networks that a function of the user's builds.

    Attributes
    ----------
    checkpoints : mapping
        The file of weights of each seed and state; empty of networks as they are built.
    epochs : mapping
        After which epoch each state of a seed is, where the names of the files say so.
    """

    checkpoints: Mapping[tuple[int, str], Path] = field(default_factory=dict, compare=False)
    epochs: Mapping[tuple[int, str], int] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class RecordedFile:
    """A file of a layer that was recorded elsewhere."""

    seed: int
    state: str
    split: str
    layer: str
    path: str


@dataclass(frozen=True)
class RecordedConfiguration(Configuration):
    """Networks that were recorded elsewhere.

    Attributes
    ----------
    files : tuple of RecordedFile
    """

    files: tuple[RecordedFile, ...] = field(default=(), compare=False)


def module_configurations(study: "ModuleStudy") -> list[ModuleConfiguration]:
    """The configurations of a study's checkpoints, in the order of their axes.

    Raises
    ------
    ConfigError
        If no file fits, or networks of one configuration lack states that others have.
    """
    module = study.module
    dataset = study.dataset.name
    if module.checkpoints is None:
        (identifier,) = identifiers([{}], study.name)
        return [ModuleConfiguration(identifier, dataset, module.make, (), (0,), (module.state or TRAINED,))]
    found = []
    for axes, matches, identifier in _by_axes(
        _matches(study.name, "module.checkpoints", module.checkpoints), study.name
    ):
        files = {_network(match): match.path for match in matches}
        seeds, states = _seeds_and_states(study.name, "module.checkpoints", axes, files)
        epochs = {_network(match): int(match.values["epoch"]) for match in matches if "epoch" in match.values}
        own = tuple(axes.items())
        found.append(ModuleConfiguration(identifier, dataset, module.make, own, seeds, states, files, epochs))
    return found


def recorded_configurations(study: "RecordingsStudy") -> list[RecordedConfiguration]:
    """The configurations of a study's recordings, in the order of their axes.

    Raises
    ------
    ConfigError
        As `module_configurations`; or if `nodescope.record` wrote some of them with other axes than others.
    """
    found = []
    matched = _with_written_axes(study.name, _matches(study.name, "recordings.files", study.recordings.pattern))
    for axes, matches, identifier in _by_axes(matched, study.name):
        files = tuple(
            RecordedFile(
                *_network(match),
                split=str(match.values.get("split", ONLY_SPLIT)),
                layer=str(match.values["layer"]),
                path=match.path.as_posix(),
            )
            for match in matches
            if not match.path.name.startswith(ALL_VALUES)
        )
        networks = dict.fromkeys((file.seed, file.state) for file in files)
        seeds, states = _seeds_and_states(study.name, "recordings.files", axes, networks)
        found.append(
            RecordedConfiguration(identifier, study.name, "recordings", tuple(axes.items()), seeds, states, files)
        )
    return found


def _matches(study: str, key: str, pattern: str) -> list[Match]:
    try:
        return with_states(pattern, expand(pattern))
    except ConfigError as error:
        raise ConfigError(f"Study '{study}', {key}: {error}") from error


def kind_of_axis(value: Any) -> type[bool | int | float | str] | None:
    """The type of a value of an axis; None of what cannot be one."""
    kinds: tuple[type[bool | int | float | str], ...] = (bool, int, float, str)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return next((kind for kind in kinds if isinstance(value, kind)), None)


def _with_written_axes(study: str, matches: list[Match]) -> list[Match]:
    """Files of a folder of `nodescope.record` with the axes that it noted, in the order of their values."""
    folders = {str(match.values["configuration"]): match.path.parents[3] for match in matches if _is_written(match)}
    if not folders:
        return matches
    axes = {name: _written_axes(study, folder / NETWORK_FILE) for name, folder in folders.items()}
    typed = _together(study, axes, folders)
    order = sorted(typed, key=lambda name: [*map(rank_of, typed[name].values()), rank_of(name)])
    place = {name: number for number, name in enumerate(order)}
    found = [Match({**match.values, **typed[str(match.values["configuration"])]}, match.path) for match in matches]
    return sorted(found, key=lambda match: place[str(match.values["configuration"])])


def _is_written(match: Match) -> bool:
    return "configuration" in match.values


def _written_axes(study: str, path: Path) -> dict[str, Any]:
    """What one configuration was recorded with; nothing where it was recorded without axes."""
    try:
        axes = read_json(path).get("axes", {}) if path.is_file() else {}
    except DamagedFileError as error:
        raise ConfigError(
            f"Study '{study}', recordings.files: {path} is damaged. Hint: record this network again"
        ) from error
    for name, value in axes.items():
        problem = problem_with_axis(name) or (
            None if kind_of_axis(value) else f"{name} is {value!r}; allowed: a number or a text"
        )
        if problem:
            raise ConfigError(f"Study '{study}', recordings.files: {path}: {problem}")
    return dict(axes)


def _together(study: str, axes: dict[str, dict[str, Any]], folders: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """The axes of all configurations in one order and of one type each; all must have the same ones, with other values."""
    first = max(axes, key=lambda name: len(axes[name]))
    names = list(axes[first])

    def refuse(one: str, other: str, what: str, hint: str) -> ConfigError:
        return ConfigError(
            f"Study '{study}', recordings.files: {folders[one]} was recorded with {_words(axes[one])}, {folders[other]} with "
            f"{_words(axes[other])}: {what}. Hint: {hint}"
        )

    for other, own in axes.items():
        if set(own) != set(names):
            raise refuse(
                first, other, "networks of one study have the same axes",
                "record again with the same names in axes=, or move other networks to a folder of their own",
            )  # fmt: skip
    typed = {other: {name: own[name] for name in names} for other, own in axes.items()}
    for name in names:
        kinds = {kind_of_axis(own[name]): other for other, own in axes.items()}
        if kinds.keys() == {int, float}:
            for own in typed.values():
                own[name] = float(own[name])
        elif len(kinds) > 1:
            one, other = list(kinds.values())[:2]
            raise refuse(one, other, f"the values of {name} are of different types", "all numbers, or all texts")
    seen: dict[tuple[Any, ...], str] = {}
    for other, own in typed.items():
        known = seen.setdefault(tuple(own.values()), other) if names else other
        if known != other:
            raise refuse(
                known,
                other,
                "these are one configuration",
                "remove one of the folders, or record them with another axis",
            )
    return typed


def _words(axes: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in axes.items()) or "no axes"


def _network(match: Match) -> tuple[int, str]:
    return int(match.values["seed"]), str(match.values["state"])


def _by_axes(matches: Iterable[Match], study: str) -> list[tuple[dict[str, Any], list[Match], str]]:
    """The values of the axes of each configuration, its files and its identifier."""
    configurations: dict[tuple[Any, ...], tuple[dict[str, Any], list[Match]]] = {}
    for match in matches:
        axes = {name: value for name, value in match.values.items() if name not in NO_AXES}
        key = match.values.get("configuration", ""), tuple(axes.items())
        configurations.setdefault(key, (axes, []))[1].append(match)
    names = identifiers([axes for axes, _ in configurations.values()], study)
    written = [str(configuration) for configuration, _ in configurations]
    return [
        (axes, of_one, own or name)
        for (axes, of_one), name, own in zip(configurations.values(), names, written, strict=True)
    ]


def _seeds_and_states(
    study: str, key: str, axes: Mapping[str, Any], networks: Iterable[tuple[int, str]]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Seeds and states of a configuration, of which every seed must have every state."""
    pairs = list(networks)
    seeds = sorted({seed for seed, _ in pairs})
    longest = max(([state for own, state in pairs if own == seed] for seed in seeds), key=len)
    for seed in seeds:
        lacking = [state for state in longest if (seed, state) not in pairs]
        further = [state for own, state in pairs if own == seed and state not in longest]
        if lacking or further:
            named = "".join(f"{name} {value}, " for name, value in axes.items())
            what = f"no {lacking[0]}, which another seed has" if lacking else f"{further[0]}, which no other seed has"
            raise ConfigError(
                f"Study '{study}', {key}: {named}seed {seed} has {what}. Hint: every seed of a configuration needs files of "
                "the same states; move the others away, or choose them by a narrower pattern"
            )
    return tuple(seeds), tuple(longest)
