"""A folder of images: train/CLASS/ and, where there are any, validation/CLASS/ and test/CLASS/; or CLASS/ alone.

Before any job, the directory entries are looked at, the headers of `HEADERS` images (evenly spread, and the first of each
class: a header takes 0.1 to 0.3 ms, so that all of 60,000 would hold up each `snakemake -n` for ten seconds), and the
pixels of those that differ in kind.
What only shows in the pixels of the others is found when the data set is prepared, which is the first job of a run.
"""

import difflib
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nodescope.config.schema import ImageFolder
from nodescope.datasets.sources.folder_listing import ListedFile, Listing, code_points, composed, list_folder
from nodescope.datasets.sources.image_file import (
    Colour,
    Fact,
    RefusedImage,
    formats_by_suffix,
    is_image_by_content,
    look,
    read_image,
    resized,
)
from nodescope.datasets.sources.labels import Labels
from nodescope.errors import DatasetError

#: How many headers, looks and images with alpha are looked at before any job.
HEADERS, LOOKS, ALPHAS = 5000, 24, 24

#: What the folders of samples may be called, without regard to case, and with "set", "data", "images" or "split" behind.
PART_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid", "dev", "development"),
    "test": ("test", "testing", "tests"),
}

#: Names of folders that may mean validation or test.
UNCLEAR_NAMES = ("eval", "evaluation", "holdout", "heldout", "trainval", "predict", "pred")

#: Copies that programs leave beside a file; they may hold an image, but no further sample.
_COPIES = ("~", ".bak", ".old", ".orig", ".part", ".crdownload", ".tmp")

#: Suffixes that need no look at the content.
_NO_IMAGES = frozenset({
    ".7z", ".avi", ".bat", ".cfg", ".csv", ".db", ".dcm", ".doc", ".docx", ".eps", ".gz", ".h5", ".hdf5", ".heic", ".heif",
    ".html", ".ini", ".ipynb", ".json", ".jsonl", ".lmdb", ".lnk", ".log", ".mat", ".md", ".mov", ".mp3", ".mp4", ".nii",
    ".npy", ".npz", ".parquet", ".pdf", ".pkl", ".ps", ".pt", ".pth", ".py", ".rar", ".sh", ".svg", ".tar", ".tfrecord",
    ".tgz", ".toml", ".tsv", ".txt", ".url", ".wav", ".xls", ".xlsx", ".xml", ".yaml", ".yml", ".zip",
})  # fmt: skip

_SENTENCES: dict[Fact, str] = {
    "turned": "{images} turned as the EXIF orientation in their file says.",
    "composited": "{images} transparent in places and lie on {background}.",
    "opaque_alpha": "{images} read without their alpha channel, which is opaque everywhere.",
    "frames": "{images} the first frame or page of a file with several.",
    "palette": "{images} read from palettes.",
    "cmyk": "{images} converted from CMYK without a colour profile.",
    "deep": "{images} of more than 8 bits and scaled by the range of their type to [0, 1].",
    "floats": "{images} floats within [0, 1] and taken as they are.",
    "deep_avif": "{images} AVIF of 10 or 12 bits and rounded to 8 bits.",
    "broken_exif": "{images} taken as they lie, because their EXIF data, which may say how to turn them, is damaged.",
    "vanished": "{images} of one colour once they lie on {background}.",
}


@dataclass(frozen=True)
class ImageFiles:
    """The files below ``root`` that are samples, in the order of the samples, and what the layout decides."""

    labels: Labels
    root: Path
    files: list[ListedFile]

    def path(self, index: int) -> Path:
        """The file of a sample."""
        return self.root.joinpath(*self.files[index].parts)


