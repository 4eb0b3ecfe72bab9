"""In what a study differs from the published protocol, told by its settings."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import polars as pl

from nodescope.study.words import LOSSES
from nodescope.works.works import WORKS

if TYPE_CHECKING:
    from nodescope.config.study import Study

COLUMNS = {
    "work": pl.String,
    "what": pl.String,
    "published": pl.String,
    "ours": pl.String,
    "effect": pl.String,
}

#: How the names of data sets begin that stand for one of the source; the value is said to the reader.
STAND_INS = {"cifar10-jpeg": "cifar10"}

#: What networks have whose source names no other settings; the scale as PyTorch has it since 1.2.
PYTORCH_BATCH_NORM = "scale constant, momentum 0.1, epsilon 1e-05"

TIES = {"first": "the first of equals", "last": "the last of equals"}

KEPT = {"best": "of the best validation epoch", "last": "of the last epoch"}


def source_dataset(study: "Study") -> str:
    """The name that the published numbers have for the study's data set; its own where they do not treat it."""
    source = study.dataset.source
    return source if source in ("mnist", "fmnist", "cifar10") else _stand_in(study) or study.dataset.name


def _stand_in(study: "Study") -> str | None:
    """What the data set stands for; None where it is itself."""
    name = study.dataset.name
    return next((source for begin, source in STAND_INS.items() if f"{name}-".startswith(f"{begin}-")), None)


def differences(study: "Study") -> pl.DataFrame:
    """One row per difference from the protocol of a work that the study names, see `COLUMNS`."""
    rows = [
        {"work": WORKS[work].citation, "what": what, "published": published, "ours": ours, "effect": effect}
        for work in study.works
        for what, published, ours, effect in PROTOCOLS[work](study)
        if published != ours
    ]
    return pl.DataFrame(rows, schema=COLUMNS)


def _pretorius(study: "Study") -> Iterator[tuple[str, str, str, str]]:
    """What, the published setting, ours, and what a difference may do."""
    training = study.training
    yield "data set", *_data(study)
    yield "networks", "mlp", ", ".join(study.model), "the source's claims are judged by fully connected networks alone"
    variants = ", ".join(variant.name for variant in study.grid.variants or [])
    yield (
        "variants",
        "none",
        variants or "none",
        "claims compare networks of one variant; no published number is about one",
    )
    yield "scaling of the inputs", "as_is", study.dataset.scaling, "other first layers"
    yield "training samples", "all", _training_samples(study), "lower accuracy"
    yield (
        "epochs", "300", str(training.epochs),
        "shorter training stops before the nets have settled: accuracies may be lower, dead nodes and sparsity differ, "
        "and the search may prefer higher learning rates",
    )  # fmt: skip
    yield (
        "seeds", "3", str(len(study.seeds)),
        "few seeds make the t interval wide, and with one there is none",
    )  # fmt: skip
    yield (
        "learning rates", "0.01, 0.001, 0.0001", _rates(study),
        "other nets are kept; sparsity and dead nodes of sigmoid nets depend on the rate",
    )  # fmt: skip
    yield (
        "refinement of the rate", "iterative grid search, its rounds not told", f"{training.refinement_rounds} round"
        + ("" if training.refinement_rounds == 1 else "s"),
        "another rate may be kept",
    )  # fmt: skip
    yield "batch size", "64", _batch_size(study), "other noise in training"
    yield "factor on the rate per epoch", "0.99", f"{training.learning_rate_decay:g}", "other rates late in training"
    yield "optimiser", "adam", training.optimiser, "other networks are found"
    yield "loss", "cross-entropy", _loss(study), "other networks are found"
    yield "batch normalisation", PYTORCH_BATCH_NORM, _batch_norm(study), "other networks"
    yield "parameters that are kept", "of the best validation epoch", KEPT[training.keep], "other accuracies"
    if training.keep == "best":
        yield "ties of the best epoch", "not told", TIES[training.ties], "another epoch, earlier or later, may be kept"
    yield "schedule of the rate", "exponential", training.schedule, "other rates late in training"
    yield "explicit regularisation", "none", _regularisation(study), "other networks are found"
    yield "bias without batch normalisation", "first_layer", study.network.bias, "other networks"
    yield (
        "theta", "a > 0 (ReLU), a > 0.5 (sigmoid), that is z > 0", _theta(study.theta_threshold),
        "activity, dead nodes and sparsity count other samples as on",
    )  # fmt: skip
    yield (
        "validation samples", "5000", str(study.dataset.validation_size),
        "another choice of epoch and rate",
    )  # fmt: skip
    yield (
        "which samples are for validation", "not told", f"drawn with seed {study.dataset.split_seed}"
        + (", the same share of every class" if study.dataset.stratify else ""),
        "other samples decide on epoch and rate",
    )  # fmt: skip


