"""What samples look like: a thumbnail, a text, or a row of features, of those that other tables name."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.datasets.prepared import PreparedDataset, is_scaled, unit_interval
from nodescope.storage.columns import SPLIT, Column, Table
from nodescope.storage.pictures import as_pixels, png_uri

SAMPLES = Table(
    "samples",
    "What the samples look like that other tables name by their number in the prepared data set. The names of the features "
    "are `feature_names` of the data set's description, where they are known.",
    (
        SPLIT,
        Column("sample", "int32", "in the prepared data set"),
        Column("label", "int32", "class of the sample; null where samples have no classes"),
        Column(
            "thumbnail",
            "string",
            "the image as a PNG data URI, of 48 x 48 pixels at most; null where samples are no images",
        ),
        Column("text", "string", "the first 2,000 characters of the text; null where samples have no texts"),
        Column(
            "features",
            "list[float32]",
            "the features as the data set has them, before they are scaled; null of images, texts and more than 100 features",
        ),
    ),
    keys="none",
)

#: Larger images are made smaller. Pixels of the longer side.
THUMBNAIL = 48
LONGEST_TEXT = 2000
MOST_FEATURES = 100
#: Of images that can be drawn: grey, colour, colour with alpha.
CHANNELS = (1, 3, 4)


def samples_table(dataset: PreparedDataset, named: Iterable[int]) -> pl.DataFrame:
    """The table ``samples``.

    Parameters
    ----------
    named
        Numbers of samples. Those that the data set does not have, such as random inputs, are left out.

    Returns
    -------
    DataFrame
        With the columns of `SAMPLES`, split by split.
    """
    wanted = np.unique(np.fromiter(named, np.int64))
    found = [_of_split(dataset, split, np.intersect1d(indices, wanted)) for split, indices in dataset.splits.items()]
    return pl.concat(found)


def _of_split(dataset: PreparedDataset, split: str, samples: NDArray[np.int64]) -> pl.DataFrame:
    texts = dataset.extras.texts
    columns: dict[str, list[Any] | NDArray[Any] | None] = {
        "label": dataset.labels(samples) if dataset.is_labelled else None,
        "thumbnail": thumbnails(dataset.x, samples) if is_image(dataset.x) else None,
        "text": None if texts is None else [texts[sample][:LONGEST_TEXT] for sample in samples],
        "features": dataset.x[samples].tolist() if texts is None and _is_row(dataset.x) else None,
    }
    schema = SAMPLES.schema()
    of_columns = {name: [None] * len(samples) if columns[name] is None else columns[name] for name in list(schema)[2:]}
    return pl.DataFrame({"split": [split] * len(samples), "sample": samples, **of_columns}, schema)


def is_image(x: NDArray[Any]) -> bool:
    """Whether samples [sample, ...] can be drawn as images: of 1, 3 or 4 channels, not of whole numbers such as token ids."""
    return x.ndim == 4 and x.shape[1] in CHANNELS and (is_scaled(x) or x.dtype == np.bool_)


def _is_row(x: NDArray[Any]) -> bool:
    return x.ndim == 2 and x.shape[1] <= MOST_FEATURES and is_scaled(x)


def thumbnails(x: NDArray[Any], samples: NDArray[np.int64]) -> list[str]:
    """PNG data URIs of images [sample, channel, row, column]; those that exceed `THUMBNAIL` are made smaller.

    Values in [0, 1] are shown as they are; of others, the smallest of these samples is black, the largest white.
    """
    if not len(samples):
        return []
    images = unit_interval(x[samples])
    low, high = min(0.0, float(images.min())), max(1.0, float(images.max()))
    if (low, high) != (0.0, 1.0):
        low, high = float(images.min()), float(images.max())
    return [png_uri(_smaller(as_pixels(image, low, high))) for image in images]


def _smaller(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if max(pixels.shape[:2]) <= THUMBNAIL:
        return pixels
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    return np.asarray(picture)