def list_images(source: ImageFolder) -> ImageFiles:
    """The labels by the folders, and the file of each sample; no image is opened.

    Raises
    ------
    DatasetError
        If the folder is not laid out so that each image has a class.
    """
    root = Path(source.path)
    listing = list_folder(root)
    decisions: list[str] = []
    parts = _parts(source, root, listing, decisions)
    counts = Counter[str]()
    left_out = Counter[str]()
    by_content = Counter[str]()
    nested = 0
    samples: list[ListedFile] = []
    labels: list[int] = []
    classes: list[str] = []
    for part in ("train", "validation", "test"):
        if part not in parts:
            continue
        prefix = parts[part]
        folder = root.joinpath(*prefix)
        names = _class_names(source, folder, _folders_in(listing, prefix))
        if part == "train":
            classes = sorted(names)
            if len(classes) < 2:
                raise DatasetError(
                    f"Data set '{source.name}': {folder} has {len(classes)} class folder(s); at least 2 are needed. "
                    "Hint: sort the images into a folder for each class."
                )
            _tell_of_case(classes, decisions)
        for name in sorted(names):
            if name not in classes:
                raise DatasetError(_without_counterpart(source, folder / names[name], name, classes, part))
        loose = [file for file in listing.files if file.parts[:-1] == prefix]
        held: dict[str, list[ListedFile]] = {folder_name: [] for folder_name in names.values()}
        for file in listing.files:
            if len(file.parts) > len(prefix) + 1 and file.parts[: len(prefix)] == prefix:
                held[file.parts[len(prefix)]].append(file)
        for name in sorted(names):
            images = []
            for file in held[names[name]]:
                kind = _kind(root, file)
                if kind == "other":
                    left_out[_suffix(file)] += 1
                    continue
                if kind == "content":
                    by_content[_suffix(file)] += 1
                nested += len(file.parts) > len(prefix) + 2
                images.append(file)
            if not images and (held[names[name]] or part == "train"):
                raise DatasetError(
                    f"Data set '{source.name}': the class folder {folder / names[name]} has no image that can be read; "
                    f"it holds {_in_words(Counter(map(_suffix, held[names[name]])))}. Hint: convert them to PNG, or take "
                    "the folder away (one whose name begins with a dot is skipped, too)."
                )
            samples += images
            labels += [classes.index(name)] * len(images)
            counts[part] += len(images)
        loose_images = sum(_kind(root, file) != "other" for file in loose)
        if loose_images:
            decisions.append(
                f"{_number(loose_images, 'image')} directly in {folder} {_were(loose_images)} left out: "
                "only those in a class folder have a class."
            )
        if not counts[part]:
            raise DatasetError(
                f"Data set '{source.name}': {folder} has no class folder with images, so that the classes of its "
                f"{_number(loose_images, 'image')} are not known. Expected: {folder}/CLASS/*.png (or any other image). "
                "Hint: sort them into class folders, or move the folder away; then samples are drawn from train/."
            )
    if counts["validation"]:
        decisions.append(
            f"The validation samples are the {counts['validation']} images in {root.joinpath(*parts['validation'])}; "
            "validation_size is not used."
        )
    if counts["test"] and parts["test"] != ("test",):
        decisions.append(f"The test samples are the {counts['test']} images in {root.joinpath(*parts['test'])}.")
    if nested:
        decisions.append(
            f"{_number(nested, 'image')} {_lie(nested)} deeper in a class folder and {_were(nested)} taken."
        )
    if by_content:
        n = by_content.total()
        decisions.append(
            f"{_number(n, 'file')} {_were(n)} taken as images by their content, not by their name: {_in_words(by_content)}."
        )
    if left_out:
        n = left_out.total()
        decisions.append(
            f"{_number(n, 'file')} {'is no image' if n == 1 else 'are no images'} that can be read, and {_were(n)} left "
            f"out: {_in_words(left_out)}."
        )
    if listing.skipped:
        n = listing.skipped
        decisions.append(f"{n} hidden or left by the system (such as .DS_Store or Thumbs.db) {_were(n)} skipped.")
    return ImageFiles(
        Labels(
            np.array(labels, dtype=np.int64),
            [composed(name) for name in classes],
            counts["test"],
            tuple(decisions),
            counts["validation"],
        ),
        root,
        samples,
    )


def files_digest(source: ImageFolder) -> str:
    """Changes with each file of the samples that is added, removed, renamed or written.

    What lies beside train/, validation/ and test/ does not count: it may be the results of this very workflow.
    """
    listing = list_folder(source.path)
    folders = _folders_in(listing, ())
    if any(_part_of(name) == "train" for name in folders):
        listing = listing.below({name for name in folders if _part_of(name) or _looks_like_a_part(name)})
    return listing.digest()


