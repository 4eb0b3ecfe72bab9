"""The words of drawn figures, looked up when they are asked for. Imports nothing heavy."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nodescope.storage.json_files import read_json
from nodescope.works.published_figures import Reference


@dataclass(frozen=True)
class FigureTexts:
    """Captions of the figures of a study by file name, for Snakemake's own report.

    It can be made before the figures are drawn: the index is read when something is looked up.

    Attributes
    ----------
    index : str
        The list of figures, ``index.json``.
    """

    index: str

    def entry(self, file_name: str) -> dict[str, Any]:
        """The figure of a file; a file may be named after a figure and one of its configurations."""
        names = [name for name in self._entries if file_name == name or file_name.startswith(f"{name}-")]
        return self._entries[max(names, key=len)]

    def title(self, file_name: str) -> str:
        """The figure's title, with the configuration of the file."""
        entry = self.entry(file_name)
        configuration = file_name.removeprefix(entry["name"]).removeprefix("-")
        return entry["title"] + (f": {configuration}" if configuration else "")

    def __getitem__(self, file_name: str) -> str:
        """Caption and references, as reStructuredText."""
        entry = self.entry(file_name)
        published = self.published_as(file_name)
        return _escaped(entry["caption"] + (f" {published}." if published else ""))

    def published_as(self, file_name: str) -> str:
        """Where works that the study names show the same, as ``Pretorius 2020, figure 3.1``; empty if none does."""
        return "; ".join(str(Reference(**reference)) for reference in self.entry(file_name)["references"])

    @cached_property
    def _entries(self) -> dict[str, dict[str, Any]]:
        return {entry["name"]: entry for entry in read_json(self.index)["figures"]}


def _escaped(text: str) -> str:
    """Plain text in reStructuredText: no character means anything."""
    return "".join(f"\\{c}" if c in "\\*`_|:<>[]" else c for c in text)
