"""The configurations of a study, wherever its networks come from. Imports nothing heavy."""

from typing import TYPE_CHECKING

from nodescope.config.study import FamilyStudy, JoinedStudy, ModuleStudy, RecordingsStudy
from nodescope.study.brought_configurations import module_configurations, recorded_configurations
from nodescope.study.configuration import Configuration
from nodescope.study.family_configurations import family_configurations
from nodescope.study.joined_configurations import joined_configurations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nodescope.config.study import Study


def configurations_of(study: "Study") -> "Sequence[Configuration]":
    """All configurations of a study, in its order.

    Raises
    ------
    ConfigError
        If files that the study names are not there.
    """
    match study:
        case FamilyStudy():
            return family_configurations(study)
        case ModuleStudy():
            return module_configurations(study)
        case RecordingsStudy():
            return recorded_configurations(study)
        case JoinedStudy():
            return joined_configurations({part.name: configurations_of(part) for part in study.parts})


def states_of(study: "Study") -> list[str]:
    """The states that are recorded of the networks of a study, each in the place that it has among those of a network."""
    return list(dict.fromkeys(state for each in configurations_of(study) for state in each.states))


def seeds_of(study: "Study") -> list[int]:
    """The seeds of the networks of a study."""
    return sorted({seed for each in configurations_of(study) for seed in each.seeds})


def is_trained(study: "Study") -> bool:
    """Whether the study has networks that are not as they were drawn."""
    return states_of(study) != ["initial"]
