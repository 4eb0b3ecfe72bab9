"""The documentation: its links lead somewhere, and the README stays a page that people read."""

import re

import pytest
from conftest import REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_of_a_page_leads_to_a_file(page):
    links = [link.partition("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8"))]
    missing = [link for link in links if link and "://" not in link and not (page.parent / link).exists()]
    assert not missing


def test_every_page_is_in_the_index():
    linked = LINK.findall((REPOSITORY / "docs" / "index.md").read_text(encoding="utf-8"))
    pages = {page.name for page in PAGES[1:]} - {"index.md"}
    assert pages <= set(linked)


def test_the_readme_has_at_most_six_kilobytes():
    assert len((REPOSITORY / "README.md").read_bytes()) <= 6000
