"""Read each kind of data set into plain arrays, and say readably what is missing or damaged.

``read_labels`` looks at as little as it can (so that mistakes are found before any job starts);
``read_samples`` reads everything.
"""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from nodescope.config.dataset import DatasetSource, Gaussian, ImageFolder, Npz, OwnFunction
from nodescope.datasets.sources import (
    function,
    gaussian,
    image_folder,
    image_layout,
    npz,
    scikit_learn,
    torchvision_files,
)
from nodescope.datasets.sources.labels import Labels
from nodescope.storage.files import file_stamp

__all__ = ["Labels", "files_digest", "read_labels", "read_samples"]


def files_digest(source: DatasetSource) -> str | None:
    """Changes when the user's own files do: a digest of names, sizes and times, also where a file is replaced by an older one.

    Returns
    -------
    str or None
        None for sources that are no files of the user's own, and where there is nothing yet.
    """
    try:
        match source:
            case ImageFolder():
                return image_layout.files_digest(source)
            case Npz():
                return file_stamp(source.path)
            case OwnFunction():
                return function.files_digest(source)
    except OSError:
        pass  # `read_labels` says what is wrong
    return None


def read_labels(source: DatasetSource, data_root: str, *, download: bool) -> Labels | None:
    """The labels of a data set, from as few bytes as they can be had.

    Returns
    -------
    Labels or None
        None where they cannot be told yet: a data set still to be downloaded, or one whose labels only
        torchvision, or a function of the user's own, can read.

    Raises
    ------
    DatasetError
        If the data set is not there, damaged, or of the wrong shape.
    """
    match source:
        case ImageFolder():
            return image_folder.check(source)
        case Npz():
            return npz.read(source)[0]
        case OwnFunction():
            function.check(source)
            return None
        case Gaussian():
            return gaussian.draw_classes(source)
        case _ if source.source in torchvision_files.TORCHVISION:
            return torchvision_files.inspect(source, Path(data_root), download=download)
        case _:
            return scikit_learn.read(source.source)[0]


def read_samples(source: DatasetSource, data_root: str, *, download: bool) -> tuple[NDArray[Any], Labels]:
    """All samples, [sample, feature] or [sample, channel, row, column], and their labels.

    Images are uint8 (of more than 8 bits: float32 within [0, 1]); the digits and all other data float32. A function of the
    user's own may give samples of any shape, and whole numbers too.

    Raises
    ------
    DatasetError
        As `read_labels`, and if a file turns out to be damaged when it is read as a whole.
    """
    match source:
        case ImageFolder():
            return image_folder.read(source)
        case Npz():
            labels, x = npz.read(source)
            return x, labels
        case OwnFunction():
            return function.read(source)
        case Gaussian():
            return gaussian.draw_features(source), gaussian.draw_classes(source)
        case _ if source.source in torchvision_files.TORCHVISION:
            return torchvision_files.read(source, Path(data_root), download=download)
        case _:
            labels, x = scikit_learn.read(source.source)
            return x, labels
