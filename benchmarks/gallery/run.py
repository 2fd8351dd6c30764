"""Visit every item with every tool: each visit its own browser context, its own page load, real input."""

import asyncio
import contextlib
import json
import random
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx2
import msgspec
from playwright.async_api import (
    Browser,
    BrowserContext,
    CDPSession,
    Error,
    Page,
    Playwright,
    async_playwright,
)

from benchmarks.gallery.hands import Hands
from benchmarks.gallery.items import SMALLEST, Item
from benchmarks.gallery.site import GallerySite
from benchmarks.gallery.tools import TOOLS, Sent, Tool, Verdict
from tests.browser.conftest import FLAGS, chromium_path
from tests.support.server import ServerProcess

#: A person's browser: some peers stay silent for automated ones.
PERSON = [*FLAGS, "--disable-blink-features=AutomationControlled", "--process-per-site"]
#: Seconds that a visit may take in all before it counts as failed.
LIMIT = 120.0
#: In a world of its own, so that no tool sees it: when the last press was released, and when the card came.
WATCH = """(() => {
  let last = 0, card = false;
  for (const type of ["pointerup", "keyup"]) addEventListener(type, () => { last = performance.now() }, true);
  setInterval(() => {
    if (card || !document.querySelector("session-mood")) return;
    card = true;
    galleryCard(String(performance.now() - last));
  }, 20);
})()"""


def chromium() -> str:
    """Debian's headless shell where it is installed, at half the cost of the whole browser; else the whole."""
    return shutil.which("chromium-headless-shell") or chromium_path()


class Visit(msgspec.Struct):
    """One item with one tool. `failed`: why it could not be acted; `changed`: share of the pixels that differ
    afterwards, looked at without a tool only."""

    item: Item
    tool: str
    verdict: Verdict
    failed: str = ""
    changed: float | None = None


def in_order(jobs: Sequence[tuple[Item, str]]) -> list[tuple[Item, str]]:
    """Items shuffled, each with all its tools; wherever it is cut, the truths stand as in the whole gallery's
    smallest form."""
    items = sorted(
        {item.name: item for item, _ in jobs}.values(), key=lambda i: random.Random(i.name).random()
    )
    place: dict[str, float] = {}
    seen = dict.fromkeys(SMALLEST, 0)
    for item in items:
        seen[item.truth] += 1
        place[item.name] = seen[item.truth] / SMALLEST[item.truth]
    return sorted(jobs, key=lambda job: (place[job[0].name], job[0].name))


