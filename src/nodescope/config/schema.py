"""The one source of the configuration: types, defaults, bounds and help texts.

The JSON schema for editors and the commented ``config.yaml`` are generated from these models
(`nodescope.config.documentation`). A field's description says what it is and why one would change it.
"""

import difflib
import os
import re
from collections.abc import Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from nodescope.families.architectures import ARCHITECTURES
from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS

SAFE_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"

VARIANT_NAME = r"^[a-z0-9][a-z0-9-]{0,31}$"

#: See `nodescope.networks.initialisation.draw_tensor`.
INITIALISATIONS = (
    "kaiming_normal",
    "kaiming_uniform",
    "kaiming_normal_fan_out",
    "kaiming_uniform_fan_out",
    "xavier_normal",
    "xavier_uniform",
    "xavier_normal_relu",
    "xavier_uniform_relu",
    "lecun_normal",
    "lecun_uniform",
    "orthogonal",
    "orthogonal_relu",
    "ones",
    "zeros",
)


def _not_a_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is needed, not true/false")
    return value


def _whole_number(value: Any) -> Any:
    """A number in quotes is that number: all that ``--config`` gives inside brackets comes as text."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,20}", value) else value


def _truth(value: Any) -> Any:
    """As `_whole_number`."""
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _distinct(values: list[Any]) -> list[Any]:
    repeated = sorted({str(value) for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"values must not repeat, but these do: {', '.join(repeated)}")
    return values


def _one_of(kind: str, known: tuple[str, ...]) -> AfterValidator:
    def check(name: str) -> str:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{close[0]}'? " if close else ""
            raise ValueError(f"unknown {kind} '{name}'; {hint}Allowed: {', '.join(known)}")
        return name

    return AfterValidator(check)


def _split_size(value: Any) -> Any:
    value = _whole_number(_not_a_boolean(value))
    if isinstance(value, str) and re.fullmatch(r"[0-9]*\.[0-9]+|[0-9.]+e-?[0-9]+", value):
        value = float(value)
    if isinstance(value, str):
        raise ValueError(f"a number is needed, not {value!r}")
    if isinstance(value, float) and not 0 < value < 1:
        raise ValueError("a fraction must lie between 0 and 1; a number of samples must be a whole number")
    if isinstance(value, int) and value < 1:
        raise ValueError("a number of samples must be at least 1")
    return value


def _rows_and_columns(value: Any) -> Any:
    if value is not None and not (isinstance(value, (list, tuple)) and len(value) == 2):
        raise ValueError("two whole numbers are needed, rows and columns, such as [32, 32]")
    return value


def _expanded(path: str) -> str:
    """``~`` is the user's home; one that is not known stays as it is, and is then not found."""
    return os.path.expanduser(path)  # noqa: PTH111  (pathlib raises where there is no such user)


Distinct = AfterValidator(_distinct)
#: Behind the bounds of numbers, so that these stand in the JSON schema as editors know them.
MAYBE_IN_QUOTES = BeforeValidator(_whole_number)
LocalPath = Annotated[str, Field(min_length=1), AfterValidator(_expanded)]
SafeName = Annotated[str, Field(pattern=SAFE_NAME)]
VariantName = Annotated[str, Field(pattern=VARIANT_NAME)]
Count = Annotated[int, Field(strict=True, ge=1), MAYBE_IN_QUOTES]
Index = Annotated[int, Field(strict=True, ge=0), MAYBE_IN_QUOTES]
Depth = Annotated[int, Field(strict=True, ge=1, le=1000), MAYBE_IN_QUOTES]
Width = Annotated[int, Field(strict=True, ge=1, le=100_000), MAYBE_IN_QUOTES]
Epochs = Annotated[int, Field(strict=True, ge=0, le=100_000), MAYBE_IN_QUOTES]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**32), MAYBE_IN_QUOTES]
Flag = Annotated[bool, BeforeValidator(_truth), Field(strict=True)]
NO_BOOLEAN = BeforeValidator(_not_a_boolean)
Number = Annotated[float, Field(allow_inf_nan=False), NO_BOOLEAN]
PositiveNumber = Annotated[float, Field(allow_inf_nan=False, gt=0), NO_BOOLEAN]
Share = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1), NO_BOOLEAN]
NotNegative = Annotated[float, Field(allow_inf_nan=False, ge=0), NO_BOOLEAN]
SplitSize = Annotated[int | float, BeforeValidator(_split_size)]
Split = Literal["train", "validation", "test", "random"]
Splits = Annotated[list[Split], Field(min_length=1), Distinct]
Colour = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]
BackgroundColour = Annotated[str, Field(pattern=r"^(white|black|#[0-9A-Fa-f]{6})$")]
Pixels = Annotated[int, Field(strict=True, ge=1, le=4096), MAYBE_IN_QUOTES]
ActivationName = Annotated[str, _one_of("activation function", tuple(ACTIVATION_FUNCTIONS))]
InitialisationName = Annotated[str, _one_of("initialisation", INITIALISATIONS)]
ModelName = Annotated[str, _one_of("model", tuple(ARCHITECTURES))]

