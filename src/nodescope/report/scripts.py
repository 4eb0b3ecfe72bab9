"""Script and style of the page, joined from the files of ``web/scripts`` and ``web/styles``."""

from base64 import b64encode
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
    "sorting",
    "tables",
    "pixels",
    "atlas_data",
    "node_table",
    "atlas_find",
    "atlas_keys",
    "atlas_saving",
    "atlas",
    "saving",
    "figures",
    "card_words",
    "card_ridges",
    "card_classes",
    "card_parts",
    "card",
    "findings",
    "search",
    "controls",
    "contents",
    "start",
)

#: The styles, in order.
STYLES = ("page", "bar", "figures", "atlas", "card", "print")

FONT_FACE = """@font-face {{
  font-family: Inter; font-weight: 100 900; font-display: block; src: url(data:font/woff2;base64,{}) format("woff2");
}}
"""


def library_script() -> Markup:
    """The script that hands tables to the page; it stands before the data that the page loads."""
    return Markup("\n".join(map(_source, LIBRARIES)))


def page_script() -> Markup:
    """The script of the page as one function, so that its names stay out of the global scope."""
    return Markup("(() => {\n" + "\n".join(map(_source, PARTS)) + "})();")


def page_style() -> Markup:
    """The style of the page with its typeface; where a letter is not among the Latin ones, the system's is used."""
    web = files("nodescope.report").joinpath("web")
    font = b64encode(web.joinpath("fonts", "inter.woff2").read_bytes()).decode()
    styles = (web.joinpath("styles", f"{name}.css").read_text("utf-8") for name in STYLES)
    return Markup(FONT_FACE.format(font) + "\n".join(styles))


def _source(name: str) -> str:
    return files("nodescope.report").joinpath("web", "scripts", f"{name}.js").read_text("utf-8")