class Gallery:
    """Runs visits in one Chromium, `side_by_side` at a time."""

    def __init__(self, site: GallerySite, server: ServerProcess, side_by_side: int) -> None:
        self.site, self.server = site, server
        self.gate = asyncio.Semaphore(side_by_side)
        self.runs = 0
        self.driver: Playwright
        self.browser: Browser | None = None
        self.agent = ""
        self.free: list[BrowserContext] = []
        self.opening = asyncio.Lock()

    async def run(self, jobs: Sequence[tuple[Item, str]], done: Callable[[Visit], None]) -> list[Visit]:
        """All of them, item by item in a shuffled order: the machine's moods spread over tools, pages and truths,
        and a run that is cut short has tried the same items with each tool."""
        order = in_order(jobs)
        async with async_playwright() as driver:
            self.driver = driver
            visits = await asyncio.gather(*(self._try(item, tool, done) for item, tool in order))
            if self.browser is not None:
                await self.browser.close()
        return list(visits)

    async def _try(self, item: Item, tool: str, done: Callable[[Visit], None]) -> Visit:
        """A visit, and another where the browser broke down under the first."""
        async with self.gate:
            for _ in range(3):
                seat = None
                try:
                    seat = self.free.pop() if self.free else await self._seat()
                    visit = await asyncio.wait_for(self._visit(seat, item, TOOLS[tool]), LIMIT)
                    await asyncio.wait_for(self._tidy(seat), 40)
                    self.free.append(seat)
                    break
                except (Error, ValueError, TimeoutError) as error:
                    why = (str(error).splitlines() or ["took too long"])[0][:200]
                    visit = Visit(item, tool, Verdict(), failed=why)
                    if seat is not None:
                        with contextlib.suppress(Error, TimeoutError):
                            await asyncio.wait_for(seat.close(), 10)
                    if "closed" not in why and "crash" not in why:
                        break
        done(visit)
        return visit

    async def _seat(self) -> BrowserContext:
        """A browser context for visits one after the other: its page at rest keeps process and caches warm."""
        async with self.opening:
            if self.browser is None or not self.browser.is_connected():
                self.free.clear()
                self.browser = await self.driver.chromium.launch(executable_path=chromium(), args=PERSON)
                page = await self.browser.new_page()
                self.agent = (await page.evaluate("navigator.userAgent")).replace("Headless", "")
                await page.close()
            context = await self.browser.new_context(
                viewport={"width": 1280, "height": 800}, user_agent=self.agent, accept_downloads=False
            )
            await (await context.new_page()).goto(f"{self.site.base}/none/rest/done")
            return context

    async def _tidy(self, context: BrowserContext) -> None:
        """Nothing of a visit is left for the next one in this seat: no page, no storage."""
        rest, *others = context.pages
        for page in others:
            await page.close()
        cdp = await context.new_cdp_session(rest)
        await cdp.send("Storage.clearDataForOrigin", {"origin": self.site.base, "storageTypes": "all"})
        await cdp.detach()

    async def _visit(self, context: BrowserContext, item: Item, tool: Tool) -> Visit:
        self.runs += 1
        run = f"r{self.runs}"
        page = await context.new_page()
        cdp = await context.new_cdp_session(page)
        if any(step.split()[0] in ("tap", "swipe") for step in item.action.split(";")):
            await cdp.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
        card: list[float] = []
        await self._watch(cdp, card)
        await cdp.send("Emulation.setUserAgentOverride", _person(self.agent))
        ready = asyncio.Event()
        page.on("websocket", lambda line: line.on("framereceived", lambda text: _welcome(text, ready)))
        page.on("dialog", lambda dialog: asyncio.ensure_future(_dismiss(dialog)))
        await page.goto(f"{self.site.base}/{tool.name}/{run}/{item.page}", wait_until="load", timeout=60000)
        if tool.name == "sessionmood":
            await asyncio.wait_for(ready.wait(), 40)
        await page.wait_for_function("!window.galleryReady || galleryReady()", timeout=30000)
        await page.locator(item.selector).first.wait_for(state="attached", timeout=30000)
        await asyncio.sleep(1.2)
        hands = Hands(page, cdp)
        await hands.show(item.selector)
        before = await _look(page) if tool.name == "none" else b""
        await hands.act(item.selector, item.action)
        # a slow answer comes after up to 6 s; a verdict on it after that
        await asyncio.sleep(tool.settle + (6.5 if item.truth == "slow" else 0.0))
        visit = Visit(item, tool.name, Verdict())
        if tool.name == "none":
            await hands.leave()
            visit.changed = _differ(before, await _look(page))
        elif tool.name == "sessionmood":
            visit.verdict = tool.read(await self._timeline(page))
            if card:
                visit.verdict.card = card[0]
        else:
            visit.verdict = tool.read(await self._sent(page, tool, run))
        return visit

    async def _watch(self, cdp: CDPSession, card: list[float]) -> None:
        await cdp.send("Runtime.enable")
        await cdp.send("Page.enable")
        cdp.on("Runtime.bindingCalled", lambda call: card.append(float(call["payload"])))
        await cdp.send("Runtime.addBinding", {"name": "galleryCard", "executionContextName": "gallery"})
        await cdp.send("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH, "worldName": "gallery"})

    async def _timeline(self, page: Page) -> Sent:
        """What the server has of the visit: all of it, page by page."""
        stored = await page.evaluate("sessionStorage['sessionmood.session']")
        address = self.server.url(json.loads(stored)["id"], "timeline?limit=1000")
        async with httpx2.AsyncClient() as client:
            answer = await client.get(address, headers={"x-api-key": self.server.sk})
        return [("", answer.content)] if answer.status_code == 200 else []

    async def _sent(self, page: Page, tool: Tool, run: str) -> Sent:
        """What reached the sink, after the tool was asked to send and the page was left."""
        with contextlib.suppress(Error):
            await page.evaluate("window.galleryFlush && window.galleryFlush()")
            await asyncio.sleep(0.4)
        with contextlib.suppress(Error):
            await page.goto("about:blank")
        await asyncio.sleep(0.4)
        return self.site.kept.pop((tool.name, run), [])


def _person(agent: str) -> dict[str, Any]:
    """Client hints without "Headless": peers leave out what they take for robots."""
    version = agent.partition("Chrome/")[2].partition(".")[0]
    brands = [{"brand": "Chromium", "version": version}, {"brand": "Not)A;Brand", "version": "8"}]
    about = {"platform": "Linux", "platformVersion": "", "architecture": "x86", "model": "", "mobile": False}
    return {"userAgent": agent, "userAgentMetadata": {"brands": brands, **about}}


def _welcome(text: Any, ready: asyncio.Event) -> None:
    if '"welcome"' in str(text):
        ready.set()


async def _dismiss(dialog: Any) -> None:
    """As a person does: read it, then close it."""
    await asyncio.sleep(0.8)
    with contextlib.suppress(Error):
        await dialog.accept()


async def _look(page: Page) -> bytes:
    return await page.screenshot(caret="hide")


def _differ(before: bytes, after: bytes) -> float:
    """Share of pixels that are not alike, in per mille."""
    import io

    import matplotlib.image
    import numpy as np

    one, two = (matplotlib.image.imread(io.BytesIO(each), format="png") for each in (before, after))
    if one.shape != two.shape:
        return 1000.0
    return float(np.mean(np.abs(one - two).max(axis=2) > 0.02) * 1000)


def started(began: float) -> str:
    return f"{time.monotonic() - began:5.0f} s"


def save(visits: Sequence[Visit], path: Path) -> None:
    """Raw results, one visit a line; those of other tools and items in the file stay."""
    kept = {(v.item.name, v.tool): v for v in load(path)} | {(v.item.name, v.tool): v for v in visits}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(msgspec.json.encode(visit) + b"\n" for visit in kept.values()))


def load(path: Path) -> list[Visit]:
    if not path.exists():
        return []
    return [msgspec.json.decode(line, type=Visit) for line in path.read_bytes().splitlines()]
