"""Debian's Chromium, driven by Playwright, without a network."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium: apt-get install chromium")


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"]
        )
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A page in a browser, with what it asked for and what it complained about.

    Attributes
    ----------
    page : Page
    requests : list of str
        Addresses of everything that was loaded, but for data and blob addresses, which lie in the page itself.
    complaints : list of str
        What stands in the console, and uncaught errors.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))

    def open(self, path: Path, fragment: str = "") -> Page:
        """Open a file as a user does who clicks on it."""
        self.page.goto(path.as_uri() + fragment)
        return self.page

    def check(self) -> None:
        """Fail where anything was asked of a network, or anything stands in the console."""
        asked = [url for url in self.requests if not url.startswith(("file:", "data:", "blob:"))]
        assert not asked, asked
        assert not self.complaints, self.complaints


@contextmanager
def visit(browser: Browser, **options: object) -> Iterator[Visit]:
    """A visit with an empty profile; ``options`` as for Playwright's ``Browser.new_context``."""
    context = browser.new_context(**options)  # type: ignore[arg-type]
    try:
        yield Visit(context)
    finally:
        context.close()


def show(page: Page, figure: str) -> None:
    """Ask for a figure, STUDY/NAME, that is a line until it is asked for."""
    button = page.locator(f'figure.collapsed:has(.chart[data-figure="{figure}"]) .open-figure')
    if button.count() and button.is_visible():
        button.click()


def drawn(page: Page, figure: str) -> Locator:
    """A figure, STUDY/NAME, scrolled to and as the controls stand."""
    holder = page.locator(f'.chart[data-figure="{figure}"]')
    show(page, figure)
    holder.scroll_into_view_if_needed()
    expect(holder).to_have_attribute("data-drawn", "yes")
    expect(holder).not_to_have_class(re.compile("stale"))
    return holder


def box(page: Page, figure: str) -> Locator:
    """The same with its title, menus and caption."""
    return page.locator("figure").filter(has=drawn(page, figure))


def saved(page: Page, figure: str, kind: str) -> Path:
    """Save a figure in one of the ways that it offers."""
    menu = box(page, figure).locator(".save")
    if not menu.evaluate("menu => menu.open"):
        menu.locator("summary").click()
    with page.expect_download() as download:
        menu.locator(f'[data-kind="{kind}"]').click()
    page.keyboard.press("Escape")
    path = Path(download.value.path())
    return path.rename(path.with_name(download.value.suggested_filename))
