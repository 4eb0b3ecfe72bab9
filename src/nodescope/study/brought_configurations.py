"""The configurations of networks that users bring, from the names of their files. Imports nothing heavy."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodescope.config.patterns import NO_AXES
from nodescope.messages.errors import ConfigError
from nodescope.study.configuration import Configuration
from nodescope.study.file_patterns import Match, expand
from nodescope.study.pattern_networks import TRAINED, identifiers, with_states

if TYPE_CHECKING:
    from nodescope.config.study import ModuleStudy, RecordingsStudy

#: Beside the file of a layer that nodescope recorded as a summary lies one whose name begins so.
ALL_VALUES = "values-"
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
        As `module_configurations`.
    """
    found = []
    pattern = study.recordings.pattern
    for axes, matches, identifier in _by_axes(_matches(study.name, "recordings.files", pattern), study.name):
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