#: Of optimisers that have one; PyTorch's is 0 for both, but no one descends without.
DEFAULT_MOMENTUM = {"sgd": 0.9}

ALL_SPLITS: list[Split] = ["train", "validation", "test"]


class Section(BaseModel):
    """A section of the configuration: unknown keys are errors, values do not change.

    Wherever a list is wanted, one value stands for a list of that value: ``depth: 2`` is short for ``depth: [2]``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _lists_of_one(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        lists = lists_of(cls)
        return {key: [value] if key in lists and _is_single(value) else value for key, value in given.items()}


@cache
def lists_of(section: type[BaseModel]) -> frozenset[str]:
    """The keys of a section that want a list, or a list or nothing."""
    return frozenset(name for name, field in section.model_fields.items() if _wants_list(field.annotation))


def _wants_list(kind: Any) -> bool:
    if get_origin(kind) in (Annotated, Union, UnionType):
        return any(_wants_list(argument) for argument in get_args(kind))
    return get_origin(kind) is list


def _is_single(value: Any) -> bool:
    """Whether a value can stand for a list of it: a section of sections by name is a list written in another way."""
    if isinstance(value, Mapping):
        return not value or not all(isinstance(entry, Mapping) for entry in value.values())
    return not isinstance(value, (list, tuple, NoneType))


# --- data sets -------------------------------------------------------------------------------------------


Scaling = Literal["as_is", "centred", "standardised"]


class DatasetSource(Section):
    """What all data sets have in common."""

    source: str
    name: SafeName = Field(description="name of the prepared data set in paths and tables")
    validation_size: SplitSize = Field(
        0.1, description="validation samples (whole number) or share (fraction), drawn from the training data"
    )
    train_size: Count | None = Field(
        None, description="training samples to use, drawn at random; left out: all that are left"
    )
    split_seed: Seed = Field(0, description="fixes which samples are drawn for validation")
    stratify: Flag = Field(
        True,
        description="draw the same share of every class, so that small classes are in every split; false draws from all "
        "samples together, as most published protocols do",
    )
    scaling: Scaling = Field(
        "as_is",
        description="as_is (images in [0, 1]), centred (0.5 subtracted, divided by 0.5), or standardised (mean 0 and "
        "standard deviation 1 over the training samples, per feature or image channel)",
    )

    def sample_shape(self) -> tuple[int, ...] | None:
        """Shape of a sample, (feature,) or (channel, row, column), where it is known without reading the data."""
        return None


class OwnTestSplit(DatasetSource):
    """A data set that may lack a test set of its own."""

    test_size: SplitSize = Field(0.2, description="test samples or share, drawn where the data brings no test set")
    test_split: Literal["own", "scikit_learn"] = Field(
        "own",
        description="how they are drawn; scikit_learn: as its train_test_split draws them with test_size and random_state: "
        "split_seed (never stratified), for comparison with numbers that others found so",
    )


class Digits(OwnTestSplit):
    """scikit-learn's digits: 1,797 handwritten digits of 8x8 pixels; no download."""

    source: Literal["digits"]
    name: SafeName = "digits"

    def sample_shape(self) -> tuple[int, ...] | None:
        return (1, 8, 8)


