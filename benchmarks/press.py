"""`python -m benchmarks.press`: what a press costs the page, beside no script and beside two peers.

A page of 5,000 elements in a real Chromium, pressed with a real pointer: at once as the pointer arrives, and after
it has rested there, on a button that answers and on one that is dead. The times are processor time of the page's main
thread, from the browser's own trace, so other programs on the machine do not count.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from benchmarks.gallery.build import bundle, install
from benchmarks.gallery.run import PERSON, chromium
from benchmarks.gallery.site import GallerySite
from benchmarks.gallery.tools import TOOLS
from benchmarks.table import progress, show
from benchmarks.usage import machine
from tests.support.server import running

RESULTS = Path(__file__).parent / "press.json"
TOOLS_HERE = ("none", "sessionmood", "posthog", "datadog")
#: What a press is made of, and what follows it.
PRESS = ("pointerdown", "mousedown", "pointerup", "mouseup", "click")
CATEGORIES = ["devtools.timeline", "toplevel", "__metadata"]
#: ms that a resting pointer waits before it presses, longer than a fingerprint ahead takes.
REST_MS = 500
#: ms that a hand holds the button down, a quick one.
HOLD_MS = 50
#: ms between two presses: the looks of the one before are over.
BETWEEN_MS = 1300
#: seconds without a visitor: nothing is to do after the first, and the second is measured.
QUIET_S, IDLE_S = 17, 5
LONG_MS = 50.0

ROW = (
    "<tr>"
    + "".join(f"<td><span>cell <b>{n}</b></span></td>" for n in range(4))
    + "<td><button class=row>Edit</button></td></tr>"
)
#: 5,000 elements: a toolbar, a form, and a table of 333 rows.
PAGE = f"""<style>td{{padding:4px;border-bottom:1px solid #ddd}} nav a{{margin:8px}} button{{padding:6px 12px}}</style>
<nav>{"".join(f"<a href=/none/rest/done>Link {n}</a>" for n in range(12))}</nav>
<form><input name=a><input name=b><select><option>1<option>2</select></form>
<p><button id=live>Count</button> <output id=out>0</output> <button id=dead>Pay</button></p>
<table><tbody>{ROW * 333}</tbody></table><script>live.onclick = () => out.textContent = +out.textContent + 1</script>"""


class Cost(msgspec.Struct):
    """What one tool costs on the page. Times in ms of processor time; `at_once` and `rested`: the handlers of one
    press, sorted; `work`: all of the main thread's work, a press; `long`: tasks over 50 ms; `layouts`: a press;
    `idle`: the main thread's work a second while nobody is there."""

    tool: str
    at_once: list[float]
    rested: list[float]
    work: float
    long: int
    longest: float
    layouts: float
    idle: float


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def presses(events: Iterable[dict[str, Any]]) -> list[float]:
    """The processor time of each press's handlers, in ms."""
    found: list[float] = []
    for event in events:
        kind = event.get("args", {}).get("data", {}).get("type")
        if event["name"] == "EventDispatch" and kind in PRESS:
            if kind == "pointerdown":
                found.append(0.0)
            if found:
                found[-1] += spent(event)
    return found


def spent(event: dict[str, Any]) -> float:
    """ms of processor time where the trace has them, else of the wall's clock."""
    return float(event.get("tdur", event.get("dur", 0))) / 1000


def traced(browser: Browser, page: Page, act: Any) -> list[dict[str, Any]]:
    """What the page's main thread did meanwhile, in order."""
    browser.start_tracing(page=page, categories=CATEGORIES)
    act()
    events = json.loads(browser.stop_tracing())["traceEvents"]
    names = {
        (e["pid"], e["tid"])
        for e in events
        if e["name"] == "thread_name" and e["args"]["name"] == "CrRendererMain"
    }
    mine = {
        (e["pid"], e["tid"])
        for e in events
        if e["name"] == "EventDispatch" and e.get("args", {}).get("data", {}).get("type") in PRESS
    } or names
    return sorted(
        (e for e in events if (e["pid"], e["tid"]) in mine and e.get("ph") == "X"),
        key=lambda e: float(e["ts"]),
    )


def layouts(devtools: CDPSession) -> int:
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return int(next(each["value"] for each in metrics if each["name"] == "LayoutCount"))


def measure(browser: Browser, site: GallerySite, tool: str, count: int) -> Cost:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    # The dead button would bring a help card, which is no part of a press: it was put off.
    page.add_init_script("localStorage['sessionmood.snooze'] = 9e15")
    page.goto(f"{site.base}/{tool}/press/press")
    assert page.evaluate("document.querySelectorAll('*').length") > 4900
    devtools = context.new_cdp_session(page)
    devtools.send("Performance.enable")
    places = [page.locator(name).bounding_box() for name in ("#live", "#dead", ".row >> nth=3")]
    centres = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in places if box]
    page.mouse.move(600, 20)
    page.wait_for_timeout(3000)  # whatever loads late is there

    def press(rest: int) -> None:
        for n in range(count):
            page.mouse.move(600 + n % 5, 20)
            page.mouse.move(*centres[n % len(centres)], steps=4)
            page.wait_for_timeout(rest)
            page.mouse.down()
            page.wait_for_timeout(HOLD_MS)
            page.mouse.up()
            page.wait_for_timeout(BETWEEN_MS)

    press_count = 2 * count
    before = layouts(devtools)
    at_once = traced(browser, page, lambda: press(0))
    rested = traced(browser, page, lambda: press(REST_MS))
    laid_out = layouts(devtools) - before
    tasks = [
        spent(e) for e in [*at_once, *rested] if e["name"] == "RunTask" or e["name"].endswith("::RunTask")
    ]
    page.wait_for_timeout(QUIET_S * 1000)
    quiet = traced(browser, page, lambda: page.wait_for_timeout(IDLE_S * 1000))
    idle = sum(
        spent(e)
        for e in quiet
        if e["name"] in ("TimerFire", "FunctionCall", "EventDispatch", "FireAnimationFrame")
    )
    context.close()
    return Cost(
        tool,
        presses(at_once),
        presses(rested),
        sum(tasks) / press_count,
        sum(each > LONG_MS for each in tasks),
        max(tasks),
        laid_out / press_count,
        idle / IDLE_S,
    )


def run(tools: Iterable[str], count: int) -> list[Cost]:
    install()
    bundle([], set(), True)
    costs = []
    with tempfile.TemporaryDirectory() as place, running(Path(place)) as server:
        (Path(place) / "press.html").write_text(PAGE)
        site = GallerySite((Path(place),), server.base, server.pk)
        try:
            with sync_playwright() as driver:
                for tool in tools:
                    progress(f"press: {tool} …")
                    # a browser of its own: what one tool has compiled is no help to the next
                    browser = driver.chromium.launch(executable_path=chromium(), args=PERSON)
                    costs.append(measure(browser, site, tool, count))
                    browser.close()
        finally:
            site.close()
    return costs


class Result(msgspec.Struct):
    """A run, as it is kept in press.json."""

    date: str
    machine: str
    count: int
    costs: list[Cost]


HEADS = (
    "the main thread's processor time, in ms",
    "a press at once: median", "p95", "most", "after a rest: median", "p95", "most",
    "all that follows", "tasks over 50 ms", "layouts a press", "idle, ms a second",
)  # fmt: skip


def rows(result: Result) -> list[list[object]]:
    """The table, in the order of HEADS."""
    found: list[list[object]] = []
    for cost in result.costs:
        row: list[object] = [TOOLS[cost.tool].package or "no script"]
        for each in (cost.at_once, cost.rested):
            row += [round(statistics.median(each), 2), round(percentile(each, 0.95), 2), round(max(each), 2)]
        found.append([*row, round(cost.work, 1), cost.long, round(cost.layouts, 2), round(cost.idle, 2)])
    return found


def kept() -> Result:
    """The run in the repository."""
    return msgspec.json.decode(RESULTS.read_bytes(), type=Result)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.press", description=__doc__)
    parser.add_argument("--tool", action="append", choices=TOOLS_HERE, help="this one; may be repeated")
    parser.add_argument(
        "--count", type=int, default=60, help="presses at once, and as many after a rest (60)"
    )
    parser.add_argument(
        "--write", action="store_true", help="keep the result in the repository, for docs/browser.md"
    )
    options = parser.parse_args()
    where = machine()
    costs = run(options.tool or TOOLS_HERE, options.count)
    found = Result(time.strftime("%Y-%m-%d", time.gmtime()), where, options.count, costs)
    show(f"A page of 5,000 elements, {found.count} presses each way; {where}", HEADS, rows(found))
    print(msgspec.json.encode(found).decode())
    if options.write:
        RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")


if __name__ == "__main__":
    main()
