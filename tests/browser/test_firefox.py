"""The script in Firefox: what it sees, what it says of clicks, help, and that the visit survives a page."""

import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.browser.firefox import Firefox, FirefoxVisit
from tests.browser.site import Site
from tests.support.server import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.firefox, pytest.mark.slow]
Open = Callable[..., FirefoxVisit]

BUTTON = "<button id=b style='padding:20px'>Pay now</button>"


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    folder = tmp_path_factory.mktemp("firefox")
    browser = Firefox(folder)
    yield browser
    browser.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def enter(firefox: Firefox, helpful: ServerProcess, site: Site) -> Iterator[Open]:
    """Opens a page of the test's own with the script in it. At the end no page may have seen an error."""
    visits: list[FirefoxVisit] = []

    def enter(body: str, path: str = "/") -> FirefoxVisit:
        visits.append(FirefoxVisit(firefox, helpful, site, body, path))
        return visits[-1].ready()

    yield enter
    assert [error for visit in visits for error in visit.close()] == []


def test_a_page_and_a_click_are_told_without_query_or_words(enter: Open) -> None:
    page = enter(f"{BUTTON}<script>b.onclick = () => {{ b.textContent = 'Paid' }}</script>", "/shop")
    page.click("#b")
    page.until(lambda: page.of("response"), "the answer")
    assert page.of("page_view")[0]["url"] == "/shop"
    assert page.of("click")[0]["target"] == "#b"
    assert page.of("response")[0]["target"] == "#b"
    assert page.of("response")[0]["value"] >= 0
    page.until(lambda: any(event["type"] == "response" for event in page.log()), "the answer on the server")
    assert "Pay now" not in str(page.log())


def test_a_click_that_nothing_answers_is_dead(enter: Open) -> None:
    page = enter(BUTTON)
    page.click("#b")
    page.until(lambda: page.of("dead_click"), "the dead click")
    assert page.of("dead_click")[0]["target"] == "#b"
    assert page.of("response") == []


def test_four_fast_clicks_bring_the_card_and_escape_sends_it_away(enter: Open) -> None:
    page = enter(f"{BUTTON}<a href='#help' data-sessionmood-help>Help</a>")
    page.click("#b", times=4, pause_ms=120)
    page.until(lambda: page.of("rage_click"), "the rage click")
    page.until(lambda: page.mood.get("mood") == "frustrated", "the mood")
    page.until(lambda: page.cards() == 1, "the card")
    page.keys("\ue00c")
    page.until(lambda: page.cards() == 0, "the card's end")
    page.until(
        lambda: any(event["type"] == "help" for event in page.log()), "what came of the help, on the server"
    )


def test_four_fast_clicks_on_a_counter_are_fine(enter: Open) -> None:
    page = enter(
        f"{BUTTON}<output id=o>0</output><script>b.onclick = () => {{ o.value = +o.value + 1 }}</script>"
    )
    page.click("#b", times=4, pause_ms=120)
    page.until(lambda: len(page.of("response")) >= 4, "the answers")
    assert page.of("rage_click") == []
    assert page.of("dead_click") == []


def test_a_request_that_the_click_began_is_waited_for(enter: Open) -> None:
    page = enter(
        f"{BUTTON}<output id=o>-</output>"
        "<script>b.onclick = () => fetch('/slow').then(() => { o.value = 'here' })</script>"
    )
    page.site.answers["/slow"] = (200, 3.2)
    page.click("#b")
    page.until(lambda: page.of("response"), "the late answer")
    assert page.of("response")[0]["value"] >= 2500
    assert page.of("dead_click") == []


def test_typing_is_told_and_never_what(enter: Open) -> None:
    page = enter("<input id=i style='padding:20px'><button id=b>x</button>")
    page.click("#i")
    page.keys(*"hemlig42")
    page.click("#b")
    page.until(lambda: page.of("input"), "the input")
    page.until(lambda: any(event["type"] == "input" for event in page.log()), "the input on the server")
    assert "hemlig42" not in str(page.log())
    assert "hemlig42" not in str(page.told)


def test_the_visit_goes_on_across_pages(enter: Open) -> None:
    page = enter("<p>one")
    first = page.session
    page.site.pages["/two"] = page.site.pages["/"]
    page.go("/two")
    page.ready()
    assert page.session == first
    page.until(
        lambda: [event["url"] for event in page.log() if event["type"] == "page_view"] == ["/", "/two"],
        "both pages in one timeline",
    )