class Iris(OwnTestSplit):
    """scikit-learn's iris: 150 flowers, 4 features; no download."""

    source: Literal["iris"]
    name: SafeName = "iris"
    scaling: Scaling = "standardised"

    def sample_shape(self) -> tuple[int, ...] | None:
        return (4,)


class Gaussian(OwnTestSplit):
    """Random data: features drawn from N(0, 1), classes drawn at random; for the propagation of signals."""

    source: Literal["gaussian"]
    name: SafeName = "gaussian"
    samples: Annotated[int, Field(strict=True, ge=1, le=1_000_000), MAYBE_IN_QUOTES] = Field(
        2000, description="how many"
    )
    features: Annotated[int, Field(strict=True, ge=1, le=10_000), MAYBE_IN_QUOTES] = Field(
        500, description="per sample"
    )
    classes: Annotated[int, Field(strict=True, ge=2, le=1000), MAYBE_IN_QUOTES] = Field(
        10, description="drawn without regard to x"
    )
    seed: Seed = Field(0, description="fixes what is drawn")

    def sample_shape(self) -> tuple[int, ...] | None:
        return (self.features,)


class TorchvisionDataset(DatasetSource):
    """A data set with an official test set, read by torchvision from ``data_root``."""

    validation_size: SplitSize = 5000


class Mnist(TorchvisionDataset):
    """MNIST."""

    source: Literal["mnist"]
    name: SafeName = "mnist"

    def sample_shape(self) -> tuple[int, ...] | None:
        return (1, 28, 28)


class FashionMnist(TorchvisionDataset):
    """Fashion-MNIST."""

    source: Literal["fmnist"]
    name: SafeName = "fmnist"

    def sample_shape(self) -> tuple[int, ...] | None:
        return (1, 28, 28)


class Cifar10(TorchvisionDataset):
    """CIFAR-10."""

    source: Literal["cifar10"]
    name: SafeName = "cifar10"

    def sample_shape(self) -> tuple[int, ...] | None:
        return (3, 32, 32)


class ImageFolder(OwnTestSplit):
    """A folder with train/CLASS/*.png (or any other image) and, where there are any, validation/CLASS/ and test/CLASS/."""

    source: Literal["image_folder"]
    path: LocalPath = Field(
        description="the folder that holds train/ (and validation/ and test/), or the class folders alone"
    )
    background: BackgroundColour | None = Field(
        None,
        description="what images that are transparent in places lie on: white, black or a colour such as '#808080'; "
        "left out: they are refused",
    )
    resize: Annotated[tuple[Pixels, Pixels] | None, BeforeValidator(_rows_and_columns)] = Field(
        None, description="rows and columns that all images are brought to (antialiased); left out: they must agree"
    )


class Npz(OwnTestSplit):
    """Your own arrays: x [sample, ...] and y [sample]; optionally the same with _validation and _test."""

    source: Literal["npz"]
    path: LocalPath = Field(description="the .npz file; x of numbers, y of class indices or class names")
    channels: Literal["first", "last"] | None = Field(
        None,
        description="of images: first for [sample, channel, row, column], last for [sample, row, column, channel]; left "
        "out: told by the shape where it tells",
    )

    def sample_shape(self) -> tuple[int, ...] | None:
        from nodescope.datasets.sources import npz  # which needs this module

        return npz.sample_shape(self)


DATASET_SOURCES: dict[str, type[DatasetSource]] = {
    "digits": Digits,
    "iris": Iris,
    "gaussian": Gaussian,
    "mnist": Mnist,
    "fmnist": FashionMnist,
    "cifar10": Cifar10,
    "image_folder": ImageFolder,
    "npz": Npz,
}

AnyDataset = Annotated[
    Digits | Iris | Gaussian | Mnist | FashionMnist | Cifar10 | ImageFolder | Npz,
    Field(discriminator="source"),
]


def _expand_dataset_name(value: Any) -> Any:
    """``dataset: mnist`` is short for ``dataset: {source: mnist}``."""
    return {"source": value} if isinstance(value, str) else value


# --- the family of networks and how it is trained --------------------------------------------------------


