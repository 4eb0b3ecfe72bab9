"""Which files of a folder are samples, and of which class: by the names of folders and files alone.

Known are train/CLASS/, validation/CLASS/ and test/CLASS/ under their usual names, and CLASS/ alone. What else lies there is
named: left out where it plainly is no sample, refused where it might be meant for one.
"""

import difflib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nodescope.config.dataset import ImageFolder
from nodescope.datasets.sources.folder_listing import ListedFile, Listing, code_points, composed, list_folder
from nodescope.datasets.sources.image_file import formats_by_suffix, is_image_by_content
from nodescope.datasets.sources.labels import Labels
from nodescope.messages.errors import DatasetError
from nodescope.messages.words import counted, were

#: What the folders of samples may be called, without regard to case, and with "set", "data", "images" or "split" behind.
PART_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid", "dev", "development"),
    "test": ("test", "testing", "tests"),
}

#: The parts in sentences.
#: What to do with images that no folders sort.
SORT = "sort the images into a folder for each class; images without classes come from a function of your own (source: function)"
_SAMPLES = {"train": "training", "validation": "validation", "test": "test", "validation or test": "validation or test"}

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


@dataclass(frozen=True)
class ImageFiles:
    """The files below ``root`` that are samples, in the order of the samples, and what the layout decides."""

    labels: Labels
    root: Path
    files: list[ListedFile]

    def path(self, index: int) -> Path:
        """The file of a sample."""
        return self.root.joinpath(*self.files[index].parts)


@dataclass
class _Found:
    """What was found so far."""

    classes: list[str] = field(default_factory=list)
    files: list[ListedFile] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    of_part: Counter[str] = field(default_factory=Counter)
    by_content: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    deeper: int = 0
    decisions: list[str] = field(default_factory=list)


def list_images(source: ImageFolder) -> ImageFiles:
    """The labels by the folders, and the file of each sample; no image is opened.

    Raises
    ------
    DatasetError
        If the folder is not laid out so that each image has a class.
    """
    root = Path(source.path)
    listing = list_folder(root)
    parts = _parts(root, listing)
    if "train" not in parts:
        raise DatasetError(_without_training(source, root, listing, parts))
    found = _Found()
    _tell_of_layout(source, root, listing, parts, found)
    for part in ("train", "validation", "test"):
        if part in parts:
            _add_part(source, root, listing, part, parts[part], found)
    _tell_of_files(root, listing, parts, found)
    labels = Labels(
        np.array(found.labels, dtype=np.int64),
        found.classes,
        found.of_part["test"],
        tuple(found.decisions),
        found.of_part["validation"],
    )
    return ImageFiles(labels, root, found.files)


def files_digest(source: ImageFolder) -> str:
    """Changes with each file of the samples that is added, removed, renamed or written.

    What lies beside train/, validation/ and test/ does not count: it may be the results of this very workflow.
    """
    root = Path(source.path)
    listing = list_folder(root)
    if _parts(root, listing).get("train"):
        listing = listing.below({top for top in _folders_in(listing, ()) if _part_of(top) or _looks_like_a_part(top)})
    return listing.digest()


# --- the folders of the parts ---


def _parts(root: Path, listing: Listing) -> dict[str, tuple[str, ...]]:
    """The folder of each part, by the names on the way to it; none for the root, where its folders are the classes.

    Of two folders for the same part, the first.
    """
    found: dict[str, tuple[str, ...]] = {}
    tops = _folders_in(listing, ())
    for name in reversed(tops):
        if part := _part_of(name):
            found[part] = (name,)
    with_images = {file.parts[0] for file in listing.files if len(file.parts) == 2 and _kind(root, file) != "other"}
    # A class may be called 'train' or 'dev', too.
    no_part_has_classes = not any(_folders_in(listing, prefix) for prefix in found.values())
    classes = {name for name in with_images if not _part_of(name)}
    return {"train": ()} if no_part_has_classes and len(classes) >= 2 else found


def _tell_of_layout(
    source: ImageFolder, root: Path, listing: Listing, parts: dict[str, tuple[str, ...]], found: _Found
) -> None:
    tops = _folders_in(listing, ())
    for name in tops:
        part = _part_of(name)
        if parts["train"] and part and parts[part] != (name,):
            raise DatasetError(
                f"Data set '{source.name}': {root / parts[part][0]} and {root / name} both mean the {_SAMPLES[part]} "
                "samples. Hint: merge them, or move one away (folders whose names start with a dot are skipped)."
            )
        if part:
            continue
        meant, n = _looks_like_a_part(name), _number_of_images(root, listing, name)
        if meant and n:
            of_class = "" if parts["train"] else "; if it is a class, put all class folders into a folder train/"
            raise DatasetError(
                f"Data set '{source.name}': it cannot be told whether {root / name} holds {_SAMPLES[meant]} samples. Hint: call it "
                "train, validation or test (or link it under that name into a folder of its own), or begin its name with "
                f"a dot, so that it is skipped{of_class}."
            )
        if parts["train"]:
            found.decisions.append(
                f"The folder {root / name} ({counted(n, 'image')}) is none of train, validation and test and was left out."
            )
    if not parts["train"]:
        found.decisions.append(
            f"There is no folder {root / 'train'} with class folders: the folders in {root} are the classes, and validation "
            "and test samples are drawn from them."
        )


