"""The script of the page is made of small files."""

import re
from importlib.resources import files

import pytest

from nodescope.report.scripts import LIBRARIES, PARTS, library_script, page_script

NAMES = (*LIBRARIES, *PARTS)
MOST_LINES = 250
FOLDER = files("nodescope.report").joinpath("web", "scripts")


def source(name):
    return FOLDER.joinpath(f"{name}.js").read_text("utf-8")


def test_each_file_is_part_of_the_script_once():
    assert sorted(NAMES) == sorted(path.name.removesuffix(".js") for path in FOLDER.iterdir())
    assert all(library_script().count(source(name)) == 1 for name in LIBRARIES)
    assert all(page_script().count(source(name)) == 1 for name in PARTS)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_small_and_says_what_it_is_for(name):
    lines = source(name).splitlines()
    assert re.match(r"// \w", lines[0])
    assert len(lines) <= MOST_LINES


def test_the_parts_declare_each_name_once():
    declared = [name for part in PARTS for name in re.findall(r"^(?:const|let) (\w+)", source(part), re.MULTILINE)]
    assert sorted(declared) == sorted(set(declared))