class Network(Section):
    """What all networks of the study have in common, beside what the grid varies."""

    bias: Literal["first_layer", "all", "all_and_output", "none"] = Field(
        "first_layer",
        description="which hidden layers of an mlp have a bias where there is no batch normalisation; all_and_output: its "
        "output layer has one too, as networks made elsewhere mostly have",
    )
    taper: Annotated[float, Field(allow_inf_nan=False, gt=0, le=1), NO_BOOLEAN] = Field(
        1.0, description="width of each hidden layer of an mlp over that of the layer before (0.5: 64, 32, 16)"
    )
    layer_norm: Flag = Field(False, description="layer normalisation before the activation function of an mlp")
    skip_connections: Flag = Field(
        False, description="the input of each hidden layer of an mlp is added to its output where their widths agree"
    )
    dropout: Annotated[float, Field(allow_inf_nan=False, ge=0, lt=1), NO_BOOLEAN] = Field(
        0.0, description="share of the activations of each hidden layer of an mlp that is dropped in training"
    )
    batch_norm_scale: Literal["constant", "uniform"] = Field(
        "constant",
        description="what the factors of batch normalisation start with: 1, or numbers drawn from U(0, 1), as in "
        "PyTorch before 1.2",
    )
    batch_norm_momentum: Annotated[float, Field(allow_inf_nan=False, gt=0, le=1), NO_BOOLEAN] = Field(
        0.1, description="share of a batch's mean and variance in the running ones of batch normalisation"
    )
    batch_norm_epsilon: PositiveNumber = Field(
        1e-5, description="added to the variance by which batch normalisation divides"
    )
    weights: LocalPath | None = Field(
        None,
        description="a local file of weights (safetensors, or a state dict of PyTorch) with which every network starts "
        "instead of drawn ones; {depth} in it stands for the depth. Prefixes of names are found, and the order of "
        "nn.Sequential is taken for an mlp; what does not fit is said before anything runs",
    )


class Training(Section):
    """How every network of the study is trained."""

    epochs: Epochs = Field(
        300,
        description="passes over the training data; 0 looks at networks as they are initialised, "
        "batch normalisation by the mean and variance of all training samples, as wherever a network is looked at before "
        "its training has ended",
    )
    keep: Literal["best", "last"] = Field(
        "best",
        description="the parameters that the state 'trained' has: of the epoch with the best validation accuracy, or "
        "of the last epoch",
    )
    ties: Literal["first", "last"] = Field(
        "first", description="which of several epochs with the best validation accuracy is the best"
    )
    loss: Literal["cross_entropy", "mean_squared_error"] = Field(
        "cross_entropy",
        description="what is made small: cross_entropy (of the softmax of the outputs), or mean_squared_error (of the "
        "outputs against 1 for a sample's class and 0 for the others, mean over samples and classes); tables show both",
    )
    batch_size: Count | Literal["all"] = Field(
        64, description="samples per step, reshuffled each epoch; all: every training sample, one step per epoch"
    )
    learning_rates: Annotated[list[PositiveNumber], Field(min_length=1), Distinct] = Field(
        [0.01, 0.001, 0.0001],
        description="candidates, each tried with every seed; the best mean validation accuracy wins",
    )
    refinement_rounds: Annotated[int, Field(strict=True, ge=0, le=5), MAYBE_IN_QUOTES] = Field(
        1, description="further rounds of search that try best/sqrt(10) and best*sqrt(10), then ever closer; 0 for none"
    )
    schedule: Literal["exponential", "multi_step", "cyclic", "one_cycle"] = Field(
        "exponential",
        description="of the learning rate: exponential (a factor after each epoch), multi_step (a factor after each "
        "milestone), cyclic (up from a tenth to the rate and down again), one_cycle (up over the first 30 % of the "
        "steps, then down to nothing)",
    )
    learning_rate_decay: Annotated[float, Field(allow_inf_nan=False, gt=0, le=1), NO_BOOLEAN] = Field(
        0.99, description="factor on the learning rate after each epoch, or milestone (multi_step)"
    )
    milestones: Annotated[list[Count], Distinct] = Field([], description="epochs after which multi_step decays")
    cycle_epochs: Annotated[int, Field(strict=True, ge=2), MAYBE_IN_QUOTES] = Field(
        10, description="length of one cycle of cyclic"
    )
    optimiser: Literal["adam", "rmsprop", "sgd"] = Field(
        "adam", description="Adam, RMSProp, or stochastic gradient descent, each as PyTorch has it"
    )
    momentum: Annotated[float, Field(allow_inf_nan=False, ge=0, lt=1), NO_BOOLEAN] | None = Field(
        None, description="of sgd (left out: 0.9) and of rmsprop (left out: 0)"
    )
    rmsprop_alpha: Annotated[float, Field(allow_inf_nan=False, ge=0, lt=1), NO_BOOLEAN] = Field(
        0.99, description="share of the running mean of squared gradients that rmsprop keeps at each step"
    )
    optimiser_epsilon: PositiveNumber = Field(
        1e-8, description="added to the root of the mean of squared gradients, by which adam and rmsprop divide"
    )
    weight_decay: NotNegative = Field(0.0, description="L2: this times the parameter is added to its gradient")
    l1: NotNegative = Field(0.0, description="this times the sum of the absolute weights is added to the loss")
    gradient_clip: PositiveNumber | None = Field(
        None, description="largest norm of a network's gradient; a larger one is scaled down to it"
    )
    augmentation: Literal["none", "flip_crop"] = Field(
        "none", description="flip_crop: training images are mirrored at random and moved by up to 4 pixels"
    )
    evaluation_samples: Count | None = Field(
        None, description="training samples whose loss and accuracy are measured after each epoch; left out: all"
    )
    snapshots: Annotated[list[Count], Distinct] = Field(
        [], description="epochs after which the network is recorded too (states epoch-N), to see it learn"
    )
    snapshot_steps: Annotated[list[Count], Distinct] = Field(
        [], description="optimisation steps after which the network is recorded too (states step-N)"
    )

    def samples_per_step(self, n_train: int) -> int:
        """Of so many training samples; an epoch's last step may have fewer."""
        return n_train if self.batch_size == "all" else self.batch_size

    def momentum_of_optimiser(self) -> float:
        """The momentum, or the optimiser's own default."""
        return DEFAULT_MOMENTUM.get(self.optimiser, 0.0) if self.momentum is None else self.momentum


