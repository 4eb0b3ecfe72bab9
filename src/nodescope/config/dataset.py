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
    Flag,
    LocalPath,
    SafeName,
    Section,
    Seed,
    _not_a_boolean,
    _whole_number,
)


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

    def stated_size(self) -> StatedSize | None:
        """How large the data set is, where that is known without looking at it."""
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
        2000, description="how many"
    )
    features: Annotated[int, Field(strict=True, ge=1, le=10_000), MAYBE_IN_QUOTES] = Field(
        500, description="per sample"
    )
    classes: Annotated[int, Field(strict=True, ge=2, le=1000), MAYBE_IN_QUOTES] = Field(
        10, description="drawn without regard to x"
    )
    seed: Seed = Field(0, description="fixes what is drawn")

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


def expand_dataset_name(value: Any) -> Any:
    """``dataset: mnist`` is short for ``dataset: {source: mnist}``."""
    return {"source": value} if isinstance(value, str) else value
