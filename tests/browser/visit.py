"""A visitor: one browser context with one page, everything it sends and shows, and what the server keeps of it."""

import json
import time
from typing import Any

from playwright.sync_api import Browser, Error, Page, Request, WebSocket

from tests.browser.site import Site
from tests.support.server import ServerProcess, wait_until

#: Keeps what the script says it sends, for comparing it with what the server has, the name of the page load, and
#: the highest number that it knows to be kept, by whichever way.
LISTEN = """<script>window.told = []; window.parts = [];
(window.SessionMood = window.SessionMood || []).push(
  ["on", "event", event => told.push(event)],
  ["on", "part", name => parts.push(name)],
  ["on", "frame", frame => {
    if (frame.op === "hello") window.producer = frame.producer;
    window.acked = frame.op === "ack" ? frame.seq : frame.ack ?? window.acked ?? 0;
  }])</script>"""
CARD = "session-mood"
#: How long (ms) between two looks at what is waited for: at first, and after a second. Each costs some ms of processor.
LOOK_MS, SELDOM_MS = 20.0, 100.0
#: What Playwright says of a question whose page was left before the answer.
LEFT = "Execution context was destroyed"


def middle(page: Page, selector: str) -> tuple[float, float]:
    """Where to click. The page has told of having scrolled there: a scroll after a click would be an answer to it."""
    place = page.locator(selector).first
    place.scroll_into_view_if_needed()
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    box = place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