class Variant(Section):
    """A named departure from the study's settings; what it does not name stays as it is."""

    name: VariantName = Field(description="lower-case letters, digits and '-': in paths and figures")
    activation: ActivationName | None = Field(None, description="instead of the grid's")
    batch_norm: Flag | None = Field(None, description="instead of the grid's")
    initialisation: InitialisationName | None = Field(None, description="instead of the grid's or the default")
    network: Network = Field(Network(), description="keys of network that differ")
    training: Training = Field(Training(), description="keys of training that differ")

    @model_serializer(mode="wrap")
    def _only_what_differs(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Keys of the two sections that were not given must not come back as given."""
        dumped: dict[str, Any] = handler(self)
        for name, section in (("network", self.network), ("training", self.training)):
            if name in dumped:
                dumped[name] = {key: value for key, value in dumped[name].items() if key in section.model_fields_set}
        return dumped


class Grid(Section):
    """Every combination of these values is one configuration; each is trained with every seed."""

    depth: Annotated[list[Depth], Field(min_length=1), Distinct] = Field(description="numbers of hidden layers")
    width: Annotated[list[Width], Field(min_length=1), Distinct] = Field(description="nodes per hidden layer")
    activation: Annotated[list[ActivationName], Field(min_length=1), Distinct] = Field(
        description=f"activation functions, of: {', '.join(ACTIVATION_FUNCTIONS)}"
    )
    batch_norm: Annotated[list[Flag], Field(min_length=1), Distinct] = Field(
        [False], description="batch normalisation between the linear map and the activation function"
    )
    initialisation: Annotated[list[InitialisationName], Field(min_length=1), Distinct] | None = Field(
        None,
        description=(
            "initialisations to compare, of: " + ", ".join(INITIALISATIONS) + "; "
            "left out: He (kaiming_normal) for the ReLU family, xavier_normal for the others"
        ),
    )

    variants: Annotated[list[Variant], Field(min_length=1)] | None = Field(
        None,
        description="named departures from the study's settings, each tried with every point of the grid, the first "
        "being what the others are compared with: name, and any of activation, batch_norm, initialisation, network, "
        "training (only the keys that differ)",
    )

    def axes(self) -> dict[str, list[Any]]:
        """The axes that the study names, in the order in which they stand in identifiers and tables."""
        return {name: values for name, values in self if values is not None}


# --- patterns through training ----------------------------------------------------------------------------


class MeasuringTimes(Section):
    """How often is measured, from where the rule before this one ends."""

    until_epoch: PositiveNumber | None = Field(None, description="where this rule ends; left out: with the training")
    every_steps: Count | None = Field(None, description="measure after every so many steps")
    every_epochs: PositiveNumber | None = Field(None, description="measure after every so many epochs, as 0.5")

    @model_validator(mode="after")
    def _one_interval(self) -> "MeasuringTimes":
        if (self.every_steps is None) == (self.every_epochs is None):
            raise ValueError("either every_steps or every_epochs is needed")
        return self


class PatternEvolution(Section):
    """Patterns of switched-on nodes of every layer, counted at many times of the training."""

    split: Literal["train", "validation"] = Field("train", description="samples that are run through the nets")
    samples: Count | None = Field(
        None,
        description="how many of them, drawn once; left out: all. Time and memory grow with them. Batch normalisation is "
        "settled anew at each time by as many training samples, at least 256",
    )
    schedule: Annotated[list[MeasuringTimes], Field(min_length=1)] = Field(
        [MeasuringTimes(until_epoch=1, every_steps=1), MeasuringTimes(every_epochs=0.5)],
        description="when to measure, beside before the first and after the last step: rules one after another, each "
        "with every_steps or every_epochs, and until_epoch where it ends before the training does",
    )
    final_every_epochs: PositiveNumber = Field(
        0.5, description="one time of every so many epochs is kept on disk during training, to be compared with the end"
    )
    hamming_samples: Count = Field(200, description="samples whose own patterns are compared between times")


# --- analyses --------------------------------------------------------------------------------------------


class Analysis(Section):
    """What all analyses have in common."""

    enabled: Flag = Field(True, description="false leaves the analysis and its charts out")
    splits: Splits = Field(ALL_SPLITS, description="splits to measure")


class Medians(Analysis):
    """Median activation of each class at every node."""


class Activity(Analysis):
    """Share of each class's samples for which a node is on."""


class DeadNodes(Analysis):
    """Nodes that are on for no sample of any class."""


class Sparsity(Analysis):
    """Share of samples for which a node is off, averaged over the nodes of a layer that are not dead."""


class Patterns(Analysis):
    """Number and entropy of the patterns of switched-on nodes that a layer shows."""


class Statistics(Analysis):
    """Mean, spread, shape and range of all values of a layer; shares of zeros and of saturated values."""

    saturation_tolerance: PositiveNumber = Field(
        0.05, description="an activation this near to a bound of its function (0 and 1 of the sigmoid) is saturated"
    )


Bins = Annotated[int, Field(strict=True, ge=2, le=1000), MAYBE_IN_QUOTES]


class LayerDistributions(Analysis):
    """Histograms of all values of a layer."""

    bins: Bins = Field(60, description="bins of each histogram")


class NetworkAnalysis(Section):
    """What the analyses of the networks themselves have in common."""

    enabled: Flag = Field(True, description="false leaves the analysis and its charts out")


class Weights(NetworkAnalysis):
    """Mean, spread, shape and range of the weights of a layer."""


class WeightDistributions(NetworkAnalysis):
    """Histograms of the weights of a layer."""

    bins: Bins = Field(60, description="bins of each histogram")


class Gradients(NetworkAnalysis):
    """How much of the loss's gradient reaches each layer, and how it is spread."""

    samples: Annotated[int, Field(strict=True, ge=2), MAYBE_IN_QUOTES] = Field(
        256, description="training samples of the one batch that is measured"
    )


class LocalGradients(NetworkAnalysis):
    """Gradient that each channel of some layers sends back (emission) and receives (absorption), over samples."""

    samples: Annotated[int, Field(strict=True, ge=2), MAYBE_IN_QUOTES] = Field(
        500, description="training samples that are measured"
    )
    layers: Annotated[list[str], Field(min_length=1), Distinct] | None = Field(
        None,
        description="names of linear maps or convolutions, as in the table weights; left out: layers_per_network of "
        "them, evenly spaced",
    )
    layers_per_network: Count = Field(5, description="how many layers to look at where none are named")
    channels: Count = Field(15, description="the first channels of each layer that the table holds")


class NodeChoice(Analysis):
    """An analysis of a few nodes of every layer, where a row per bin of every node would be too much."""

    splits: Splits = Field(["train"], description="splits to measure")
    nodes: Annotated[list[Index], Field(min_length=1), Distinct] | None = Field(
        None, description="the nodes to look at in every layer; left out: nodes_per_layer of them, evenly spaced"
    )
    nodes_per_layer: Count = Field(3, description="how many nodes to look at where none are named")


class Distributions(NodeChoice):
    """Histograms of pre-activations and activations of each class at chosen nodes."""

    bins: Bins = Field(60, description="bins of each histogram")


Bandwidth = PositiveNumber | Literal["scott", "silverman"]
BANDWIDTH = Field(0.2, description="of the Gaussian kernel density estimate: a number, or the rule scott or silverman")


class Densities(NodeChoice):
    """Kernel density estimate of the pre-activations of each class at chosen nodes."""

    bandwidth: Bandwidth = BANDWIDTH
    points: Annotated[int, Field(strict=True, ge=2, le=10000), MAYBE_IN_QUOTES] = Field(
        120, description="where it is evaluated"
    )


class NodeHistograms(Analysis):
    """Histograms of each class at every node of the kept nets, for the report's look into a node."""

    splits: Splits = Field(["train"], description="splits to measure")
    bins: Bins = Field(30, description="bins of each histogram")
    bandwidth: Bandwidth = BANDWIDTH


class LayerAccuracy(Analysis):
    """Every layer alone as a classifier: the discrete, the continuous and the combined system."""

    smoothing: PositiveNumber = Field(
        0.5, description="alpha of the discrete system's (n_active + alpha) / (N_c + 2 alpha)"
    )
    bandwidth: Bandwidth = BANDWIDTH


class Analyses(Section):
    """Which measurements are made on the recorded activations and on the networks, and how."""

    medians: Medians = Medians()
    activity: Activity = Activity()
    dead_nodes: DeadNodes = DeadNodes()
    sparsity: Sparsity = Sparsity()
    patterns: Patterns = Patterns()
    statistics: Statistics = Statistics()
    layer_distributions: LayerDistributions = LayerDistributions()
    distributions: Distributions = Distributions()
    densities: Densities = Densities()
    node_histograms: NodeHistograms = NodeHistograms()
    layer_accuracy: LayerAccuracy = LayerAccuracy()
    weights: Weights = Weights()
    weight_distributions: WeightDistributions = WeightDistributions()
    gradients: Gradients = Gradients()
    local_gradients: LocalGradients = LocalGradients()

    def enabled(self) -> list[str]:
        """Names of the analyses that are switched on, in the order of the report."""
        return [name for name, options in self if options.enabled]


class Diagnosis(Section):
    """When a layer is called ill; the evidence stands in the table whatever the thresholds."""

    enabled: Flag = Field(True, description="false leaves the diagnosis out")
    vanishing_gradient: PositiveNumber = Field(
        0.01, description="found where less than this share of the gradient's norm at the output reaches the layer"
    )
    exploding_gradient: PositiveNumber = Field(
        100, description="found where the gradient's norm in the layer exceeds that at the output by this factor"
    )
    dead_nodes: Share = Field(0.1, description="found where more than this share of the layer's nodes is never on")
    saturation: Share = Field(
        0.5, description="found where more than this share of the activations is saturated (sigmoid, tanh)"
    )


# --- studies and the whole -------------------------------------------------------------------------------


def _no_single_value(value: Any) -> Any:
    if value in ("mean", "max"):
        raise ValueError(
            f"the {value} of a channel over its positions cannot say whether it is dead or how active it is. "
            "Hint: 'summary' records mean and largest value together, and the positions that are on"
        )
    return value


Positions = Annotated[Literal["summary", "rows"], BeforeValidator(_no_single_value)]

#: The published works that a study can be held against; what each is stands in `nodescope.works.works`.
WORKS = ("pretorius", "hartmann", "park", "showcase", "tutorial")
WorkName = Annotated[str, _one_of("work", WORKS)]


class Study(Section):
    """One data set, one family of networks, one training protocol, the analyses wanted."""

    name: SafeName = Field(description="letters, digits, '-' and '_': the study's folder under results/")
    dataset: Annotated[AnyDataset, BeforeValidator(_expand_dataset_name)] = Field(
        description="digits, iris, mnist, fmnist, cifar10, image_folder or npz: a name, or a section with its keys"
    )
    model: Annotated[list[ModelName], Field(min_length=1), Distinct] = Field(
        ["mlp"], description=f"families of networks, of: {', '.join(ARCHITECTURES)}"
    )
    grid: Grid = Field(description="every combination is one configuration")
    seeds: Annotated[list[Seed], Field(min_length=1), Distinct] = Field(
        [0, 1, 2], description="each configuration is trained once per seed"
    )
    works: Annotated[list[WorkName], Distinct] = Field(
        [],
        description=f"published works that the study is held against, of: {', '.join(WORKS)}; its numbers and claims beside "
        "theirs, and in what it departs from their protocol; left out: none",
    )
    network: Network = Network()
    training: Training = Training()
    random_inputs: Index = Field(
        0, description="samples of a further split, random: what the networks see of them is drawn from U[0, 1)"
    )
    positions: Positions = Field(
        "summary",
        description="what is recorded of a convolution, whose nodes are its channels, for each sample: a summary over the "
        "positions (mean and largest pre-activation, mean activation, positions that are on), or each position as rows, "
        "which patterns of recorded layers need",
    )
    theta_threshold: Number = Field(0.0, description="a node is on (theta = 1) where its pre-activation exceeds this")
    analyses: Analyses = Analyses()
    diagnosis: Diagnosis = Diagnosis()
    pattern_evolution: PatternEvolution | None = Field(
        None,
        description="follow the patterns of switched-on nodes through training, for every candidate learning rate: "
        "split, samples, schedule, final_every_epochs, hamming_samples; {} for the defaults; left out: not measured",
    )
    keep_activations: Literal["auto", "always", "never"] = Field(
        "auto",
        description="keep the recorded activations, or delete them after the last analysis; "
        "auto keeps them up to activations_limit_gb",
    )


class Charts(Section):
    """How the figures look."""

    width: Annotated[int, Field(strict=True, ge=100, le=4000), MAYBE_IN_QUOTES] = Field(
        280, description="of one panel, in pixels"
    )
    height: Annotated[int, Field(strict=True, ge=80, le=4000), MAYBE_IN_QUOTES] = Field(
        190, description="of one panel, in pixels"
    )
    class_colours: Annotated[list[Colour], Field(min_length=2)] = Field(
        [
            "#4b97e4", "#cc0c34", "#0e7215", "#e9c956", "#b289cd",
            "#971c72", "#7f4e23", "#fd8443", "#30359c", "#26bd96",
        ],
        description="one colour per class; where there are more classes, three at a time are in colour and the others grey",
    )  # fmt: skip


class Report(Section):
    """The page that shows everything."""

    title: str = Field("What does each hidden node do?", min_length=1, max_length=200, description="of the page")


class Config(Section):
    """The whole configuration."""

    data_root: LocalPath = Field(
        "data",
        description="folder in which torchvision's data sets lie, or into which they are downloaded",
    )
    download: Flag = Field(True, description="false never downloads a data set; a missing one is then an error")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where networks are trained; auto takes a GPU where there is one"
    )
    activations_limit_gb: PositiveNumber = Field(
        20, description="recorded activations of a study above this estimate are deleted after their last analysis"
    )
    charts: Charts = Charts()
    report: Report = Report()
    studies: list[Study] = Field(min_length=1, description="one entry per study")
