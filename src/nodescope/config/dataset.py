"""Section ``dataset``: where samples come from, and how they are split and scaled."""

import re
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    BeforeValidator,
    Field,
)

from nodescope.config.fields import (
    MAYBE_IN_QUOTES,
    Count,
    Distinct,
    Flag,
    FunctionPath,
    LocalPath,
    SafeName,
    Section,
    Seed,
    _not_a_boolean,
    _whole_number,
)
from nodescope.config.recordings import Recordings


def _split_size(value: Any) -> Any:
    value = _whole_number(_not_a_boolean(value))
    if isinstance(value, str) and re.fullmatch(r"[0-9]*\.[0-9]+|[0-9.]+e-?[0-9]+", value):
        value = float(value)
    if isinstance(value, str):
        raise ValueError(f"must be a number, not {value!r}")
    if isinstance(value, float) and not 0 < value < 1:
        raise ValueError("a fraction must lie between 0 and 1; a number of samples must be a whole number")
    if isinstance(value, int) and value < 1:
        raise ValueError("a number of samples must be at least 1")
    return value


def _rows_and_columns(value: Any) -> Any:
    if value is not None and not (isinstance(value, (list, tuple)) and len(value) == 2):
        raise ValueError("must be two whole numbers, rows and columns, such as [32, 32]")
    return value


SplitSize = Annotated[int | float, BeforeValidator(_split_size)]


BackgroundColour = Annotated[str, Field(pattern=r"^(white|black|#[0-9A-Fa-f]{6})$")]


Pixels = Annotated[int, Field(strict=True, ge=1, le=4096), MAYBE_IN_QUOTES]


Scaling = Literal["as_is", "centred", "standardised"]


class StatedSize(NamedTuple):
    """What is known of a data set without looking at it."""

    samples: int
    shape: tuple[int, ...]
    classes: int
    official_test: int = 0


class DatasetSource(Section):
    """What all data sets have in common."""

    source: str
    name: SafeName = Field(description="name of the data set in paths and tables")
    validation_size: SplitSize = Field(
        0.1, description="number (whole number) or share (fraction) of validation samples, drawn from the training data"
    )
    train_size: Count | None = Field(
        None, description="number of training samples to use, drawn at random; default: all remaining samples"
    )
    split_seed: Seed = Field(0, description="random seed of the splits")
    stratify: Flag = Field(
        True,
        description="draw the same share of every class, so that every split contains small classes; false ignores "
        "classes, as most published protocols do",
    )
    scaling: Scaling = Field(
        "as_is",
        description="as_is (images in [0, 1]), centred (0.5 subtracted, divided by 0.5), or standardised (mean 0 and "
        "standard deviation 1 over the training samples, per feature or image channel)",
    )

    def stated_size(self) -> StatedSize | None:
        """How large the data set is, where that is known without looking at it."""
        return None


class OwnTestSplit(DatasetSource):
    """A data set that may lack a test set of its own."""

    test_size: SplitSize = Field(
        0.2, description="number or share of test samples, drawn if the data set has no test set"
    )
    test_split: Literal["own", "scikit_learn"] = Field(
        "own",
        description="how test samples are drawn; scikit_learn: as train_test_split(test_size=..., "
        "random_state=split_seed) of scikit-learn (never stratified), for comparison with published numbers",
    )


class Digits(OwnTestSplit):
    """scikit-learn's digits: 1,797 handwritten digits of 8x8 pixels; no download."""

    source: Literal["digits"]
    name: SafeName = "digits"

    def stated_size(self) -> StatedSize:
        return StatedSize(1797, (1, 8, 8), 10)


class Iris(OwnTestSplit):
    """scikit-learn's iris: 150 flowers, 4 features; no download."""

    source: Literal["iris"]
    name: SafeName = "iris"
    scaling: Scaling = "standardised"

    def stated_size(self) -> StatedSize:
        return StatedSize(150, (4,), 3)


