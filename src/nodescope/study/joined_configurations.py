"""The configurations of studies that are looked at together. Imports nothing heavy."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nodescope.messages.errors import ConfigError
from nodescope.study.configuration import Configuration

#: The axis that says which of the joined studies a configuration is from.
STUDY_AXIS = "study"


@dataclass(frozen=True)
class JoinedConfiguration(Configuration):
    """A configuration of another study.

    Attributes
    ----------
    study : str
        The name of that study.
    original : Configuration
        What it is there.
    """

    study: str
    original: Configuration


def joined_configurations(parts: Mapping[str, Sequence[Configuration]]) -> list[JoinedConfiguration]:
    """The configurations of several studies, study by study.

    Their axes are the study, and those that all the studies have. Where these do not tell the configurations of a study
    apart, the study's name is followed by their identifiers.

    Parameters
    ----------
    parts
        The configurations of each study, by its name.

    Raises
    ------
    ConfigError
        If two configurations would have one identifier.
    """
    common = _common_axes([configuration for of_one in parts.values() for configuration in of_one])
    found = []
    for study, configurations in parts.items():
        values = [{name: convert(each[name]) for name, convert in common.items()} for each in configurations]
        counts = Counter(tuple(of_one.values()) for of_one in values)
        for configuration, of_one in zip(configurations, values, strict=True):
            name_in_paths = study.lower().replace("_", "-")
            identifier = name_in_paths if len(configurations) == 1 else f"{name_in_paths}-{configuration.identifier}"
            is_told_apart = counts[tuple(of_one.values())] == 1
            name = study if is_told_apart else f"{study}: {configuration.identifier}"
            found.append(
                JoinedConfiguration(
                    identifier,
                    configuration.dataset,
                    configuration.model,
                    ((STUDY_AXIS, name), *of_one.items()),
                    configuration.seeds,
                    configuration.states,
                    study,
                    configuration,
                )
            )
    repeated = [name for name, count in Counter(each.identifier for each in found).items() if count > 1]
    if repeated:
        raise ConfigError(
            f"join: {', '.join(repeated)} would stand for several configurations of {' and '.join(parts)}. "
            "Hint: rename one of the studies"
        )
    return found


def _common_axes(configurations: Sequence[Configuration]) -> dict[str, Any]:
    """The axes that all configurations have, each with what makes its values of one type."""

    def found() -> Iterator[tuple[str, Any]]:
        for name, _ in configurations[0].axes:
            if all(name in dict(each.axes) for each in configurations):
                types = {type(each[name]) for each in configurations}
                yield name, (lambda value: value) if len(types) == 1 else str

    return dict(found())
