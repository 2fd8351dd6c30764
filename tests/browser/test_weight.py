"""What the script weighs and costs, and that what is served is made from what is read."""

from collections.abc import Callable
from pathlib import Path

import brotli
import httpx2
import pytest
import zopfli.gzip

from app.transport.pages.scripts import coding
from tests.browser.npm import CLIENTS, run
from tests.browser.visit import Visit
from tests.support.server import ROOT, ServerProcess

Open = Callable[..., Visit]

STATIC = ROOT / "static"
#: Bytes, compressed: what every page loads at once, what judges clicks, and all there is, with the first script.
BUDGET = 5 * 1024
EYE = 10 * 1024 + 800
ALL = 22 * 1024 + 600
PARTS = ("eye", "gestures", "extras")


def packed(name: str) -> int:
    return len(zopfli.gzip.compress((STATIC / name).read_bytes()))


def test_the_script_is_five_kilobytes_at_most() -> None:
    assert packed("sessionmood.js") <= BUDGET


def test_the_parts_have_their_limits_too() -> None:
    assert packed("sessionmood-eye.js") <= EYE
    assert packed("sessionmood.js") + sum(packed(f"sessionmood-{part}.js") for part in PARTS) <= ALL
    assert {path.name for path in STATIC.glob("sessionmood-*.js")} == {
        f"sessionmood-{part}.js" for part in PARTS
    }


def test_the_documents_state_the_weights() -> None:
    document = (ROOT / "docs/browser.md").read_text()
    for name in ("sessionmood.js", *(f"sessionmood-{part}.js" for part in PARTS)):
        row = next(line for line in document.splitlines() if line.startswith(f"| `{name}`"))
        weights = [len(brotli.compress((STATIC / name).read_bytes())), packed(name)]
        assert row.endswith(" | {} | {} |".format(*weights)), f"docs/browser.md: {name} weighs {weights}"


@pytest.mark.slow
def test_what_is_served_is_what_the_sources_say(tmp_path: Path) -> None:
    run(CLIENTS, "node", "build.mjs", "--out", str(tmp_path))
    for path in tmp_path.iterdir():
        assert (STATIC / path.name).read_text() == path.read_text(), (
            f"static/{path.name} is stale: run `npm ci && npm run build` in clients/"
        )


def test_served_compressed_cached_and_for_every_origin(server: ServerProcess) -> None:
    for name in ("sessionmood.js", *(f"sessionmood-{part}.js" for part in PARTS)):
        text = (STATIC / name).read_text()
        answer = httpx2.get(f"{server.base}/{name}", headers={"accept-encoding": "gzip"})
        assert answer.status_code == 200
        assert answer.headers["content-encoding"] == "gzip"
        assert int(answer.headers["content-length"]) == packed(name)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.text == text
        again = httpx2.get(f"{server.base}/{name}", headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304
        with httpx2.stream(
            "GET", f"{server.base}/{name}", headers={"accept-encoding": "gzip, br"}
        ) as smaller:
            assert smaller.headers["content-encoding"] == "br"
            assert smaller.headers["vary"] == "Accept-Encoding"
            assert brotli.decompress(b"".join(smaller.iter_raw())).decode() == text
    assert httpx2.get(f"{server.base}/sessionmood-nothing.js").status_code == 404
    plain = httpx2.get(f"{server.base}/sessionmood.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, br;q=0", "gzip"),
        ("br; q=0.000, *", "gzip"),
        ("*", "br"),
        ("*;q=0, GZIP", "gzip"),
        ("gzip;q=0.1", "gzip"),
        ("identity", None),
        ("deflate, gzip;q=0", None),
        ("", None),
        (",;q=0,;;,brrr", None),
    ],
)
def test_sent_in_what_the_browser_takes(accepted: str, sent: str | None) -> None:
    assert coding(accepted) == sent


CLOCK = """<script>
  // the first listener and the last one: what is between is ours
  window.spent = [];
  addEventListener("click", () => window.began = performance.now(), true);
  new PerformanceObserver(list => (window.long = window.long || []).push(...list.getEntries().map(e => e.duration)))
    .observe({type: "longtask", buffered: true});
</script>"""
#: 5,000 nodes, most of them siblings: the hard case for naming an element
BIG = "<main>" + "".join(f"<p>{n} <b>x</b></p>" for n in range(2400)) + "<button id=live>b</button></main>"


@pytest.mark.browser
@pytest.mark.slow
def test_what_a_click_costs_on_five_thousand_nodes(
    visit: Open, record_property: Callable[[str, object], None]
) -> None:
    page = visit("<p>x")
    page.site.headers["/big"] = {  # isolated, so that the browser's clock is exact to 5 µs
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
    }
    page.site.pages["/big"] = page.html(BIG).replace("<body>", "<body>" + CLOCK)
    page.go("/big")
    page.until(lambda: page.mood, "the first mood")
    assert page.page.evaluate("crossOriginIsolated")
    assert page.page.evaluate("document.querySelectorAll('*').length") > 4800
    page.page.evaluate(
        """addEventListener("click", () => spent.push(performance.now() - began), true);
           live.onclick = () => live.dataset.n = spent.length; long = []"""
    )
    for n in range(60):
        page.page.locator("#live").click()
        if n % 6 == 0:
            page.page.locator("p").nth(1000 + n).click()
    spent = sorted(page.page.evaluate("spent"))
    median = spent[len(spent) // 2]
    record_property("click_median_ms", round(median, 3))
    long = page.page.evaluate("(window.long || []).length")
    record_property("tasks_over_50_ms", long)
    print(
        f"a click costs {median:.3f} ms in the median, {spent[-1]:.3f} ms at most, of {len(spent)}; {long} long tasks"
    )
    assert len(spent) >= 70
    assert median < 5, "not a figure, a guard: the figure is in docs/browser.md"


@pytest.mark.browser
@pytest.mark.slow
def test_no_layout_is_added(visit: Open) -> None:
    def layouts(path: str, body: str) -> int:
        page = visit("<p>x")
        page.site.pages[path] = body
        page.go(path)
        page.page.wait_for_load_state("networkidle")
        devtools = page.context.new_cdp_session(page.page)
        devtools.send("Performance.enable")

        def count() -> int:
            metrics = devtools.send("Performance.getMetrics")["metrics"]
            return int(next(m["value"] for m in metrics if m["name"] == "LayoutCount"))

        page.page.mouse.move(300, 300)
        before = count()
        for _ in range(5):
            page.page.mouse.wheel(0, 300)
            page.page.wait_for_timeout(300)
            page.page.mouse.click(300, 300)
            page.page.wait_for_timeout(100)
        return count() - before

    page = visit("<p>x")
    text = "<body>" + BIG
    with_us = layouts("/with", page.html(BIG))
    without = layouts("/without", text)
    assert with_us <= without + 1