def _without_training(source: ImageFolder, root: Path, listing: Listing, parts: dict[str, tuple[str, ...]]) -> str:
    tops = _folders_in(listing, ())
    inner = sorted({folder[:-1] for folder in listing.folders if len(folder) > 1 and _part_of(folder[-1]) == "train"})
    if not root.is_dir():
        hint = "`path` is relative to the working directory; use an absolute path if it is elsewhere."
    elif inner:
        hint = f"did you mean `path: {root.joinpath(*inner[0])}`?"
    elif parts:
        hint = "put the class folders of the training samples into a folder train/."
    else:
        hint = f"{SORT}."
    there = f" It holds: {', '.join(map(repr, tops[:10]))}." if tops else ""
    return (
        f"Data set '{source.name}': there is no folder {root / 'train'}.{there} Expected: {root}/train/CLASS/*.png (or any "
        f"other image), and optionally {root}/validation/CLASS/... and {root}/test/CLASS/... Hint: {hint}"
    )


def _add_part(
    source: ImageFolder, root: Path, listing: Listing, part: str, prefix: tuple[str, ...], found: _Found
) -> None:
    """The samples of one part, class by class."""
    folder = root.joinpath(*prefix)
    names = _class_names(source, folder, _folders_in(listing, prefix))
    if part == "train":
        found.classes = sorted(names)
        if len(names) < 2:
            raise DatasetError(
                f"Data set '{source.name}': {folder} has {len(names)} class folder(s); at least 2 are required. Hint: "
                f"{SORT}."
            )
        _tell_of_case(found)
    held: dict[str, list[ListedFile]] = {written: [] for written in names.values()}
    loose = 0
    for file in listing.files:
        if file.parts[: len(prefix)] != prefix:
            continue
        if len(file.parts) > len(prefix) + 1:
            held[file.parts[len(prefix)]].append(file)
        else:
            loose += _kind(root, file) != "other"
    before = len(found.files)
    for name in sorted(names):
        if name not in found.classes:
            raise DatasetError(_without_counterpart(source, folder / names[name], name, found.classes, part))
        files = held[names[name]]
        n = _add_class(root, files, len(prefix) + 2, found)
        found.labels += [found.classes.index(name)] * n
        if not n and (files or part == "train"):
            raise DatasetError(
                f"Data set '{source.name}': the class folder {folder / names[name]} has no image that can be read; it "
                f"holds {_in_words(Counter(map(_suffix, files)))}. Hint: convert them to PNG, or take the folder away "
                "(folders whose names start with a dot are skipped)."
            )
    found.of_part[part] = len(found.files) - before
    if not found.of_part[part]:
        raise DatasetError(
            f"Data set '{source.name}': {folder} has no class folder with images, so that the classes of its "
            f"{counted(loose, 'image')} are not known. Expected: {folder}/CLASS/*.png (or any other image). "
            "Hint: sort them into class folders, or move the folder away; then samples are drawn from train/."
        )
    if loose:
        found.decisions.append(
            f"{counted(loose, 'image')} directly in {folder} {were(loose)} left out: only those in a class folder have "
            "a class."
        )


def _add_class(root: Path, files: list[ListedFile], depth: int, found: _Found) -> int:
    """The images among the files of a class folder; how many there are."""
    before = len(found.files)
    for file in files:
        kind = _kind(root, file)
        if kind == "other":
            found.left_out[_suffix(file)] += 1
            continue
        if kind == "content":
            found.by_content[_suffix(file)] += 1
        found.deeper += len(file.parts) > depth
        found.files.append(file)
    return len(found.files) - before


def _tell_of_files(root: Path, listing: Listing, parts: dict[str, tuple[str, ...]], found: _Found) -> None:
    n = found.of_part["validation"]
    if n:
        found.decisions.append(
            f"The validation samples are the {counted(n, 'image')} in {root.joinpath(*parts['validation'])}."
        )
    n = found.of_part["test"]
    if n and parts["test"] != ("test",):
        found.decisions.append(f"The test samples are the {counted(n, 'image')} in {root.joinpath(*parts['test'])}.")
    if n := found.deeper:
        found.decisions.append(
            f"{counted(n, 'image')} {'lies' if n == 1 else 'lie'} deeper in a class folder and {were(n)} taken."
        )
    if n := found.by_content.total():
        found.decisions.append(
            f"{counted(n, 'file')} {were(n)} recognised as images by their content: {_in_words(found.by_content)}."
        )
    if n := found.left_out.total():
        found.decisions.append(
            f"{counted(n, 'file')} {were(n)} left out, not being images that can be read: {_in_words(found.left_out)}."
        )
    if n := listing.skipped:
        found.decisions.append(
            f"{counted(n, 'hidden or system file')} (such as .DS_Store or Thumbs.db) {were(n)} skipped, folders counted once."
        )


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


def _tell_of_case(found: _Found) -> None:
    alike: dict[str, list[str]] = {}
    for name in found.classes:
        alike.setdefault(name.casefold(), []).append(name)
    pairs = [" and ".join(map(repr, names)) for names in alike.values() if len(names) > 1]
    if pairs:
        found.decisions.append(
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