def check(source: ImageFolder) -> Labels:
    """As `list_images`, with a look at headers, and at the pixels of images that differ in kind.

    Raises
    ------
    DatasetError
    """
    files = list_images(source)
    step = max(1, -(-len(files.files) // HEADERS))
    first_of_classes = np.flatnonzero(np.diff(files.labels.labels, prepend=-1))
    some = sorted({*range(0, len(files.files), step), *first_of_classes[:HEADERS].tolist()})
    first_of: dict[tuple[object, ...], Path] = {}
    with_alpha = []
    seen = _Collected(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of what is refused here in words
        for path in map(files.path, some):
            with _naming(source, path):
                kind = look(path)
            first_of.setdefault(kind[:3] + kind[4:] if source.resize else kind, path)
            if kind[-1]:
                with_alpha.append(path)
        chosen = [*list(first_of.values())[:LOOKS], *with_alpha[:: max(1, len(with_alpha) // ALPHAS)][:ALPHAS]]
        for path in dict.fromkeys(chosen):
            seen.add(path)
    seen.decisions()
    return files.labels


def read(source: ImageFolder) -> tuple[NDArray[Any], Labels]:
    """All images [sample, channel, row, column], uint8 where all have at most 8 bits, else float32; and their labels."""
    files = list_images(source)
    seen = _Collected(source)
    x: NDArray[Any] | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for index in range(len(files.files)):
            values = seen.add(files.path(index))
            if x is None:
                x = np.empty((len(files.files), *values.shape), values.dtype)
            x = _able_to_hold(values, x, index)
            x[index] = _like(x, values)
    assert x is not None
    labels = files.labels
    decisions = (*labels.decisions, *seen.decisions())
    return x, Labels(labels.labels, labels.class_names, labels.official_test, decisions, labels.official_validation)


def _able_to_hold(values: NDArray[Any], x: NDArray[Any], filled: int) -> NDArray[Any]:
    """The array of samples, with colours or as float32 once one of them needs it."""
    channels = max(len(values), x.shape[1])
    dtype = np.promote_types(values.dtype, x.dtype)
    if (channels, dtype) == (x.shape[1], x.dtype):
        return x
    wider = np.empty((len(x), channels, *x.shape[2:]), dtype)
    wider[:filled] = _like(wider, x[:filled])
    return wider


def _like(x: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """Values as the array holds them; grey ones spread over its channels as they are assigned."""
    if values.dtype == np.uint8 and x.dtype != np.uint8:
        return values.astype(np.float32) / np.float32(255)
    return values


@contextmanager
def _naming(source: ImageFolder, path: Path) -> Iterator[None]:
    """A refusal as a message that says which file of which data set is meant."""
    try:
        yield
    except RefusedImage as refused:
        raise DatasetError(f"Data set '{source.name}': {path} {refused}. Hint: {refused.remedy}.") from refused


class _Collected:
    """What was seen of the images so far, and whether they fit together."""

    def __init__(self, source: ImageFolder) -> None:
        self.source = source
        self.background = _colour(source.background)
        self.facts = Counter[Fact]()
        self.channels = Counter[int]()
        self.dtypes = Counter[str]()
        self.sizes = Counter[tuple[int, int]]()
        self.first: tuple[Path, tuple[int, ...], frozenset[Fact]] | None = None

    def add(self, path: Path) -> NDArray[Any]:
        """Read a further image, of the size that is asked for."""
        with _naming(self.source, path):
            image = read_image(path, self.background)
        values = image.values
        self.facts.update(image.facts)
        self.channels[len(values)] += 1
        self.dtypes[str(values.dtype)] += 1
        self.sizes[values.shape[1], values.shape[2]] += 1
        if self.source.resize is not None:
            return resized(values, *self.source.resize)
        if self.first is None:
            self.first = path, values.shape, image.facts
        if values.shape[1:] != self.first[1][1:]:
            raise DatasetError(self._sizes_differ(path, values.shape, image.facts))
        return values

    def _sizes_differ(self, path: Path, shape: tuple[int, ...], facts: frozenset[Fact]) -> str:
        assert self.first is not None
        other, first, first_facts = self.first
        why = ""
        if shape[1:] == first[:0:-1]:
            why = " One stands upright, the other lies on its side."
        if "turned" in facts | first_facts:
            why += " (Sizes are those after turning the images as their EXIF orientation says.)"
        return (
            f"Data set '{self.source.name}': {path} is {shape[2]}x{shape[1]} pixels, but {other} is "
            f"{first[2]}x{first[1]}.{why} A network takes images of one size. "
            f"Hint: add `resize: [{min(shape[1], first[1])}, {min(shape[2], first[2])}]` (rows, columns) to the data set, "
            "or crop or resize them beforehand."
        )

    def decisions(self) -> list[str]:
        """What was done to the images, a sentence each.

        Raises
        ------
        DatasetError
            If no image shows anything on the background that was chosen.
        """
        composited, vanished = self.facts["composited"], self.facts["vanished"]
        if composited and vanished == composited:
            raise DatasetError(
                f"Data set '{self.source.name}': nothing is to be seen on the background {self.source.background}: each of "
                f"the {vanished} images with transparent places is of one colour then. Hint: choose another background."
            )
        made = [
            sentence.format(
                images=f"{_number(self.facts[fact], 'image')} {_were(self.facts[fact])}",
                background=self.source.background,
            )
            for fact, sentence in _SENTENCES.items()
            if self.facts[fact]
        ]
        if len(self.channels) > 1:
            made.append(
                f"{_number(self.channels[1], 'image')} {_were(self.channels[1])} grey and became red = green = blue, "
                f"because {self.channels[3]} {'is' if self.channels[3] == 1 else 'are'} in colour."
            )
        if len(self.dtypes) > 1:
            made.append(
                f"{self.dtypes['uint8']} of {self.dtypes.total()} images have 8 bits or less, the others more; all are "
                "stored as float32 in [0, 1]."
            )
        if self.source.resize is not None:
            rows, columns = self.source.resize
            n = self.sizes.total() - self.sizes[rows, columns]
            stretched = sum(count for (h, w), count in self.sizes.items() if h * columns != w * rows)
            smallest, largest = min(self.sizes), max(self.sizes)
            made.append(
                f"{_number(n, 'image')} of {smallest[1]}x{smallest[0]} to {largest[1]}x{largest[0]} pixels {_were(n)} resized "
                f"to {columns}x{rows}, {stretched} of them with other proportions."
            )
        return made


# --- the layout of the folder ---


def _parts(source: ImageFolder, root: Path, listing: Listing, decisions: list[str]) -> dict[str, tuple[str, ...]]:
    """The folder of each part: the names on the way to it, none for the root itself."""
    expected = (
        f"Expected: {root}/train/CLASS/*.png (or any other image), and optionally {root}/validation/CLASS/... and "
        f"{root}/test/CLASS/..."
    )
    folders = _folders_in(listing, ())
    found: dict[str, tuple[str, ...]] = {}
    others = []
    for name in folders:
        part = _part_of(name)
        if part is None:
            others.append(name)
        elif part in found:
            raise DatasetError(
                f"Data set '{source.name}': {root / found[part][0]} and {root / name} both mean the {part} samples. "
                "Hint: merge them, or move one away (a folder whose name begins with a dot is skipped, too)."
            )
        else:
            found[part] = (name,)
    for name in others:
        meant = _looks_like_a_part(name)
        if meant and _number_of_images(root, listing, name):
            raise DatasetError(
                f"Data set '{source.name}': it cannot be told whether {root / name} holds {meant} samples. Hint: call it "
                "train, validation or test (or link it under that name into a folder of its own), or begin its name with "
                "a dot, so that it is skipped."
            )
    if "train" in found:
        for name in others:
            n = _number_of_images(root, listing, name)
            decisions.append(
                f"The folder {root / name} ({_number(n, 'image')}) is none of train, validation and test and was left out."
            )
        return found
    direct = {file.parts[0] for file in listing.files if len(file.parts) == 2 and _kind(root, file) != "other"}
    if not found and len(direct) >= 2:
        decisions.append(
            f"There is no folder {root / 'train'}: the folders in {root} are the classes, and validation and test samples "
            "are drawn from them."
        )
        return {"train": ()}
    inner = sorted({folder[:-1] for folder in listing.folders if len(folder) > 1 and _part_of(folder[-1]) == "train"})
    hint = f" Hint: did you mean `path: {root.joinpath(*inner[0])}`?" if inner else ""
    if not hint and found:
        hint = " Hint: put the class folders of the training samples into a folder train/."
    if not hint and not root.is_dir():
        hint = (
            " Hint: `path` is read from the folder in which Snakemake runs; give the whole path if it lies elsewhere."
        )
    there = f" It holds: {', '.join(map(repr, folders[:10]))}." if folders else ""
    raise DatasetError(f"Data set '{source.name}': there is no folder {root / 'train'}.{there} {expected}.{hint}")


def _part_of(name: str) -> str | None:
    plain = re.sub(r"[\s_.-]+", "", composed(name).casefold())
    plain = re.sub(r"(?<=.)(set|data|images|split)$", "", plain)
    return next((part for part, names in PART_NAMES.items() if plain in names), None)


def _looks_like_a_part(name: str) -> str | None:
    """Which part a folder may be meant to be, by a word in its name or by a slip of the pen."""
    words = [word for word in re.split(r"[^a-z]+", composed(name).casefold()) if word]
    known = {alias: part for part, aliases in PART_NAMES.items() for alias in aliases}
    for word in words:
        if word in UNCLEAR_NAMES:
            return "validation or test"
        if word in known:
            return known[word]
    whole = "".join(words)
    close = difflib.get_close_matches(whole, [alias for alias in known if len(alias) > 3], n=1, cutoff=0.85)
    swapped = [alias for alias in known if len(alias) > 3 and sorted(alias) == sorted(whole) and alias[0] == whole[0]]
    return known[(close + swapped)[0]] if close or swapped else None


def _folders_in(listing: Listing, prefix: tuple[str, ...]) -> list[str]:
    return [folder[-1] for folder in listing.folders if folder[:-1] == prefix]


def _number_of_images(root: Path, listing: Listing, folder: str) -> int:
    return sum(file.parts[0] == folder and _kind(root, file) != "other" for file in listing.files)


def _class_names(source: ImageFolder, folder: Path, folders: Iterable[str]) -> dict[str, str]:
    """Class name (composed) to the folder's name as it is written."""
    names: dict[str, str] = {}
    for written in folders:
        if not written.isprintable() or any(0xD800 <= ord(character) < 0xE000 for character in written):
            raise DatasetError(
                f"Data set '{source.name}': a class folder in {folder} has a name that cannot be printed: {written!a}. "
                "Hint: rename it."
            )
        name = composed(written)
        if name in names:
            raise DatasetError(
                f"Data set '{source.name}': two class folders in {folder} look alike and mean the same: "
                f"{code_points(names[name])} and {code_points(written)}. Hint: merge them into one."
            )
        names[name] = written
    return names


def _tell_of_case(classes: list[str], decisions: list[str]) -> None:
    alike: dict[str, list[str]] = {}
    for name in classes:
        alike.setdefault(name.casefold(), []).append(name)
    pairs = [" and ".join(map(repr, names)) for names in alike.values() if len(names) > 1]
    if pairs:
        decisions.append(
            f"Classes whose names differ only in upper and lower case are two classes: {', '.join(pairs)}."
        )


def _without_counterpart(source: ImageFolder, folder: Path, name: str, classes: list[str], part: str) -> str:
    same = [other for other in classes if other.casefold().strip() == name.casefold().strip()]
    close = difflib.get_close_matches(name, classes, n=1)
    reason = ""
    if same:
        reason = f" It differs from {same[0]!r} only in upper and lower case or spaces."
    elif close:
        reason = f" The nearest name there is {close[0]!r}."
    shown = ", ".join(map(repr, classes[:10])) + (", ..." if len(classes) > 10 else "")
    return (
        f"Data set '{source.name}': class folder {folder} has no counterpart among the training samples, whose classes "
        f"are {shown}.{reason} Hint: rename it, or move it away: a network cannot tell a class in {part} that it was not "
        "trained on."
    )


# --- files by their names ---


def _kind(root: Path, file: ListedFile) -> str:
    """Whether a file is an image by its suffix ("suffix"), by its content ("content"), or is to be left out ("other")."""
    name = file.parts[-1].lower()
    if name.endswith(_COPIES):
        return "other"
    suffix = _suffix(file)
    if suffix in formats_by_suffix():
        return "suffix"
    if suffix in _NO_IMAGES:
        return "other"
    return "content" if is_image_by_content(root.joinpath(*file.parts)) else "other"


def _suffix(file: ListedFile) -> str:
    stem, dot, suffix = file.parts[-1].rpartition(".")
    return f".{suffix.lower()}" if stem and dot else "no suffix"


def _in_words(suffixes: Counter[str]) -> str:
    """``.txt (10), .csv (2)``"""
    common = suffixes.most_common(8)
    rest = suffixes.total() - sum(n for _, n in common)
    return ", ".join(f"{suffix} ({n})" for suffix, n in common) + (f", others ({rest})" if rest else "") or "nothing"


def _colour(text: str | None) -> Colour | None:
    if text is None:
        return None
    digits = {"white": "#ffffff", "black": "#000000"}.get(text, text)
    red, green, blue = (int(digits[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def _number(n: int, noun: str) -> str:
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def _were(n: int) -> str:
    return "was" if n == 1 else "were"


def _lie(n: int) -> str:
    return "lies" if n == 1 else "lie"
