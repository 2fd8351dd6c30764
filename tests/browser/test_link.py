"""Nothing lost, nothing doubled: the server's log equals what the page told, whatever happens on the way."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Route

from tests.browser.proxy import Proxy
from tests.browser.visit import Visit
from tests.support.server import ServerProcess, running, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Open = Callable[..., Visit]

PAGE = "<button id=live onclick=\"this.textContent+='!'\">Add</button><p id=text>text</p>"
#: How the page came back; null as long as it has not.
BACK = """() => window.restored ? "cached"
    : performance.getEntriesByType("navigation")[0].type === "back_forward" ? "anew" : null"""


@pytest.fixture
def proxy(helpful: ServerProcess) -> Iterator[Proxy]:
    proxy = Proxy(helpful.port)
    yield proxy
    proxy.close()


def facts(events: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What matters of events: everything but the time, which the server maps to its own clock."""
    return [
        tuple(event.get(name) for name in ("type", "target", "x", "y", "value", "kind", "name", "url"))
        for event in events
    ]


def kept(visit: Visit, producer: str) -> list[dict[str, Any]]:
    """What the server has of one page load, in the page's numbering. No number may be there twice."""
    events = [event for event in visit.log() if event["producer"] == producer]
    numbers = [event["seq"] for event in events]
    assert len(set(numbers)) == len(numbers), "counted twice"
    return sorted(events, key=lambda event: int(event["seq"]))


def all_kept(visit: Visit, name: str = "") -> None:
    """Wait until the server has exactly what the page (its producer `name`) told."""
    name = name or visit.producer

    def equal() -> list[dict[str, Any]]:
        """The log, where it equals what is told: the page may go on to tell more, so both are looked at once."""
        have = kept(visit, name)
        return have if facts(have) == facts(visit.told) else []

    have = visit.until(equal, "the log's equality")
    assert [event["seq"] for event in have] == list(range(1, len(have) + 1))


def all_acked(visit: Visit) -> None:
    """Wait until the page knows, too, that the server has it all: what it does not know of it sends again."""
    all_kept(visit)
    visit.until(lambda: visit.page.evaluate("acked === told.length"), "the last ack")


def has_arrived(visit: Visit, name: str, told: list[dict[str, Any]]) -> None:
    """Wait until the server has what an earlier page (its producer `name`) had told by a moment."""
    visit.until(lambda: facts(kept(visit, name))[: len(told)] == facts(told), "an earlier page's events")


def work(visit: Visit, times: int = 3) -> None:
    visit.click("#live", times=times, pause_ms=60)


def answered_and_acked(visit: Visit) -> None:
    """One click, with all that the page tells of it known to be kept: the verdict comes after the click."""
    clicks = len(visit.of("click"))
    work(visit, 1)
    visit.until(lambda: len(visit.of("response")) > clicks, "the verdict")
    all_acked(visit)


def posts(visit: Visit) -> int:
    return sum("/events {" in text for text in visit.traffic)


def test_over_the_socket(visit: Open) -> None:
    page = visit(PAGE).ready()
    work(page)
    all_kept(page)
    assert posts(page) == 0
    assert len(page.sockets) == 1


def test_a_refused_socket_means_rest_until_it_is_let_through(visit: Open, proxy: Proxy) -> None:
    proxy.set("refuse")
    page = visit(PAGE, via=proxy.base)
    work(page)
    page.until(lambda: page.loaded("extras") and page.mood, "a mood over REST", seconds=20)
    assert page.ops("welcome") == []
    work(page)
    all_kept(page)
    over_rest = posts(page)
    proxy.set("pass")
    page.until(lambda: len(page.ops("welcome")) > 1, "the way back to the socket", seconds=30)
    work(page)
    all_kept(page)
    assert posts(page) <= over_rest + 1
    assert any(frame.get("op") == "events" for frame in page.sent)


def test_a_socket_that_swallows_is_no_socket(visit: Open, proxy: Proxy) -> None:
    proxy.set("swallow")
    page = visit(PAGE, via=proxy.base)
    work(page)
    page.until(lambda: page.mood, "a mood over REST", seconds=20)
    all_kept(page)


def test_a_mood_change_is_pushed_over_rest_too(visit: Open, proxy: Proxy) -> None:
    proxy.set("refuse")
    page = visit("<button id=dead>b</button>", via=proxy.base)
    page.until(lambda: page.mood, "a mood over REST", seconds=20)
    page.click("#dead", times=4)
    page.until(lambda: page.cards() == 1, "the help card over REST", seconds=15)
    all_kept(page)


