"""The configurations of a study whose networks are of the built-in families: the points of its grid. Imports nothing heavy."""

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from nodescope.study.configuration import Configuration

if TYPE_CHECKING:
    from nodescope.config.fields import Section
    from nodescope.config.grid import Variant
    from nodescope.config.network import Network
    from nodescope.config.study import FamilyStudy
    from nodescope.config.training import Training

    SettingsT = TypeVar("SettingsT", bound=Section)

#: Axes that every configuration has; further ones follow where the study's grid names them.
BASE_AXES = ("depth", "width", "activation", "batch_norm")


@dataclass(frozen=True)
class FamilyConfiguration(Configuration):
    """One point of a study's grid.

    Attributes
    ----------
    variant : Variant or None
        What departs from the study's settings.
    """

    variant: "Variant | None" = field(default=None, compare=False)

    def initialisation(self) -> str | None:
        """The initialisation that the study names; None for the one that suits the activation function."""
        named: str | None = dict(self.axes).get("initialisation")
        return (self.variant.initialisation if self.variant else None) or named

    def network(self, study: "FamilyStudy") -> "Network":
        """The study's settings of the network, with what the variant changes."""
        network = _changed(study.network, self.variant.network) if self.variant else study.network
        weights = network.weights and network.weights.replace("{depth}", str(self["depth"]))
        return network.model_copy(update={"weights": weights})

    def training(self, study: "FamilyStudy") -> "Training":
        """The study's settings of training, with what the variant changes."""
        return _changed(study.training, self.variant.training) if self.variant else study.training


def _changed(settings: "SettingsT", departure: "SettingsT") -> "SettingsT":
    return settings.model_copy(update={name: getattr(departure, name) for name in departure.model_fields_set})


def family_configurations(study: "FamilyStudy") -> list[FamilyConfiguration]:
    """All configurations of a study, in the order of its grid."""
    axes = {name: values for name, values in study.grid.axes().items() if name != "variants"}
    seeds, states = tuple(study.seeds), tuple(study.training.states())
    found = []
    for model, *values in itertools.product(study.model, *axes.values()):
        point = dict(zip(axes, values, strict=True))
        variants: list[Variant | None] = list(study.grid.variants) if study.grid.variants else [None]
        for variant in variants:
            departure = {} if variant is None else {"variant": variant.name, **_axes_that_change(variant, point)}
            own = {**point, **departure}
            found.append(
                FamilyConfiguration(
                    _identifier(model, own), study.dataset.name, model, tuple(own.items()), seeds, states, variant
                )
            )
    return found


def _identifier(model: str, axes: dict[str, Any]) -> str:
    """A short, stable, readable name that is safe as a path.

    >>> _identifier("mlp", {"depth": 4, "width": 200, "activation": "relu", "batch_norm": True})
    'relu-4x200-bn'
    """
    parts = [] if model == "mlp" else [model.replace("_", "")]
    parts += [axes["activation"].replace("_", ""), f"{axes['depth']}x{axes['width']}"]
    if axes["batch_norm"]:
        parts.append("bn")
    parts += [str(value).replace("_", "") for axis, value in axes.items() if axis not in BASE_AXES]
    return "-".join(parts)


def _axes_that_change(variant: "Variant", point: dict[str, Any]) -> dict[str, Any]:
    changes = {axis: getattr(variant, axis) for axis in ("activation", "batch_norm", "initialisation") if axis in point}
    return {axis: value for axis, value in changes.items() if value is not None}
