"""The script of the page, joined from the files of ``web/scripts``."""

from importlib.resources import files

from markupsafe import Markup

#: Files that are complete by themselves, each with one object: they load and write tables.
LIBRARIES = ("frames", "files")

#: Files that share one scope. What a file runs when it is loaded may use the files before it; functions may use all.
PARTS = (
    "state",
    "address",
    "elements",
    "text",
    "filters",
    "pins",
    "themes",
    "classes",
    "specifications",
    "charts",
    "tables",
    "nodes",
    "node_panels",
    "saving",
    "figures",
    "distributions",
    "inspector",
    "controls",
    "contents",
    "start",
)


def library_script() -> Markup:
    """The script that hands tables to the page; it stands before the data that the page loads."""
    return Markup("\n".join(map(_source, LIBRARIES)))


def page_script() -> Markup:
    """The script of the page as one function, so that its names stay out of the global scope."""
    return Markup("(() => {\n" + "\n".join(map(_source, PARTS)) + "})();")


def _source(name: str) -> str:
    return files("nodescope.report").joinpath("web", "scripts", f"{name}.js").read_text("utf-8")