def test_a_cut_line_is_taken_up_where_it_was(visit: Open, proxy: Proxy) -> None:
    page = visit(PAGE, via=proxy.base).ready()
    for _ in range(3):
        work(page)
        proxy.set("down")
        work(page)
        proxy.set("pass")
        welcomes = len(page.ops("welcome"))
        page.until(lambda: len(page.ops("welcome")) > welcomes or posts(page), "another welcome")  # noqa: B023
    work(page)
    all_kept(page)


def test_the_server_is_killed_and_started_again(chromium: Browser, site: Any, tmp_path: Path) -> None:
    with running(tmp_path) as server:
        page = Visit(chromium, server, site)
        site.pages["/"] = page.html(PAGE)
        page.go("/")
        page.ready()
        for _ in range(2):
            work(page)
            server.kill()
            work(page)
            server.start()
            work(page)
        all_kept(page)
        page.close()
        assert page.errors == []


def test_a_page_that_closes_says_what_it_knows(visit: Open) -> None:
    page = visit(PAGE).ready()
    # what is told in the same task as the closing has no time to go by the socket
    page.page.evaluate("addEventListener('pagehide', () => SessionMood.track('goodbye', 7), {capture: true})")
    session, name = page.session, page.producer
    work(page, 1)
    page.page.close(run_before_unload=False)

    def last() -> list[dict[str, Any]]:
        events = page.server.get(f"/v1/sessions/{session}/timeline").json()["events"]
        return [event for event in events if event["producer"] == name]

    wait_until(lambda: [e for e in last() if e.get("name") == "goodbye"], what="the goodbye")
    numbers = [event["seq"] for event in last()]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_the_next_page_of_the_tab_delivers_what_the_last_could_not(visit: Open, proxy: Proxy) -> None:
    page = visit(PAGE, via=proxy.base).ready()
    all_kept(page)
    name = page.producer
    proxy.set("down")
    work(page)
    told = page.told
    page.go("/")
    proxy.set("pass")
    page.go("/")
    has_arrived(page, name, told)
    all_kept(page)


def test_what_the_last_page_could_not_deliver_is_delivered_in_order_or_kept(
    visit: Open, proxy: Proxy
) -> None:
    page = visit(PAGE, via=proxy.base).ready()
    all_kept(page)
    name = page.producer
    proxy.set("down")
    page.page.evaluate("for (let i = 0; i < 150; i++) SessionMood.track('step', i)")
    told = page.told
    page.go("/")
    tried: list[str] = []

    def overloaded(route: Route) -> None:
        """Refuse the first of what the first page left, and only that."""
        load = route.request.post_data or ""
        if name in load:
            tried.append(load)
        if tried == [load]:
            route.fulfill(status=503)
        else:
            route.continue_()

    page.page.route(lambda url: url.endswith("/events"), overloaded)
    proxy.set("pass")
    page.until(lambda: tried, "the second page's try to deliver")
    all_kept(page)
    page.go("/")
    has_arrived(page, name, told)
    all_kept(page)
    # the page forgets it when it hears the answer, later than the log has it
    page.until(lambda: page.page.evaluate("sessionStorage['sessionmood.tail']") == "null", "the empty tail")


@pytest.mark.whole_chromium
def test_back_from_the_cache(visit: Open) -> None:
    page = visit(
        PAGE + "<script>addEventListener('pageshow', e => window.restored = e.persisted)</script>"
    ).ready()
    page.site.pages["/two"] = "<p>two"
    for _ in range(5):  # whether a page is worth caching is for the browser to say
        work(page)
        name = page.producer
        page.go("/two")
        page.back()
        if page.until(lambda: page.page.evaluate(BACK), "the page, from the cache or anew") == "cached":
            break
        page.go("/")
    work(page)
    # Playwright does not see the socket of a restored page; the log tells
    all_kept(page, name)
    assert [event["kind"] for event in page.of("navigation")] == ["back"]


def test_frozen_and_thawed(visit: Open) -> None:
    page = visit(PAGE).ready()
    work(page)
    # headless Chromium never freezes a page, whatever it is told: only the events are real here
    page.page.evaluate("document.dispatchEvent(new Event('freeze'))")
    page.until(lambda: page.closed == 1, "the socket's end")
    page.page.evaluate("document.dispatchEvent(new Event('resume'))")
    page.until(lambda: len(page.ops("welcome")) == 2, "the second welcome")
    work(page)
    all_kept(page)


def test_hidden_and_seen_again(visit: Open) -> None:
    page = visit(PAGE).ready()
    work(page)
    for state in ("hidden", "visible"):
        page.page.evaluate(
            """state => {
                Object.defineProperty(document, 'hidden', {configurable: true, value: state === 'hidden'});
                Object.defineProperty(document, 'visibilityState', {configurable: true, value: state});
                document.dispatchEvent(new Event('visibilitychange'));
            }""",
            state,
        )
    assert [event["kind"] for event in page.of("visibility")] == ["hidden", "visible"]
    page.until(lambda: page.ops("pong"), "the proof of life")
    work(page)
    all_kept(page)
    assert len(page.sockets) == 1


