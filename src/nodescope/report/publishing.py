"""Let the folder of the report hold what its page lists, and nothing of other studies.

The figures' data are drawn below ``results``, and reach the page's folder together with the page: until then, and where a
run fails or is stopped, the page of the earlier run lies there with its own data. Only what nodescope wrote is deleted.
"""

import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from nodescope.study.layout import figure_files_path, page_path, partial_report_path, published_path

logger = logging.getLogger(__name__)

#: What files of nodescope begin with, or end with.
SCRIPT_BEGINS = b"nodescope.receive("
PAGE_BEGINS = b"<!DOCTYPE html>"
FIGURE_SUFFIXES = (".svg", ".png", ".vl.json", ".parquet", ".csv")
#: Snakemake leaves one in each folder that a rule makes, which tells it from a folder of the user's.
TIMESTAMP = ".snakemake_timestamp"


@contextmanager
def published(reports: str | Path, data: Mapping[str, str | Path]) -> Iterator[None]:
    """Put the data of the page that is written in this block beside it, and take away what belongs to other pages.

    Parameters
    ----------
    reports
        The folder of the page.
    data
        For each study of the page the folder with the data of its figures.
    """
    reports = Path(reports)
    new, old, place = reports / ".data.new", reports / ".data.old", published_path(reports)
    if old.exists() and not place.exists():  # a build was killed between the two
        old.rename(place)
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    for study, folder in data.items():
        (new / study).mkdir(parents=True)
        for path in sorted(Path(folder).glob("*.js")):
            _link(path, new / study / path.name)
    try:
        yield
        if place.exists():
            place.rename(old)
        new.rename(place)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _keep_foreign(old, place)
    _remove_others(reports, set(data))


def _link(source: Path, target: Path) -> None:
    """A second name of the same file, or a copy where the file system has none."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _keep_foreign(old: Path, place: Path) -> None:
    """Delete the data of the earlier page; what someone else put there stays."""
    if not old.exists():
        return
    for path in sorted(old.rglob("*")):
        if path.is_file() and path.name != TIMESTAMP and not _begins(path, SCRIPT_BEGINS):
            target = place / path.relative_to(old)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
                logger.warning("%s was not created by nodescope and is kept.", target)
    shutil.rmtree(old, ignore_errors=True)


def _remove_others(reports: Path, studies: set[str]) -> None:
    """Figures of studies that the page does not list, and a partial report of before."""
    figures = figure_files_path(reports)
    for folder in sorted(figures.iterdir()) if figures.is_dir() else []:
        if (folder / TIMESTAMP).is_file() and folder.name not in studies:
            _remove(
                folder,
                [
                    path
                    for path in folder.iterdir()
                    if path.name.endswith((*FIGURE_SUFFIXES, TIMESTAMP)) and path.is_file()
                ],
            )
    partial = partial_report_path(reports)
    if _begins(page_path(partial), PAGE_BEGINS):
        scripts = [path for path in published_path(partial).rglob("*.js") if _begins(path, SCRIPT_BEGINS)]
        _remove(partial, [page_path(partial), *scripts])


def _remove(folder: Path, files: list[Path]) -> None:
    """Delete the files, and the folder as far as nothing else lies in it."""
    for path in files:
        path.unlink()
    for inner in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        with suppress(OSError):
            inner.rmdir()
    try:
        folder.rmdir()
    except OSError:
        logger.warning("%s contains files that were not created by nodescope; they are kept.", folder)


def _begins(path: Path, content: bytes) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(content)) == content
    except OSError:
        return False
