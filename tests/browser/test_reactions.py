"""What the app does because its visitor is frustrated is no answer: the mood stands until the visitor's next success."""

import pytest
from playwright.sync_api import Browser

from tests.browser.site import Site
from tests.browser.visit import Visit
from tests.support.server import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: So long after the reaction frustration still stands. Nothing is waited for here: this is how long we look.
STANDS_MS = 4000
DEAD = "<button id=dead style='padding:20px'>Pay</button><p id=o>"
WAYS = {
    "a banner": "const d=document.createElement('div');d.textContent='Sorry! Call us.';document.body.prepend(d)",
    "a class on html": "document.documentElement.className='upset'",
    "state drawn in a later task, as React does": "const c=new MessageChannel;c.port1.onmessage=()=>"
    "o.textContent='Need help?';c.port2.postMessage(0)",
    "state drawn in a promise, as Vue does": "Promise.resolve().then(()=>o.textContent='Need help?')",
    "a chat that is fetched and opened": "fetch('/chat').then(()=>{const d=document.createElement('aside');"
    "d.innerHTML='<h2>Chat</h2><input>';document.body.append(d);d.lastChild.focus()})",
    "a toast that comes and goes": "const d=document.createElement('div');d.textContent='Stuck?';"
    "document.body.append(d);setTimeout(()=>d.remove(),900)",
    "an alert": "alert('Need help?')",
    "another page": "location.href='/help'",
}


@pytest.mark.timeout(400)
def test_a_reaction_to_frustration_leaves_it_standing(
    chromium: Browser, server: ServerProcess, site: Site
) -> None:
    site.answers["/chat"] = (200, 0.2)
    visits = {}
    for number, (way, code) in enumerate(WAYS.items()):
        visit = Visit(chromium, server, site)
        visit.page.set_default_timeout(120_000)
        visit.page.on("dialog", lambda dialog: dialog.accept())
        react = f"<script>SessionMood.push(['on','frustrated',()=>{{window.reacted=1;{code}}}])</script>"
        style = "<style>.upset body{background:#fee}</style>"
        site.pages[f"/way{number}"] = visit.html(style + DEAD + react)
        site.pages["/help"] = visit.html("<h1>Help</h1><p>Here it is.")
        visit.go(f"/way{number}")
        visits[way] = visit
    for visit in visits.values():
        visit.ready()
        visit.click("#dead", times=4)
    for way, visit in visits.items():
        visit.until(
            lambda v=visit: "/help" in v.page.url or v.page.evaluate("window.reacted"), f"reacted: {way}"
        )
    next(iter(visits.values())).page.wait_for_timeout(STANDS_MS)
    for way, visit in visits.items():
        assert [e for e in visit.of("response") if e.get("kind") != "unknown"] == [], way
        reading = visit.server.get(f"/v1/sessions/{visit.session}/mood").json()
        assert reading["mood"] == "frustrated", (way, reading["because"])
    for visit in visits.values():
        visit.close()


