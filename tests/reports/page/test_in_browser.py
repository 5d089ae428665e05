"""A whole report in a real browser: on screens of three widths, light and dark, and for everybody."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from study.reports.page.report import write_report
from tests.reports.chromium import Tab, chromium
from tests.reports.decided import world

AXE = Path(__file__).parents[1] / "axe" / "axe.min.js"
READY = "document.getElementById('front-plot').dataset.ready"
WIDTHS = (1280, 1024, 390)


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """The report of a study with every section, all of it unfolded."""
    page = write_report(world(), tmp_path_factory.mktemp("report"))
    with chromium(tmp_path_factory.mktemp("browser")) as tab:
        tab.size(1280)
        tab.open(page, READY)
        tab.do("for (const one of document.querySelectorAll('details')) one.open = true")
        yield tab
        assert tab.errors == []
        assert len(tab.requests) == 1


def violations(tab: Tab) -> list[Any]:
    if not tab.do("return typeof axe === 'object'"):
        tab.call("Runtime.evaluate", expression=AXE.read_text("utf-8"))
    return tab.do(
        """const { violations } = await axe.run({ exclude: ["svg > *"] });
        return violations.map((one) => [one.id, one.nodes.slice(0, 3).map((node) => node.html)]);"""
    )


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")], ids=["light", "dark", "phone"]
)
def test_axe_finds_no_violation(tab: Tab, width: int, scheme: str) -> None:
    tab.size(width)
    tab.media(scheme=scheme)
    try:
        assert violations(tab) == []
    finally:
        tab.media()


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_off_at_the_right(tab: Tab, width: int) -> None:
    tab.size(width)
    # A table that is wider than the window scrolls in a part of its own; figures do not scroll.
    beyond = tab.do(
        """const right = (one) => one.getBoundingClientRect().right;
        return [...document.querySelectorAll('main *')]
          .filter((one) => right(one) > innerWidth + 1 && !one.closest('.scroll, pre'))
          .map((one) => one.outerHTML.slice(0, 80));"""
    )
    assert beyond == []
    shown = tab.do(
        """return [...document.querySelectorAll('figure svg')].filter((svg) => svg.getClientRects().length)
          .map((svg) => svg.parentElement.className);"""
    )
    assert set(shown) == {"wide" if width > 800 else "narrow"}
    assert tab.do("return document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("width", WIDTHS)
def test_text_in_figures_can_be_read(tab: Tab, width: int) -> None:
    tab.size(width)
    small = tab.do(
        """return [...document.querySelectorAll('figure text, #front-plot text')]
          .filter((text) => text.getClientRects().length).map((text) => {
          const zoom = text.getScreenCTM().a || Math.abs(text.getScreenCTM().b);
          return [parseFloat(getComputedStyle(text).fontSize) * zoom, text.textContent]; })
          .filter(([size]) => size < 9);"""
    )
    assert small == []


def test_a_link_to_a_folded_part_unfolds_it(tab: Tab) -> None:
    tab.do("document.querySelector('#glossary').closest('details').open = false")
    tab.do("document.querySelector('nav a[href=\"#glossary\"]').click()")
    assert tab.do("return document.querySelector('#glossary').closest('details').open")