def test_what_does_not_fit_is_declared_lost(visit: Open, proxy: Proxy) -> None:
    page = visit(PAGE, via=proxy.base).ready()
    all_kept(page)
    proxy.set("down")
    page.page.evaluate("() => { for (let i = 0; i < 1300; i++) SessionMood.track('n', i) }")
    proxy.set("pass")
    page.until(lambda: [f for f in page.sent if f.get("lost")], "the declared loss", seconds=30)
    name = page.producer
    numbers = [event["value"] for event in page.told if event["type"] == "custom"]

    def newest() -> Any:
        return [event["value"] for event in kept(page, name) if event["type"] == "custom"]

    page.until(lambda: newest()[-1:] == numbers[-1:], "the newest event", seconds=30)
    work(page, 1)
    declared = sum(frame.get("lost") or 0 for frame in page.sent)
    assert declared >= 1300 - 1000
    assert newest() == numbers[-len(newest()) :]
    assert len(newest()) >= 999 - len(page.told) + 1300


def test_a_token_that_is_refused_begins_a_new_visit(visit: Open) -> None:
    page = visit(PAGE).ready()
    work(page)
    all_kept(page)
    first = page.session
    page.context.add_init_script(
        """const kept = JSON.parse(sessionStorage['sessionmood.session'] || 'null');
           if (kept && !kept.spoiled) sessionStorage['sessionmood.session'] =
               JSON.stringify({...kept, token: 'nonsense', spoiled: true});"""
    )
    page.go("/")
    page.until(lambda: page.session != first and page.ops("welcome")[1:], "a visit of its own")
    work(page)
    all_kept(page)


def test_an_erasure_under_a_page_that_speaks_rest_begins_a_new_visit(visit: Open, proxy: Proxy) -> None:
    proxy.set("refuse")
    page = visit(PAGE, via=proxy.base)
    page.until(lambda: page.loaded("extras") and page.mood, "a mood over REST", seconds=20)
    answered_and_acked(page)
    first, before = page.session, posts(page)
    erased = httpx2.delete(f"{page.server.base}/v1/sessions/{first}", headers={"x-api-key": page.server.sk})
    assert erased.status_code == 204
    told = len(page.told)
    work(page, 1)
    page.until(lambda: page.session != first and page.mood, "a visit of its own", seconds=20)
    work(page)
    # what the page knew to be kept is not told again, and nothing of it comes back under the old id
    page.until(lambda: facts(page.log()) == facts(page.told[told:]), "what came after the erasure, once")
    assert posts(page) - before < 20
    assert page.server.get(f"/v1/sessions/{first}").status_code == 404


def test_a_key_that_is_refused_ends_it_quietly(visit: Open) -> None:
    page = visit(PAGE)
    page.tag = page.tag.replace(page.server.pk, "pk_unknown")
    page.site.pages["/"] = page.html(PAGE)
    warnings: list[str] = []
    page.page.on("console", lambda message: warnings.append(message.text))
    page.go("/")
    page.until(lambda: [text for text in warnings if "4001" in text], "one warning")
    sockets = len(page.sockets)
    work(page)
    page.page.wait_for_timeout(1500)
    assert len(page.sockets) == sockets


def test_a_server_that_was_restored_from_a_backup_is_told_what_is_gone(
    chromium: Browser, site: Any, tmp_path: Path
) -> None:
    with running(tmp_path) as server:
        page = Visit(chromium, server, site)
        site.pages["/"] = page.html(PAGE)
        page.go("/")
        page.ready()
        answered_and_acked(page)
        server.kill()
        database = server.database
        backup = {path.name: path.read_bytes() for path in tmp_path.glob(database.name + "*")}
        before = len(page.told)
        server.start()
        answered_and_acked(page)
        server.kill()
        for path in tmp_path.glob(database.name + "*"):
            path.unlink()
        for name, content in backup.items():
            (tmp_path / name).write_bytes(content)
        server.start()
        work(page, 1)
        lost = re.compile(r'"lost":(\d+)')
        page.until(lambda: lost.search("".join(page.traffic)), "the declared loss")
        gone = {int(count) for text in page.traffic for count in lost.findall(text)}.pop()
        assert gone >= 2, (
            "the second click and its verdict, and what else was told until the server was killed"
        )
        page.until(
            lambda: facts(kept(page, page.producer))[before:] == facts(page.told)[before + gone :],
            "the rest",
        )
        page.close()
