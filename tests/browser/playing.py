"""Plays cases in a real browser with real input, many at a time, and reads what the script told."""

import time
from collections.abc import Generator, Iterable
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error, Frame, Page, Request

from tests.browser.cases import Case
from tests.browser.site import Site
from tests.browser.visit import LISTEN, middle
from tests.support.server import ServerProcess

#: Pages open at a time.
AT_ONCE = 8
#: After the last step: the last verdict comes 2.5 s after the last click, later where a machine is busy.
SETTLE_S = 3.6
PATIENCE_S = 12.0

Step = Generator[float, None, None]


def unknown(event: dict[str, Any]) -> bool:
    """The script says that it can't see whether the page answered."""
    return event["type"] == "response" and event.get("kind") == "unknown"


class Play:
    """One case on a page of its own. `step` gives seconds to wait before it is to be called again."""

    def __init__(self, case: Case, page: Page, address: str) -> None:
        self.case = case
        self.page = page
        self.hand = page.context.new_cdp_session(page)
        self.told: list[dict[str, Any]] = []
        self.steps = self._play(address)
        self.due = 0.0
        #: what the browser could not do
        self.fault = ""
        self.dialog_s = 0.0
        page.on("dialog", self._dialog)
        #: on its way to another page: meanwhile a page can't be asked anything
        self.leaving = False
        page.on("request", self._requested)
        page.on("framenavigated", self._arrived)
        page.on("requestfailed", self._requested_in_vain)

    def _requested(self, request: Request) -> None:
        self.leaving |= request.is_navigation_request() and request.frame == self.page.main_frame

    def _requested_in_vain(self, request: Request) -> None:
        self.leaving &= not request.is_navigation_request()

    def _arrived(self, frame: Frame) -> None:
        self.leaving &= frame != self.page.main_frame

    def _dialog(self, dialog: Any) -> None:
        self.page.wait_for_timeout(self.dialog_s * 1000)
        dialog.accept()

    def _mouse(self, kind: str, x: float, y: float, count: int, at: float) -> None:
        self.hand.send(
            "Input.dispatchMouseEvent",
            {"type": kind, "x": x, "y": y, "button": "left", "buttons": int(kind == "mousePressed"),
             "clickCount": count, "timestamp": at},
        )  # fmt: skip

    def _clicks(self, selector: str, times: int, pace_ms: float, kind: str = "mouse") -> Step:
        x, y = middle(self.page, selector)
        if kind == "mouse":
            self.page.mouse.move(x - 4, y)
            self.page.mouse.move(x, y)
            yield 0.05
        began = time.time()
        for n in range(times):
            at = began + n * pace_ms / 1000
            # a system counts clicks that come within half a second on one place, up to three
            count = min(n + 1, 3) if pace_ms < 500 else 1
            if kind == "touch":
                self.page.touchscreen.tap(x, y)
            else:
                self._mouse("mousePressed", x, y, count, at)
                # A finger stays down for a while; what comes meanwhile is no answer yet.
                yield max(0.0, at + 0.05 - time.time())
                self._mouse("mouseReleased", x, y, count, at + 0.05)
            if n < times - 1:
                yield max(0.0, at + pace_ms / 1000 - time.time())

    def _play(self, address: str) -> Step:
        page = self.page
        page.goto(address, wait_until="commit")
        page.wait_for_function("parts.includes('eye')", polling=50, timeout=30000)
        yield 0.1
        for step in self.case.do.split(";"):
            verb, *rest = step.split()
            if verb == "click":
                times = int(rest[1]) if len(rest) > 1 else 1
                yield from self._clicks(rest[0], times, float(rest[2]) if len(rest) > 2 else 200)
            elif verb == "tap":
                yield from self._clicks(rest[0], int(rest[1]) if len(rest) > 1 else 1, 300, "touch")
            elif verb == "double":
                yield from self._clicks(rest[0], 2, 120)
            elif verb == "wait":
                yield float(rest[0]) / 1000
            elif verb == "move":
                page.mouse.move(*middle(page, rest[0]))
            elif verb == "focus":
                page.focus(rest[0])
            elif verb == "key":
                page.keyboard.press(rest[0])
            elif verb == "type":
                page.keyboard.type(rest[0])
            elif verb == "wheel":
                page.mouse.wheel(0, float(rest[0]))
            elif verb == "drag":
                x, y = middle(page, rest[0])
                page.mouse.move(x, y)
                page.mouse.down()
                page.mouse.move(x + float(rest[1]), y, steps=4)
                page.mouse.up()
            elif verb == "dialog":
                self.dialog_s = float(rest[0]) / 1000
            elif verb == "js":
                page.evaluate(step.strip()[2:])
            else:
                raise ValueError(f"no such step: {step}")
            yield 0.03
        if self.leaving:  # what it has told while it was going
            self.hand.send("Page.stopLoading")
            self.told = page.evaluate("told")
            return
        began = time.monotonic()
        while time.monotonic() - began < PATIENCE_S:
            yield 0.15
            try:
                self.told = page.evaluate("told")
            except Error:
                break
            if not self.wrong() and (self._decided() or time.monotonic() - began > SETTLE_S):
                break
            if self.wrong() and time.monotonic() - began > SETTLE_S + 2:
                break

    def _decided(self) -> bool:
        """Nothing can come any more: every click on a thing has its verdict."""
        for target, right in self.case.expected().items():
            of = self.of(target)
            verdicts = len(of["response"]) + len(of["dead_click"])
            if right not in ("answered", "dead", "rage") or not of["click"] or verdicts < len(of["click"]):
                return False
        return True

    def of(self, target: str) -> dict[str, list[dict[str, Any]]]:
        kinds = ("click", "response", "dead_click", "rage_click")
        mine = [e for e in self.told if (e.get("target") or "").endswith(target) and not unknown(e)]
        return {kind: [e for e in mine if e["type"] == kind] for kind in kinds}

    def wrong(self) -> str:
        """What is wrong with what was told; empty: nothing."""
        faults = [self.fault] if self.fault else []
        for target, right in self.case.expected().items():
            of = self.of(target)
            n, answers, dead, rage = (len(of[k]) for k in ("click", "response", "dead_click", "rage_click"))
            good = {
                "answered": n > 0 and answers == n and not dead and not rage,
                "answered soon": answers == n == 1 and of["response"][0]["value"] < 1500,
                "dead": n > 0 and dead == n and not answers and not rage,
                "rage": rage == 1 and not answers,
                "silent": not answers and not dead and not rage,
                "answered or silent": not dead and not rage,
                "dead or silent": not answers,
            }[right]
            if not good:
                faults.append(
                    f"{target} {right}, told: {n} clicks, {answers} answers, {dead} dead, {rage} rage"
                )
        return "; ".join(faults)