def _park(study: "Study") -> Iterator[tuple[str, str, str, str]]:
    training = study.training
    yield "data set", *_of_cifar10(study)
    yield "scaling of the inputs", "centred", study.dataset.scaling, "other first layers"
    yield "training samples", "all", _training_samples(study), "fewer steps per epoch: less far from the start"
    yield "epochs", "50", str(training.epochs), "weights and features spread with training"
    yield "learning rates", "0.0001", _rates(study), "weights and features spread faster or slower"
    yield "factor on the rate per epoch", "1", f"{training.learning_rate_decay:g}", "other rates late in training"
    yield "batch size", "64", _batch_size(study), "other noise in training"
    yield "optimiser", "adam", training.optimiser, "other networks are found"
    yield "loss", "cross-entropy", _loss(study), "other networks are found"
    yield "batch normalisation", PYTORCH_BATCH_NORM, _batch_norm(study), "other networks"
    yield "explicit regularisation", "none", _regularisation(study), "other networks are found"
    yield "parameters that are kept", KEPT["last"], KEPT[training.keep], "features of an earlier epoch"
    yield "seeds", "not told", str(len(study.seeds)), "the source gives no standard errors"


def _hartmann(study: "Study") -> Iterator[tuple[str, str, str, str]]:
    training = study.training
    yield "data set", *_of_cifar10(study)
    yield "training samples", "all", _training_samples(study), "fewer steps per epoch: patterns have settled less"
    yield "epochs", "200", str(training.epochs), "patterns have settled less"
    yield "seeds", "25 (figure 2)", str(len(study.seeds)), "few seeds make the t interval wide"
    yield "learning rates", "0.1", _rates(study), "patterns settle earlier or later"
    yield "schedule of the rate", "multi_step", training.schedule, "patterns settle earlier or later"
    yield "batch size", "128", _batch_size(study), "other noise in training"
    yield "optimiser", "sgd", training.optimiser, "other networks are found"
    yield "momentum", "0.9", f"{training.momentum_of_optimiser():g}", "other networks are found"
    yield "loss", "cross-entropy", _loss(study), "other networks are found"
    yield "batch normalisation", PYTORCH_BATCH_NORM, _batch_norm(study), "other networks"
    yield (
        "explicit regularisation",
        "weight decay: 0.0001, augmentation: flip_crop",
        _regularisation(study),
        "other networks",
    )


def _training_samples(study: "Study") -> str:
    return "all" if study.dataset.train_size is None else f"{study.dataset.train_size:,}"


def _batch_size(study: "Study") -> str:
    return "all training samples" if study.training.batch_size == "all" else str(study.training.batch_size)


def _loss(study: "Study") -> str:
    return LOSSES[study.training.loss]


def _batch_norm(study: "Study") -> str:
    """Its settings where the study has networks with it; PyTorch's where it has none."""
    network = study.network
    if not any([*study.grid.batch_norm, *(variant.batch_norm for variant in study.grid.variants or [])]):
        return PYTORCH_BATCH_NORM
    return (
        f"scale {network.batch_norm_scale}, momentum {network.batch_norm_momentum:g}, "
        f"epsilon {network.batch_norm_epsilon:g}"
    )


def _rates(study: "Study") -> str:
    return ", ".join(f"{rate:g}" for rate in study.training.learning_rates)


def _of_cifar10(study: "Study") -> tuple[str, str, str]:
    own = study.dataset.name
    if _stand_in(study):
        return _data(study)
    return "cifar10", own, "the source says nothing of it: no number is beside its own and no claim is judged"