class Gaussian(OwnTestSplit):
    """Random data: features drawn from N(0, 1), classes drawn at random; for the propagation of signals."""

    source: Literal["gaussian"]
    name: SafeName = "gaussian"
    samples: Annotated[int, Field(strict=True, ge=1, le=1_000_000), MAYBE_IN_QUOTES] = Field(
        2000, description="number of samples"
    )
    features: Annotated[int, Field(strict=True, ge=1, le=10_000), MAYBE_IN_QUOTES] = Field(
        500, description="number of features per sample"
    )
    classes: Annotated[int, Field(strict=True, ge=2, le=1000), MAYBE_IN_QUOTES] = Field(
        10, description="number of classes, drawn independently of the features"
    )
    seed: Seed = Field(0, description="random seed of the data")

    def stated_size(self) -> StatedSize:
        return StatedSize(self.samples, (self.features,), self.classes)


class TorchvisionDataset(DatasetSource):
    """A data set with an official test set, read by torchvision from ``data_root``."""

    validation_size: SplitSize = 5000


class Mnist(TorchvisionDataset):
    """MNIST."""

    source: Literal["mnist"]
    name: SafeName = "mnist"

    def stated_size(self) -> StatedSize:
        return StatedSize(70_000, (1, 28, 28), 10, 10_000)


class FashionMnist(TorchvisionDataset):
    """Fashion-MNIST."""

    source: Literal["fmnist"]
    name: SafeName = "fmnist"

    def stated_size(self) -> StatedSize:
        return StatedSize(70_000, (1, 28, 28), 10, 10_000)


class Cifar10(TorchvisionDataset):
    """CIFAR-10."""

    source: Literal["cifar10"]
    name: SafeName = "cifar10"

    def stated_size(self) -> StatedSize:
        return StatedSize(60_000, (3, 32, 32), 10, 10_000)


class ImageFolder(OwnTestSplit):
    """A folder with train/CLASS/*.png (or any other image) and, where there are any, validation/CLASS/ and test/CLASS/."""

    source: Literal["image_folder"]
    path: LocalPath = Field(
        description="folder with train/ (and optionally validation/ and test/), or with one folder per class"
    )
    background: BackgroundColour | None = Field(
        None,
        description="background of transparent images: white, black or a colour such as '#808080'; default: "
        "transparent images are an error",
    )
    resize: Annotated[tuple[Pixels, Pixels] | None, BeforeValidator(_rows_and_columns)] = Field(
        None,
        description="rows and columns to which all images are resized (antialiased); default: all images must have "
        "the same size",
    )


class Npz(OwnTestSplit):
    """Your own arrays: x [sample, ...] and y [sample]; optionally the same with _validation and _test."""

    source: Literal["npz"]
    path: LocalPath = Field(description="the .npz file; x holds numbers, y class indices or class names")
    channels: Literal["first", "last"] | None = Field(
        None,
        description="channel axis of images: first for [sample, channel, row, column], last for [sample, row, "
        "column, channel]; default: inferred from the shape if unambiguous",
    )


class OwnFunction(OwnTestSplit):
    """What a function of your own returns for train, validation and test: arrays, tensors, a data set or a loader."""

    source: Literal["function"]
    data: FunctionPath = Field(
        description="the function, as my_net.py:data or package.module:data; called with 'train', 'validation' and 'test', it "
        "returns (x, y), (x, y, mask), a dict of inputs and labels, a data set or loader of PyTorch, or None. The file is "
        "executed; paths are relative to the working directory"
    )
    labels: Annotated[str, Field(min_length=1)] | None = Field(
        None, description="which labels are used if the function returns several; default: the first"
    )
    files: Annotated[list[LocalPath], Distinct] = Field(
        [],
        description="files and folders that the function reads: a change of them prepares the data set anew, as a change of "
        "the function's source does",
    )


class Recorded(DatasetSource):
    """The samples of recordings that were made elsewhere; no network sees them here."""

    source: Literal["recordings"]
    recordings: Recordings


DATASET_SOURCES: dict[str, type[DatasetSource]] = {
    "digits": Digits,
    "iris": Iris,
    "gaussian": Gaussian,
    "mnist": Mnist,
    "fmnist": FashionMnist,
    "cifar10": Cifar10,
    "image_folder": ImageFolder,
    "npz": Npz,
    "function": OwnFunction,
}


AnyDataset = Annotated[
    Digits | Iris | Gaussian | Mnist | FashionMnist | Cifar10 | ImageFolder | Npz | OwnFunction,
    Field(discriminator="source"),
]


def expand_dataset_name(value: Any) -> Any:
    """``dataset: mnist`` is short for ``dataset: {source: mnist}``."""
    return {"source": value} if isinstance(value, str) else value
