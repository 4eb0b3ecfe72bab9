"""Which networks and signals the showcase looks at."""

from typing import TYPE_CHECKING

from nodescope.works.protocol import Setting, bias, depths, epochs, initialisations, networks

if TYPE_CHECKING:
    from nodescope.config.study import FamilyStudy


def _data(study: "FamilyStudy") -> str:
    data = study.dataset
    return "N(0, 1)" if data.source == "gaussian" and data.scaling == "as_is" else data.name


def _targets(study: "FamilyStudy") -> str:
    return "drawn at random" if study.dataset.source == "gaussian" else "the labels"


PROTOCOL = (
    Setting("data set", "N(0, 1)", _data, "other signals enter"),
    Setting("targets", "drawn at random", _targets, "other gradients"),
    Setting("networks", "mlp", networks, "other networks"),
    Setting("layers", "21", depths, "a signal passes through fewer or more layers"),
    Setting("initialisation", "lecun_normal", initialisations, "signals grow or shrink by another factor"),
    Setting("bias", "none", bias, "other networks"),
    Setting("epochs", "0", epochs, "what is trained is another network"),
)
