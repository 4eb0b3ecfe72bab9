"""What holds of every view: nothing that axe-core objects to, no word on what a study has not, and nothing that jumps."""

import re
from importlib.resources import files

import pytest
from browsing import needs_chromium, open_browser, visit
from playwright.sync_api import Page, expect
from tasks_report import TasksReport

pytestmark = needs_chromium

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
CARD = "#digits-atlas?node=digits/relu-2x40/2/37"
VIEWS = {"overview": "", "digits": CARD, "fresh": "#study-fresh", "plants": "#study-plants", "published": "#published"}
#: The most that may move while a reader scrolls, as browsers count it (layout instability).
MOST_SHIFT = 0.05


@pytest.fixture(scope="module")
def browser():
    expect.set_options(timeout=30_000)
    with open_browser() as opened:
        yield opened


def draw_all(page: Page) -> None:
    """Wait until every figure of the view is drawn; the page draws them one after the other while nothing else is to do."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-view]:not([hidden]) .chart')].every((one) => one.dataset.drawn === 'yes')",
        timeout=120_000,
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_violation_in_any_view(browser, tasks_report: TasksReport, theme):
    script = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    with visit(browser, viewport={"width": 1440, "height": 900}, color_scheme=theme) as visited:
        page = visited.open(tasks_report.html)
        page.evaluate(script)
        found = []
        for view, place in VIEWS.items():
            page.evaluate("place => { location.hash = place; }", place or "#overview")
            expect(page.locator(f'[data-view="{view}"]')).to_be_visible()
            if place == CARD:
                expect(page.locator("#card .by-class tbody tr")).to_have_count(10)
            draw_all(page)
            violations = page.evaluate(
                "rules => axe.run(document, { runOnly: rules, resultTypes: ['violations'] }).then((found) => found.violations)",
                RULES,
            )
            found += [
                (view, each["id"], node["html"][:160], node["failureSummary"])
                for each in violations for node in each["nodes"]
            ]  # fmt: skip
        assert found == []
        visited.check()


#: What a study has not, in words; `fresh` has one seed and untrained networks, `plants` neither classes nor states nor positions.
WORDS_OF = {
    "fresh": re.compile(r"(?<!before )\b(trained|training|epochs?|learning rates?|mean (test )?accuracy|mean over|seeds)\b", re.I),
    "plants": re.compile(
        r"\b(class(es)?|train(ed|ing)?|untrained|epochs?|accurac(y|ies)|learning rates?|seeds|mean over|positions?|diverged)\b",
        re.I,
    ),
}  # fmt: skip
#: Where a page may name it: the sentence on what is absent, what was left out and why, names of samples, and general methods.
ALLOWED = ".absent, [id$='-data'], [id$='-methods'], [id$='-downloads']"
NAMES = re.compile(r"\b(training|train) samples?\b|\btrain(?=[ ,·)\d])", re.I)


@pytest.mark.parametrize("study", WORDS_OF)
def test_no_text_speaks_of_what_a_study_has_not(browser, tasks_report: TasksReport, study):
    with visit(browser, viewport={"width": 1440, "height": 900}) as visited:
        page = visited.open(tasks_report.html, f"#study-{study}")
        expect(page.locator(f"#study-{study} h1")).to_be_visible()
        draw_all(page)
        page.keyboard.press("Control+k")
        page.keyboard.type("1/0")
        page.keyboard.press("Enter")
        expect(page.locator("#card .sentence")).to_be_visible()
        texts = page.evaluate(
            """([study, allowed]) => [`#study-${study}`, "#card", "#controls"].flatMap((place) => {
              const root = document.querySelector(place), found = [];
              for (const part of root.querySelectorAll("*")) {
                if (part.closest(allowed) || part.closest("[hidden]")) continue;
                found.push(...[...part.childNodes].filter((child) => child.nodeType === 3).map((child) => child.data));
                found.push(...["aria-label", "title", "alt"].map((name) => part.getAttribute(name) ?? ""));
              }
              return found;
            }).map((text) => text.trim()).filter(Boolean)""",
            [study, ALLOWED],
        )
        assert len(texts) > 100
        plain = [(text, NAMES.sub("", text) if study == "fresh" else text) for text in texts]
        assert [text for text, said in plain if WORDS_OF[study].search(said)] == []
        visited.check()


def test_nothing_jumps_while_a_reader_scrolls(browser, tasks_report: TasksReport):
    with visit(browser, viewport={"width": 1440, "height": 900}) as visited:
        visited.page.add_init_script(
            """window.shifts = [];
            new PerformanceObserver((list) => {
              for (const { value, hadRecentInput, sources } of list.getEntries()) {
                // The contents beside the page unfold the chapter that is read, as they should.
                const moved = sources.map(({ node }) => (node?.nodeType === 1 ? node : node?.parentElement))
                  .filter((node) => node?.closest("main")).map((node) => `${node.nodeName} ${node.id} ${node.className}`);
                if (!hadRecentInput && moved.length) window.shifts.push([value, moved]);
              }
            }).observe({ type: "layout-shift", buffered: true });"""
        )
        page = visited.open(tasks_report.html, "#study-digits")
        expect(page.locator("#digits-findings h2")).to_be_visible()
        page.mouse.move(800, 500)
        near = """() => [...document.querySelectorAll('[data-view]:not([hidden]) .chart')].every((one) => {
          const { top, bottom, height } = one.getBoundingClientRect();
          return one.dataset.drawn === 'yes' || !height || top > innerHeight || bottom < 0;
        })"""
        while page.evaluate("scrollY + innerHeight < document.body.scrollHeight - 2"):
            page.mouse.wheel(0, 500)
            page.wait_for_timeout(100)
            page.wait_for_function(near)  # the reader looks at each figure
        draw_all(page)
        shifts = page.evaluate("window.shifts")
        assert sum(value for value, _ in shifts) <= MOST_SHIFT, shifts
        visited.check()
