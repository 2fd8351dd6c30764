"""The demo: what a newcomer sees first."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.visit import CARD, middle
from tests.support.server import ServerProcess, running, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def demo(chromium: Browser, helpful: ServerProcess) -> Iterator[Page]:
    yield from opened(chromium, helpful)


@pytest.fixture
def demo_without_help(chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    with running(tmp_path, SESSIONMOOD_HELP_WARMUP=600) as server:
        yield from opened(chromium, server)


def opened(chromium: Browser, server: ServerProcess) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1360, "height": 850})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(server.base + "/demo")
    until(page, "document.getElementById('mood').textContent !== '…'")
    yield page
    context.close()
    assert errors == []


def mood(page: Page) -> str:
    return page.locator("#mood").inner_text()


def stream(page: Page) -> str:
    return str(page.locator("#stream").text_content())


def until(page: Page, expression: str) -> None:
    """Wait until it is true. Not `wait_for_function`: the page's policy allows no eval, by which that asks again."""
    wait_until(lambda: page.evaluate(expression), 30, expression)


def until_told(page: Page, name: str) -> None:
    """Wait until the stream shows an event of this name."""
    wait_until(lambda: name in stream(page), 30, f"{name} in the stream")


def hammer(page: Page, selector: str, times: int) -> None:
    # one click after the other: those sent all at once may bear the same time, like a label's and its field's
    page.mouse.click(*middle(page, selector), click_count=times, delay=10)


def test_the_broken_button_brings_help_beside_its_reasons(demo: Page) -> None:
    assert (
        "when frustration holds" in demo.locator("#help").inner_text()
    )  # no wait of 20 seconds on localhost
    hammer(demo, "#apply", 4)
    demo.locator(CARD).wait_for(state="attached", timeout=15000)
    assert mood(demo) == "frustrated"
    assert "nothing answered" in demo.locator("#because").inner_text()
    assert "Offered" in demo.locator("#help").inner_text()
    assert demo.locator(".bars p.on").inner_text().startswith("frustrated")
    until_told(demo, "dead_click")
    demo.locator(CARD).get_by_role("button", name="Get help").click()
    wait_until(lambda: "Accepted" in demo.locator("#help").inner_text(), 10, "the panel's word of it")


def test_rage_is_told(demo_without_help: Page) -> None:
    # beside help it is a race: a slow machine spreads the clicks, they are told as dead, and help answers them

    def noticed() -> bool:
        hammer(demo_without_help, "#apply", 4)
        demo_without_help.wait_for_timeout(1000)
        return "rage_click" in stream(demo_without_help)

    wait_until(noticed, 60, "four clicks within a second, told as rage,")
    assert demo_without_help.locator(CARD).count() == 0


def test_the_stepper_is_no_trouble(demo: Page) -> None:
    hammer(demo, "#more", 8)
    until_told(demo, "response")
    demo.wait_for_timeout(2700)
    assert demo.locator("#more").locator("xpath=preceding-sibling::output").inner_text() == "9"
    assert "rage_click" not in stream(demo)
    assert "dead_click" not in stream(demo)
    assert mood(demo) not in ("frustrated", "confused")
    assert demo.locator(CARD).count() == 0


def test_the_slow_button_is_slow_and_the_form_fails(demo: Page) -> None:
    demo.click("#delivery")
    until(demo, "document.getElementById('date').textContent")
    demo.click("#order")
    assert "Please fill in" in demo.locator("#problem").inner_text()
    assert demo.locator("[aria-invalid=true]").count() == 3
    for field in ("#name", "#email", "#address"):
        demo.fill(field, "somebody")
    for _ in range(2):
        demo.click("#order")
        until(demo, "document.getElementById('problem').textContent.startsWith('Something')")
        demo.evaluate("document.getElementById('problem').textContent = ''")
    demo.click("#order")
    until(demo, "document.getElementById('problem').textContent.startsWith('Thank you')")
    told = stream(demo)
    assert "goal order" in told
    assert "error" in told
    assert "somebody" not in told


def test_nothing_overflows_on_a_phone_and_the_panel_unfolds(
    chromium: Browser, helpful: ServerProcess
) -> None:
    context = chromium.new_context(viewport={"width": 360, "height": 740}, has_touch=True)
    page = context.new_page()
    page.goto(helpful.base + "/demo")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert not page.locator("#bars").is_visible()
    page.tap("#handle")
    assert page.locator("#bars").is_visible()
    context.close()


def test_without_a_development_key_the_page_says_how_to_bring_one(
    chromium: Browser, helpful: ServerProcess
) -> None:
    page = chromium.new_page()
    html = re.sub(r'data-key="[^"]*"', 'data-key=""', httpx2.get(helpful.base + "/demo").text)
    page.route("**/demo", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(helpful.base + "/demo")
    assert "keys create" in page.locator("#nokey").inner_text()
    page.goto("about:blank")
    page.goto(f"{helpful.base}/demo#{helpful.pk}")
    until(page, "document.getElementById('mood').textContent !== '…'")
    assert helpful.pk not in page.url
    page.close()