#: In front of the script: lets the page hear of a mood at a moment that the test chooses.
LINE = """<script>
const Line = WebSocket, lines = [];
window.WebSocket = class extends Line { constructor(...args) { super(...args); lines.push(this) } };
let heard = 1e6;
const hear = mood => lines[0].dispatchEvent(new MessageEvent("message",
  {data: JSON.stringify({op: "mood", mood, event_count: heard++, as_of: Date.now() + heard})}));
const rules = document.createElement("style");
document.head.append(rules);
</script>"""
#: A picture's failure is nobody's turn.
UNLINKED = "; const i = new Image(); i.onerror = () => { out.textContent = 'Need help?' }; i.src = 'data:,'"
BANNER = "document.body.prepend(Object.assign(document.createElement('p'), {className: '', textContent: 'Need help?'}))"
#: In the button's handler; on a mood; right after it in nobody's turn; the verdicts that may be told.
BETWEEN = {
    "style alone answers after the mood": (
        "setTimeout(() => rules.sheet.insertRule('#box{background:rgb(0,128,0)}'), 700)", "", "", {"answered", "unknown"},
    ),
    "style alone answers after a banner": (
        "setTimeout(() => rules.sheet.insertRule('#box{background:rgb(0,128,0)}'), 1400)",
        BANNER, "", {"answered", "unknown"},
    ),
    "a banner, and nothing else": ("", BANNER, "", {"dead"}),
    "a banner that slides in, and nothing else": ("", BANNER.replace("''", "'slides'"), "", {"dead"}),
    "a class on html restyles the page": ("", "document.documentElement.className = 'upset'", "", {"dead", "unknown"}),
    "the app scrolls": ("", "scrollTo(0, 300)", "", {"dead", "unknown"}),
    "the app leads to a field": ("", "field.focus()", "", {"dead", "unknown"}),
    "style alone has answered before": ("rules.sheet.insertRule('#box{background:rgb(0,128,0)}')", "", "", {"answered"}),
    "unlinked, from the app": ("", "", UNLINKED, {"unknown"}),
    "nothing at all": ("", "", "", {"dead"}),
}  # fmt: skip
LOOKS = """<style>.slides{animation:slides .6s} @keyframes slides{from{margin-top:-60px} to{margin-top:0}}
.upset #box,.upset #out{background:rgb(255,230,230);transition:background .4s} body{height:3000px}</style>"""


@pytest.mark.timeout(400)
def test_a_mood_between_click_and_verdict_neither_answers_nor_hastens(
    chromium: Browser, server: ServerProcess, site: Site
) -> None:
    visits = {}
    for number, (way, (answer, reaction, _, _)) in enumerate(BETWEEN.items()):
        visit = Visit(chromium, server, site)
        visit.page.set_default_timeout(120_000)
        body = f"""<button id=b onclick="{answer}">Go</button><div id=box>a box</div><p id=out>-</p><input id=field>
            <script>SessionMood.push(['on', 'curious', () => {{ {reaction} }}])</script>"""
        site.pages[f"/between{number}"] = visit.html(body, LOOKS).replace("<body>", "<body>" + LINE)
        visit.go(f"/between{number}")
        visits[way] = visit
    for way, visit in visits.items():
        visit.ready()
        visit.click("#b")
        visit.page.evaluate("hear('curious')" + BETWEEN[way][2])

    def verdict(visit: Visit) -> str | None:
        if visit.of("dead_click"):
            return "dead"
        told = visit.of("response")
        return ("unknown" if told[0].get("kind") == "unknown" else "answered") if told else None

    for way, visit in visits.items():
        told = visit.until(lambda v=visit: verdict(v), f"a verdict: {way}")
        assert told in BETWEEN[way][3], (way, told)
    for visit in visits.values():
        visit.close()


def test_a_mood_between_fast_clicks_keeps_no_rage_back(
    chromium: Browser, server: ServerProcess, site: Site
) -> None:
    visit = Visit(chromium, server, site)
    react = "document.documentElement.className = 'upset'; out.textContent = 'Need help?'"
    body = f"""<button id=b>Go</button><div id=box>a box</div><p id=out>-</p>
        <script>SessionMood.push(['on', 'curious', () => {{ {react} }}])</script>"""
    site.pages["/fast"] = visit.html(body, LOOKS).replace("<body>", "<body>" + LINE)
    visit.go("/fast")
    visit.ready()
    visit.click("#b", times=2)
    visit.page.evaluate("hear('curious')")
    visit.click("#b", times=2)
    visit.until(lambda: visit.of("rage_click"), "the rage")
    visit.page.evaluate("hear('curious')")
    visit.until(lambda: visit.of("dead_click") or visit.of("response"), "the verdicts")
    assert not [e for e in visit.of("response") if e.get("kind") != "unknown"]
    assert len(visit.of("rage_click")) == 1
    visit.close()
