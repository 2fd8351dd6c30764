"""What axe finds on the pages that people see: nothing, wide and dark, on a phone and light."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page

from tests.support.server import ServerProcess, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: ms that a page may take where the machine is slow.
PATIENCE = 120_000
WIDE, PHONE = {"width": 1360, "height": 850}, {"width": 390, "height": 844}


def found(page: Page, context: str | None = None) -> list[str]:
    """What axe objects to: the rule and the elements. `context`: a selector of the part to look at."""
    only = {"resultTypes": ["violations"]}  # what passes is not listed: that takes most of the time
    violations: list[dict[str, Any]] = Axe().run(page, context=context, options=only).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {[node['html'][:120] for node in rule['nodes'][:3]]}"
        for rule in violations
    ]


@pytest.mark.timeout(600)  # axe looks at every element of long pages
@pytest.mark.parametrize(("viewport", "scheme"), [(WIDE, "dark"), (PHONE, "light")], ids=["wide", "phone"])
def test_nothing_on_the_pages(chromium: Browser, server: ServerProcess, viewport: Any, scheme: Any) -> None:
    context = chromium.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    for path in ("/docs", "/privacy", "/demo"):
        page.goto(server.base + path)
        if path == "/demo":
            # not `wait_for_function`: the page's policy allows no eval, by which that asks again
            wait_until(lambda: page.locator("#mood").inner_text() != "…", 60, "a mood in the demo")
        assert found(page) == [], path
        width = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1], f"{path} is wider than the window"
    if viewport is PHONE:
        page.click("#handle")
        assert found(page) == [], "the panel, opened"
    context.close()


@pytest.mark.timeout(600)
def test_the_demo_explains_itself(chromium: Browser, server: ServerProcess) -> None:
    """What it is, what to try and the broken button are seen without scrolling, at every width."""
    for viewport in (WIDE, PHONE, {"width": 900, "height": 800}):
        context = chromium.new_context(viewport=viewport)  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto(server.base + "/demo")
        for selector in (".about p", ".try li:first-child", ".try li:last-child", "#apply"):
            box = page.locator(selector).first.bounding_box()
            assert box is not None, selector
            panel = page.locator("#live").bounding_box()
            assert panel is not None
            bottom = panel["y"] if viewport["width"] < 1080 else viewport["height"]
            assert box["y"] + box["height"] <= bottom, f"{selector} is below the fold at {viewport}"
        assert [a.get_attribute("href") for a in page.locator(".about .links a").all()] == [
            "/docs",
            "/privacy",
        ]
        context.close()
