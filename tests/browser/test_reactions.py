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