def _data(study: "Study") -> tuple[str, str, str]:
    own, source = study.dataset.name, source_dataset(study)
    if _stand_in(study):
        return (
            source,
            f"{own}: its images, encoded again as JPEG",
            "images slightly degraded: accuracies are not the same",
        )
    if source in ("mnist", "fmnist", "cifar10"):
        return own, own, ""
    return (
        "mnist, fmnist, cifar10", own,
        "the source says nothing of it: no number is beside its own and no claim is judged",
    )  # fmt: skip


def _regularisation(study: "Study") -> str:
    """The settings that are not at their neutral values."""
    training, network = study.training, study.network
    settings = {
        "weight decay": training.weight_decay, "L1": training.l1, "gradient clipping": training.gradient_clip,
        "augmentation": training.augmentation != "none" and training.augmentation, "dropout": network.dropout,
        "layer normalisation": network.layer_norm, "skip connections": network.skip_connections,
    }  # fmt: skip
    return ", ".join(f"{name}: {value}" for name, value in settings.items() if value) or "none"


def _theta(threshold: float) -> str:
    return "a > 0 (ReLU), a > 0.5 (sigmoid), that is z > 0" if threshold == 0 else f"z > {threshold:g}"


def _showcase(study: "Study") -> Iterator[tuple[str, str, str, str]]:
    grid, data = study.grid, study.dataset
    yield (
        "data set", "N(0, 1)", "N(0, 1)" if data.source == "gaussian" and data.scaling == "as_is" else data.name,
        "other signals enter",
    )  # fmt: skip
    yield "targets", "drawn at random", _targets(study), "other gradients"
    yield "networks", "mlp", ", ".join(study.model), "other networks"
    yield "layers", "21", _listed(grid.depth), "a signal passes through fewer or more layers"
    yield "initialisation", "lecun_normal", _initialisations(study), "signals grow or shrink by another factor"
    yield "bias", "none", study.network.bias, "other networks"
    yield "epochs", "0", str(study.training.epochs), "what is trained is another network"


def _tutorial(study: "Study") -> Iterator[tuple[str, str, str, str]]:
    training, data = study.training, study.dataset
    yield "data set", "iris", data.source, "other activations"
    yield "scaling of the inputs", "standardised", data.scaling, "other first layers"
    yield "test samples", "0.2", f"{getattr(data, 'test_size', 'its own')}", "other samples decide on the accuracy"
    yield "validation samples", "none", str(data.validation_size), "fewer training samples"
    yield "networks", "mlp", ", ".join(study.model), "other networks"
    yield "hidden layers", "64, 32, 16", _layers(study), "other networks"
    yield "activation functions", "relu", _listed(study.grid.activation), "other activations"
    yield "epochs", "500", str(training.epochs), "the nets have settled less, or more"
    yield "batch size", "all training samples", _batch_size(study), "other noise in training"
    yield "learning rates", "0.001", _rates(study), "other networks are found"
    yield "factor on the rate per epoch", "1", f"{training.learning_rate_decay:g}", "other rates late in training"
    yield "optimiser", "adam", training.optimiser, "other networks are found"
    yield "loss", "mean squared error", _loss(study), "other gradients"
    yield "explicit regularisation", "none", _regularisation(study), "other networks are found"
    yield "bias", "all", study.network.bias, "other networks"
    yield "parameters that are kept", KEPT["last"], KEPT[training.keep], "activations of an earlier epoch"


def _targets(study: "Study") -> str:
    return "drawn at random" if study.dataset.source == "gaussian" else "the labels"


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))


def _initialisations(study: "Study") -> str:
    return _listed(study.grid.initialisation or ["kaiming_normal (ReLU family), xavier_normal (others)"])


def _layers(study: "Study") -> str:
    """The widths of the hidden layers, of each depth and width of the grid."""
    taper = study.network.taper
    networks = (
        _listed(max(1, round(width * taper**layer)) for layer in range(depth))
        for depth in study.grid.depth
        for width in study.grid.width
    )
    return "; ".join(networks)


PROTOCOLS = {
    "pretorius": _pretorius,
    "hartmann": _hartmann,
    "park": _park,
    "showcase": _showcase,
    "tutorial": _tutorial,
}
