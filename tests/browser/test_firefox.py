"""The main tasks in Firefox: what the report needs of a browser is not Chromium's alone."""

import re

import pytest
from firefox import CONTROL, ENTER, needs_firefox, open_firefox
from tasks_report import TasksReport

pytestmark = needs_firefox

BLOCK = '.atlas-block[data-net="0"][data-layer="2"]'


@pytest.fixture(scope="module")
def page(tasks_report: TasksReport, tmp_path_factory):
    with open_firefox(tmp_path_factory.mktemp("firefox") / "profile") as opened:
        yield opened


def test_the_main_tasks_in_firefox(page, tasks_report):
    page.open(tasks_report.html)
    page.wait("document.documentElement.dataset.ready && !document.getElementById('overview').closest('[hidden]')")
    page.click_on('.cards h2 a[href="#study-digits"]')
    page.wait("!document.getElementById('study-digits').hidden")

    page.press("k", held=CONTROL)
    page.wait("document.getElementById('search').open")
    page.press(*"which node is on", ENTER)
    page.wait("document.activeElement.textContent.includes('Which node is on for which class')")
    page.wait("document.querySelector('.chart[data-figure=\"digits/atlas\"] .atlas-map') !== null")
    page.wait("document.querySelector('.chart[data-figure=\"digits/atlas\"]').dataset.drawn === 'yes'")
    node = page.wait(f"document.querySelector('{BLOCK}').order[3] + 1") - 1
    page.evaluate(f"document.querySelector('{BLOCK}').scrollIntoView({{ block: 'center', behavior: 'instant' }})")
    page.click(
        f"(() => {{ const block = document.querySelector('{BLOCK}'), g = block.geometry,"
        " { left, top } = block.querySelector('canvas').getBoundingClientRect();"
        " return [left + g.left + 3.5 * g.wide, top + g.above + 4.5 * g.high]; })()"
    )
    page.wait(f"document.getElementById('card-title').textContent === 'relu 2x40 without BN, layer 2, node {node}'")
    page.wait("document.querySelectorAll('#card .by-class tbody tr').length === 10")

    for state in ("trained", "initial"):
        own = tasks_report.table("activity").filter(
            configuration="relu-2x40", seed=0, state=state, split="train", layer=2, node=node
        )  # fmt: skip
        shown = dict(
            page.evaluate(
                "[...document.querySelectorAll('#card .by-class tbody tr')].map((row) =>"
                " [Number(row.dataset.class), row.querySelector('.share-bar').innerText])"
            )
        )
        for of, share in own["class", "active_share"].rows():
            assert abs(float(re.match(r"[\d.]+", shown[of])[0]) - 100 * share) <= 0.5
        if state == "trained":
            page.evaluate("document.getElementById('state').focus()")
            page.press("\ue011")  # Home: the first state
            page.wait("document.getElementById('state-name').textContent === 'untrained'")
            page.wait("document.querySelector('#card .card-view').textContent.includes('untrained')")

    address = page.evaluate("location.hash")
    assert "state=initial" in address and f"relu-2x40%2F2%2F{node}" in address
    page.reload()
    page.wait(f"document.getElementById('card-title').textContent === 'relu 2x40 without BN, layer 2, node {node}'")
    page.wait("document.getElementById('state-name').textContent === 'untrained'")
    assert page.evaluate("location.hash") == address
    page.check()