class Visit:
    """`attributes` go onto the script tag, `via` is where the script comes from (the server unless a proxy),
    `context` goes to the browser (viewport, colour scheme, …)."""

    def __init__(
        self,
        browser: Browser,
        server: ServerProcess,
        site: Site,
        *,
        attributes: str = "",
        via: str | None = None,
        **context: Any,
    ) -> None:
        self.server = server
        self.site = site
        self.base = via or server.base
        self.tag = (
            f'<script async src="{self.base}/sessionmood.js" data-key="{server.pk}" {attributes}></script>'
        )
        self.sent: list[dict[str, Any]] = []
        self.received: list[dict[str, Any]] = []
        #: every byte that left for the service, by whatever way
        self.traffic: list[str] = []
        self.sockets: list[WebSocket] = []
        self.closed = 0
        self.arrived: list[str] = []
        self.errors: list[str] = []
        self.context = browser.new_context(**context)
        self.page: Page = self.context.new_page()
        self.page.on("websocket", self._socket)
        self.context.on("request", self._request)
        self.context.on("requestfinished", lambda request: self.arrived.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def html(self, body: str, head: str = "") -> str:
        start = f"<!doctype html><html lang=en><head><meta charset=utf-8>{head}</head><body>"
        return f"{start}{LISTEN}{self.tag}{body}</body></html>"

    def _socket(self, socket: WebSocket) -> None:
        self.sockets.append(socket)
        socket.on("framesent", lambda text: self._frame(self.sent, text))
        socket.on("close", self._close)
        socket.on("framereceived", lambda text: self._frame(self.received, text))

    def _close(self, _: WebSocket) -> None:
        self.closed += 1

    def _frame(self, frames: list[dict[str, Any]], text: str | bytes) -> None:
        frame = json.loads(text)
        frames.append(frame)
        if frames is self.sent:
            self.traffic.append(str(text))

    def _request(self, request: Request) -> None:
        if request.url.startswith(self.base):
            self.traffic.append(f"{request.url} {request.post_data or ''}")

    # Doing

    def go(self, path: str) -> None:
        self.page.goto(self.site.base + path)

    def ready(self) -> "Visit":
        """Wait until the server has welcomed the visitor, by whichever way, and the eye is at work."""
        self.until(lambda: self.ops("welcome"), "the welcome")
        return self.seeing()

    def seeing(self) -> "Visit":
        """Wait until the eye is at work: clicks before are told, and not judged."""
        self.until(lambda: "eye" in self.parts, "the eye")
        return self

    def back(self) -> None:
        """The back button. Later than the order to press it, which ends with the page it was given to."""
        self.page.evaluate("void setTimeout(() => history.back())")

    def click(self, selector: str, times: int = 1, pause_ms: float = 100, late_ms: float = 0) -> None:
        """Real mouse clicks on the middle of it; several at the speed of an impatient hand, also where the
        machine stalls between them: each bears the time at which that hand would have clicked. `late_ms`: so
        long ago, as on a page that was busy meanwhile."""
        x, y = middle(self.page, selector)
        self.page.mouse.move(x, y)
        hand = self.context.new_cdp_session(self.page)
        began = time.time() - late_ms / 1000
        for n in range(times):
            # A system counts the clicks that come fast on one place, up to three.
            count = min(n + 1, 3) if pause_ms < 500 else 1
            for kind in ("mousePressed", "mouseReleased"):
                hand.send(
                    "Input.dispatchMouseEvent",
                    {"type": kind, "x": x, "y": y, "button": "left", "buttons": int(kind == "mousePressed"),
                     "clickCount": count, "timestamp": began + n * pause_ms / 1000},
                )  # fmt: skip
            self.page.wait_for_timeout(pause_ms)
        hand.detach()

    def show(self, body: str) -> None:
        """Another body on the same page, and nothing told yet. Scripts in it don't run."""
        self.page.evaluate("html => { document.body.innerHTML = html }", body)
        self.page.evaluate("window.told = []")

    def close(self) -> None:
        self.context.close()

    # Looking

    def until(self, condition: Any, what: str, seconds: float = 30) -> Any:
        """Wait for `condition` while the browser goes on (its events only arrive while Playwright runs). A page
        that is left while it is asked has no answer yet. The deadline is for what never comes: machines stall."""
        pause = LOOK_MS

        def look() -> Any:
            nonlocal pause
            self.page.wait_for_timeout(pause)
            pause = min(pause * 1.2, SELDOM_MS)
            try:
                return condition()
            except Error as error:
                if LEFT not in error.message:
                    raise
                return None

        return wait_until(look, seconds, what)

    def ops(self, op: str) -> list[dict[str, Any]]:
        return [frame for frame in self.received if frame.get("op") == op]

    @property
    def told(self) -> list[dict[str, Any]]:
        """The events of the current page, as the script reports them to the page."""
        return list(self.page.evaluate("window.told || []"))

    @property
    def parts(self) -> list[str]:
        """The parts that are at work on the current page."""
        return list(self.page.evaluate("window.parts || []"))

    @property
    def producer(self) -> str:
        """The name of the current page load, as its own hello says it. Waits for that: another page of the tab
        may have said one before."""
        return str(self.until(lambda: self.page.evaluate("window.producer"), "the page's hello", seconds=30))

    def types(self) -> list[str]:
        return [event["type"] for event in self.told]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.told if event["type"] == kind]

    @property
    def session(self) -> str:
        return str(self.page.evaluate("JSON.parse(sessionStorage['sessionmood.session']).id"))

    @property
    def mood(self) -> dict[str, Any]:
        return dict(self.page.evaluate("SessionMood.mood()") or {})

    def loaded(self, part: str) -> bool:
        """The file of that name was asked for and is here."""
        return any(f"sessionmood-{part}.js" in url for url in self.arrived)

    def hands(self) -> None:
        """Wait until the part that the first move loads is at work; to have arrived is not enough."""
        self.until(lambda: "gestures" in self.parts, "the gestures at work")

    def cards(self) -> int:
        """Help cards on the page right now."""
        return self.page.locator(CARD).count()

    def log(self) -> list[dict[str, Any]]:
        """What the server keeps of this session, in its order."""
        answer = self.server.get(f"/v1/sessions/{self.session}/timeline?limit=1000")
        return list(answer.json()["events"]) if answer.status_code == 200 else []