def page_of(case: Case, tag: str) -> str:
    head = f"<!doctype html><html lang=en><head><meta charset=utf-8>{case.head}</head>"
    return f"{head}<body>{LISTEN}{tag}{case.body}</body></html>"


def play(browser: Browser, server: ServerProcess, site: Site, cases: Iterable[Case]) -> list[Play]:
    """Every case, `AT_ONCE` at a time, each on a page of its own."""
    tag = f'<script src="{server.base}/sessionmood.js" data-key="{server.pk}"></script>'
    context: BrowserContext = browser.new_context(has_touch=False, viewport={"width": 1000, "height": 700})
    waiting = list(enumerate(cases))
    at_work: list[Play] = []
    done: list[Play] = []
    try:
        while waiting or at_work:
            while waiting and len(at_work) < AT_ONCE:
                number, case = waiting.pop(0)
                path = f"/case{number}"
                site.pages[path] = page_of(case, tag)
                at_work.append(Play(case, context.new_page(), site.base + path))
            now = time.monotonic()
            due = min(at_work, key=lambda p: p.due)
            if due.due > now:
                due.page.wait_for_timeout((due.due - now) * 1000)
            try:
                due.due = time.monotonic() + next(due.steps)
            except (StopIteration, Error) as end:
                if isinstance(end, Error):
                    due.fault = str(end)
                due.page.close()
                at_work.remove(due)
                done.append(due)
    finally:
        context.close()
    return done
