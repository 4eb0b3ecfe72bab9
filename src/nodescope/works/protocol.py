"""The protocol of a published work: its settings, each with a function that says what a study sets instead.

``PROTOCOL`` in the module ``protocol`` of a work's package lists them, in the order of the table of differences. The
functions here say the settings of a study in the words of that table; a protocol may bring its own.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nodescope.study.words import LOSSES

if TYPE_CHECKING:
    from nodescope.config.study import FamilyStudy


@dataclass(frozen=True)
class Setting:
    """A setting of a published protocol.

    Attributes
    ----------
    what : str
        Its name.
    published : str
        What the work sets.
    ours : function
        What a study sets, in the same words; None if the setting does not apply to the study.
    effect : str
        What a difference may do.
    """

    what: str
    published: str
    ours: Callable[["FamilyStudy"], str | None]
    effect: str


#: What networks have whose source names no other settings; the scale as PyTorch has it since 1.2.
PYTORCH_BATCH_NORM = "scale constant, momentum 0.1, epsilon 1e-05"
ON = "a > 0 (ReLU), a > 0.5 (sigmoid), that is z > 0"
TIES = {"first": "the first of equals", "last": "the last of equals"}
KEPT = {"best": "of the best validation epoch", "last": "of the last epoch"}

#: Data sets whose names begin so, and which data set of the works they stand for.
STAND_INS = {"cifar10-jpeg": "cifar10"}


def source_dataset(study: "FamilyStudy", known: Iterable[str]) -> str:
    """The name that works which speak of the ``known`` data sets have for that of the study; its own if they do not."""
    source, name, known = study.dataset.source, study.dataset.name, tuple(known)
    if source in known:
        return source
    stands_for = next((origin for begin, origin in STAND_INS.items() if f"{name}-".startswith(f"{begin}-")), None)
    return stands_for if stands_for in known else name


def data_set(*known: str) -> tuple[Setting, ...]:
    """What to say of the data set, for a work that speaks of the ``known`` ones."""

    def stand_in(origin: str) -> Setting:
        def ours(study: "FamilyStudy") -> str | None:
            if study.dataset.source == origin or source_dataset(study, known) != origin:
                return None
            return f"{study.dataset.name}: its images, encoded again as JPEG"

        return Setting("data set", origin, ours, "images slightly degraded: accuracies are not the same")

    def other(study: "FamilyStudy") -> str | None:
        return None if source_dataset(study, known) in known else study.dataset.name

    return (
        *(stand_in(origin) for origin in STAND_INS.values() if origin in known),
        Setting(
            "data set", ", ".join(known), other,
            "the source says nothing of it: no number is beside its own and no claim is judged",
        ),
    )  # fmt: skip


def networks(study: "FamilyStudy") -> str:
    """The families."""
    return listed(study.model)


def variants(study: "FamilyStudy") -> str:
    """Their names, or ``none``."""
    return listed(variant.name for variant in study.grid.variants or []) or "none"


def depths(study: "FamilyStudy") -> str:
    """The numbers of layers of the grid."""
    return listed(study.grid.depth)


def layers(study: "FamilyStudy") -> str:
    """The widths of the hidden layers, of each depth and width of the grid."""
    taper = study.network.taper
    return "; ".join(
        listed(max(1, round(width * taper**layer)) for layer in range(depth))
        for depth in study.grid.depth
        for width in study.grid.width
    )


def activations(study: "FamilyStudy") -> str:
    """The activation functions of the grid."""
    return listed(study.grid.activation)


def initialisations(study: "FamilyStudy") -> str:
    """Those of the grid, or the default."""
    return listed(study.grid.initialisation or ["kaiming_normal (ReLU family), xavier_normal (others)"])


def bias(study: "FamilyStudy") -> str:
    """Which layers have a bias."""
    return study.network.bias


def scaling(study: "FamilyStudy") -> str:
    """The scaling of the inputs."""
    return study.dataset.scaling


def training_samples(study: "FamilyStudy") -> str:
    """How many, or ``all``."""
    return "all" if study.dataset.train_size is None else f"{study.dataset.train_size:,}"


def validation_samples(study: "FamilyStudy") -> str:
    """How many."""
    return str(study.dataset.validation_size)


def choice_of_validation_samples(study: "FamilyStudy") -> str:
    """How they are drawn."""
    stratified = ", the same share of every class" if study.dataset.stratify else ""
    return f"drawn with seed {study.dataset.split_seed}{stratified}"


def epochs(study: "FamilyStudy") -> str:
    """How many."""
    return str(study.training.epochs)


def seeds(study: "FamilyStudy") -> str:
    """How many."""
    return str(len(study.seeds))


def learning_rates(study: "FamilyStudy") -> str:
    """The candidates."""
    return listed(f"{rate:g}" for rate in study.training.learning_rates)


def refinement(study: "FamilyStudy") -> str:
    """How many rounds of the search for the learning rate."""
    rounds = study.training.refinement_rounds
    candidates = study.training.of_candidates().epochs
    shorter = f", candidates trained for {candidates} epochs" if candidates < study.training.epochs else ""
    return f"{rounds} round" + ("" if rounds == 1 else "s") + shorter


def decay(study: "FamilyStudy") -> str:
    """The factor on the learning rate per epoch."""
    return f"{study.training.learning_rate_decay:g}"


def schedule(study: "FamilyStudy") -> str:
    """That of the learning rate."""
    return study.training.schedule


def batch_size(study: "FamilyStudy") -> str:
    """In samples, or all of them."""
    return "all training samples" if study.training.batch_size == "all" else str(study.training.batch_size)


def optimiser(study: "FamilyStudy") -> str:
    """Its name."""
    return study.training.optimiser


def momentum(study: "FamilyStudy") -> str:
    """That of the optimiser."""
    return f"{study.training.momentum_of_optimiser():g}"


def loss(study: "FamilyStudy") -> str:
    """Its name."""
    return LOSSES[study.training.loss]


def batch_norm(study: "FamilyStudy") -> str:
    """Its settings if the study has networks with it; PyTorch's if it has none."""
    network = study.network
    if not any([*study.grid.batch_norm, *(variant.batch_norm for variant in study.grid.variants or [])]):
        return PYTORCH_BATCH_NORM
    return (
        f"scale {network.batch_norm_scale}, momentum {network.batch_norm_momentum:g}, "
        f"epsilon {network.batch_norm_epsilon:g}"
    )


def regularisation(study: "FamilyStudy") -> str:
    """The settings that are not at their neutral values."""
    training, network = study.training, study.network
    settings = {
        "weight decay": training.weight_decay, "L1": training.l1, "gradient clipping": training.gradient_clip,
        "augmentation": training.augmentation != "none" and training.augmentation, "dropout": network.dropout,
        "layer normalisation": network.layer_norm, "skip connections": network.skip_connections,
    }  # fmt: skip
    return listed(f"{name}: {value}" for name, value in settings.items() if value) or "none"


def kept(study: "FamilyStudy") -> str:
    """Which parameters."""
    return KEPT[study.training.keep]


def ties(study: "FamilyStudy") -> str | None:
    """Which of equally good epochs is kept."""
    return TIES[study.training.ties] if study.training.keep == "best" else None


def theta(study: "FamilyStudy") -> str:
    """When a node is on."""
    return ON if study.theta_threshold == 0 else f"z > {study.theta_threshold:g}"


def listed(values: Iterable[object]) -> str:
    """With commas."""
    return ", ".join(map(str, values))
