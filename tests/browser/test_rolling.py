"""Every node is stopped and started again, one after the other, while people click: no page has an error, and every fact
is there once."""

import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage

from tests.browser.site import Site
from tests.browser.visit import Visit
from tests.deploy.proxies import proxy
from tests.support.engines import Postgres, Valkey
from tests.support.nodes import Node, nodes

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: The page's own look at its sockets: Playwright does not tell the codes they close with.
CODES = """<script>window.codes = [];
window.WebSocket = class extends WebSocket {
  constructor(...given) { super(...given); this.addEventListener("close", event => codes.push(event.code)); }
};</script>"""
PAGE = "<button id=live onclick=\"this.textContent+='!'\">Add</button>"
PAGES = 3
#: The node has said why, or the page went when it was told to; never that a line just broke (1006).
ORDERLY = {4200, 1005}


@pytest.fixture
def pair(tmp_path: Path, postgres: Postgres, valkey: Valkey) -> Iterator[list[Node]]:
    with nodes(tmp_path, 2, postgres, valkey) as found:
        yield found


@pytest.fixture
def visits(
    pair: list[Node], chromium: Browser, site: Site, tmp_path: Path
) -> Iterator[tuple[list[Visit], list[str]]]:
    """Pages behind Caddy, which any node may answer; what their consoles said of errors."""
    complaints: list[str] = []

    def note(said: ConsoleMessage) -> None:
        if said.type == "error":
            complaints.append(said.text)

    with proxy("caddy", tmp_path, [node.port for node in pair]) as port, contextlib.ExitStack() as stack:
        found = []
        for n in range(PAGES):
            visit = Visit(chromium, pair[0], site, via=f"http://127.0.0.1:{port}")
            stack.callback(visit.close)
            visit.page.on("console", note)
            site.pages[f"/{n}"] = visit.html(PAGE, head=CODES)
            visit.go(f"/{n}")
            found.append(visit.ready())
        yield found, complaints


def test_nobody_notices_a_rolling_restart(pair: list[Node], visits: tuple[list[Visit], list[str]]) -> None:
    pages, complaints = visits
    welcomes = [len(page.ops("welcome")) for page in pages]
    with ThreadPoolExecutor(1) as other:
        for node in pair:
            for step in (node.stop, node.start):
                going = other.submit(step)
                while not going.done():
                    for page in pages:
                        page.click("#live", pause_ms=60)
                assert not going.result()
    for page in pages:
        page.click("#live", times=2)
        page.until(_acked(page), "the last ack")
    for page, before in zip(pages, welcomes, strict=True):
        assert page.errors == []
        assert len(page.ops("welcome")) > before, "each node was left once"
        codes = page.page.evaluate("codes")
        assert codes
        assert set(codes) <= ORDERLY
        assert len(page.ops("drain")) >= codes.count(1005)
        numbers = [event["seq"] for event in page.log() if event["producer"] == page.producer]
        assert numbers == list(range(1, len(page.told) + 1))
    assert complaints == []
    for node in pair:
        assert "Traceback" not in node.output()


def _acked(page: Visit) -> Callable[[], bool]:
    return lambda: bool(page.page.evaluate("acked === told.length"))
