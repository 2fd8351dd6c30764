"""The script as a guest: strict policies, odd pages, privacy, and what it offers to the page's own code."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.policies import policy
from tests.browser.proxy import Proxy
from tests.browser.visit import Visit
from tests.support.server import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Open = Callable[..., Visit]

DEAD = "<button id=dead>Apply</button>"


@pytest.fixture
def proxy(helpful: ServerProcess) -> Iterator[Proxy]:
    proxy = Proxy(helpful.port)
    yield proxy
    proxy.close()


def test_a_strict_policy_needs_only_the_documented_directives(visit: Open, proxy: Proxy) -> None:
    page = visit("<p>x", via=proxy.base, attributes="data-debug")
    body = page.html(DEAD).replace("<script>", '<script nonce="test">')
    watch = """<script nonce="test">window.broken = []; addEventListener("securitypolicyviolation",
        event => broken.push(event.violatedDirective + " " + event.blockedURI))</script>"""
    body = body.replace("<body>", "<body>" + watch)
    page.site.pages["/strict"] = body
    page.site.headers["/strict"] = {
        "content-security-policy": policy(proxy.base) + "; require-trusted-types-for 'script'"
    }
    page.go("/strict")
    page.ready()
    page.click("#dead", times=4)
    page.until(lambda: page.cards() == 1, "the card")
    assert page.page.locator("session-mood").bounding_box()["width"] > 200  # type: ignore[index]
    assert (
        page.page.locator("session-mood section").evaluate("e => getComputedStyle(e).borderRadius") == "16px"
    )
    assert page.page.locator("session-mood-debug").count() == 1
    proxy.set("refuse")
    page.until(lambda: page.loaded("extras"), "REST")
    page.page.evaluate("SessionMood.identify('somebody')")
    page.until(lambda: [e for e in page.of("custom") if e["name"].startswith("user:")], "the hash")
    assert page.page.evaluate("broken") == []


def test_two_scripts_on_one_page_are_one(visit: Open) -> None:
    page = visit("<p>x")
    page.site.pages["/"] = page.html(page.tag + DEAD)
    page.ready()
    sockets = len(page.sockets)
    page.go("/")
    page.until(lambda: page.ops("welcome")[1:], "the welcome")
    page.click("#dead")
    assert page.types().count("page_view") == 1
    assert len(page.of("click")) == 1
    assert len(page.sockets) == sockets + 1


def test_a_script_that_comes_before_there_is_a_body(visit: Open) -> None:
    page = visit("<p>x")
    blocking = page.tag.replace("async ", "")
    page.site.pages["/"] = f"<!doctype html><head>{blocking}</head><body>{DEAD}"
    page.go("/")
    page.until(lambda: page.ops("welcome"), "the welcome")  # this page does not say which parts are at work
    page.click("#dead")
    page.until(lambda: [e for e in page.log() if e["type"] == "click"], "the click in the log")


def test_frames_and_shadow_roots(visit: Open) -> None:
    page = visit(
        """<div id=host></div><iframe id=same src="/inner"></iframe>
        <iframe id=box sandbox="allow-scripts" src="/inner"></iframe>
        <script>
          const root = host.attachShadow({mode: "open"});
          root.innerHTML = "<button id=in>dead</button><button id=live>live</button><input>";
          root.getElementById("live").onclick = e => e.target.textContent += "!";
        </script>"""
    ).ready()
    page.site.pages["/inner"] = page.html("<button id=deep>b</button>")
    page.go("/")
    page.until(lambda: len(page.ops("welcome")) >= 4, "all frames' welcomes")
    page.click("#live")
    page.click("#in")
    page.until(lambda: page.of("dead_click"), "the dead click")
    assert [
        (e["type"], e["target"]) for e in page.told if "click" in e["type"] or e["type"] == "response"
    ] == [
        ("click", "#host>>>#live"),
        ("response", "#host>>>#live"),
        ("click", "#host>>>#in"),
        ("dead_click", "#host>>>#in"),
    ]
    for frame in ("#same", "#box"):
        page.page.frame_locator(frame).locator("#deep").click()
    page.page.wait_for_timeout(300)


def test_nothing_that_is_typed_or_written_leaves_the_page(visit: Open, proxy: Proxy) -> None:
    """Secrets in every place where a page can have them, and all traffic searched: socket, REST and beacon."""
    secret = "hunter2xyz"
    proxy.set("refuse")
    page = visit(
        f"""<title>{secret}</title><h1>{secret}</h1><button id=b title={secret}>{secret}</button>
        <a id=a href="/go?x={secret}#{secret}">{secret}</a>
        <form action="/go"><input id=i name=user><input id=p type=password><textarea id=t>{secret}</textarea>
        <select id=s><option>a<option value={secret}>{secret}</select><button id=go type=button>go</button></form>
        <div id=e contenteditable>{secret}</div>
        <button id=f onclick="fetch('/api/x?q={secret}',{{method:'POST',body:'{secret}'}})">f</button>
        <button id=err onclick="setTimeout(()=>{{throw new Error('{secret}')}})">x</button>""",
        path="/form",
        via=proxy.base,
    )
    page.go(f"/form?token={secret}#{secret}")
    page.until(lambda: page.loaded("extras"), "REST")

    def everywhere() -> None:
        page.page.mouse.move(9, 9)
        for field in ("#i", "#p", "#t", "#e"):
            page.click(field, pause_ms=30)
            page.page.keyboard.type(secret)
            page.page.keyboard.press("Control+A")
            page.page.keyboard.press("Control+C")
        page.page.select_option("#s", secret)
        for button in ("#b", "#f", "#err", "#go", "h1"):
            page.click(button, pause_ms=60)
        page.page.evaluate(f"history.pushState(0, 0, '/form?again={secret}')")
        page.page.wait_for_timeout(400)

    everywhere()
    proxy.set("pass")
    page.until(lambda: [f for f in page.sent if f.get("op") == "events"], "the socket", seconds=40)
    everywhere()
    page.page.evaluate("SessionMood.identify('" + secret + "')")
    page.click("#a")
    page.until(lambda: page.page.url.startswith(page.site.base + "/go"), "the next page")
    assert any('"click"' in text for text in page.traffic)
    assert sum("/events {" in text for text in page.traffic) > 1
    assert [text for text in page.traffic if secret in text] == []
    page.errors.clear()


@pytest.mark.parametrize(("wish", "value"), [("globalPrivacyControl", "true"), ("doNotTrack", "'1'")])
def test_visitors_who_decline_are_left_alone(visit: Open, wish: str, value: str) -> None:
    page = visit(DEAD)
    # the first page, before the wish, has said all it has to say
    page.until(lambda: page.ops("ack"), "the first page's ack")
    page.context.add_init_script("sessionStorage.clear()")
    page.context.add_init_script(
        f"Object.defineProperty(Navigator.prototype, '{wish}', {{get: () => {value}}})"
    )
    page.traffic.clear()
    page.go("/")
    page.click("#dead", times=2)
    page.page.evaluate("SessionMood.track('x'); SessionMood.goal('y'); SessionMood.stop()")
    page.page.wait_for_timeout(500)
    assert page.page.evaluate("window.told") == []
    assert page.page.evaluate("sessionStorage.length") == 0
    assert [text for text in page.traffic if "sessionmood" not in text] == []


def test_a_site_may_decide_about_the_wish_itself(visit: Open) -> None:
    page = visit(DEAD, attributes='data-respect-gpc="false"')
    page.context.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"
    )
    page.go("/")
    page.ready()


def test_waiting_for_consent(visit: Open) -> None:
    page = visit(DEAD, attributes="data-manual")
    page.click("#dead")
    assert page.page.evaluate("window.told") == []
    page.page.evaluate("SessionMood.init()")
    page.ready()
    assert page.types()[:1] == ["page_view"]


def test_calls_made_before_the_script_came_are_kept(visit: Open) -> None:
    page = visit(
        """<script>SessionMood.push(["on", "reading", r => (window.readings = window.readings || []).push(r.mood)],
           ["track", "early", 4])</script>""",
        attributes="data-manual",
    )
    page.page.evaluate("SessionMood.push(['init', {}], ['goal', 'signup'])")
    page.ready()
    page.until(lambda: page.page.evaluate("(window.readings || []).length"), "a reading")
    assert [(e["type"], e["name"]) for e in page.told if e.get("name")] == [("goal", "signup")]


def test_the_api(visit: Open) -> None:
    page = visit(DEAD + "<script>window.heard = []</script>", attributes="data-every").ready()
    page.page.evaluate(
        """() => {
          for (const name of ['change', 'frustrated', 'recovered', 'reading']) {
            SessionMood.on(name, (now, before) => heard.push([name, now.mood, before && before.mood]));
          }
          const off = SessionMood.on('change', () => heard.push(['never']));
          off();
          addEventListener('sessionmood:change', e => heard.push(['event', e.detail.mood, e.target.id || 'window']));
          SessionMood.track('zoom', 3);
          SessionMood.goal('order');
          SessionMood.feedback(false, 'bored');
          SessionMood.identify('user-1');
        }"""
    )
    page.click("#dead", times=4)
    page.until(lambda: page.mood.get("mood") == "frustrated", "the mood")
    heard = page.page.evaluate("heard")
    before = next(entry[2] for entry in heard if entry[:2] == ["change", "frustrated"])
    assert ["frustrated", "frustrated", before] in heard
    assert ["event", "frustrated", "dead"] in heard
    assert sum(entry[0] == "reading" for entry in heard) > 1
    assert ["never"] not in heard
    named = {(e["type"], str(e["name"]), e.get("value")) for e in page.told if e.get("name")}
    assert {("custom", "zoom", 3), ("goal", "order", None), ("feedback", "bored", 0)} <= named
    page.until(
        lambda: [e for e in page.of("custom") if e["name"].startswith("user:")],
        "the user, by a part of its own",
    )
    named = {(e["type"], str(e["name"]), e.get("value")) for e in page.told if e.get("name")}
    users = [name for kind, name, _ in named if kind == "custom" and name.startswith("user:")]
    assert len(users) == 1
    assert len(users[0]) == 49
    page.page.evaluate("SessionMood.stop()")
    told = len(page.told)
    page.click("#dead")
    page.until(lambda: all(socket.is_closed() for socket in page.sockets), "the socket's end")
    assert len(page.told) == told
    page.page.evaluate("SessionMood.init()")
    page.click("#dead")
    page.until(lambda: len(page.told) > told, "a fresh start")


def test_recovery_is_told(visit: Open) -> None:
    page = visit(
        DEAD + "<button id=live onclick=\"this.textContent+='!'\">Add</button>", attributes="data-every"
    ).ready()
    page.page.evaluate(
        "void SessionMood.on('recovered', (now, before) => window.recovered = [now.mood, before.mood])"
    )
    page.click("#dead", times=4)
    page.until(lambda: page.mood.get("mood") == "frustrated", "the mood")
    page.page.evaluate("SessionMood.goal('order')")

    def recovered() -> Any:
        page.click("#live", pause_ms=250)
        return page.page.evaluate("window.recovered")

    assert page.until(recovered, "the recovery", seconds=60)[1] == "frustrated"


def test_before_send_may_change_and_withhold(visit: Open) -> None:
    page = visit(DEAD, attributes="data-manual")
    page.page.evaluate(
        """SessionMood.init({beforeSend: e => e.type === 'click' ? null : {...e, url: e.url && '/masked'}})"""
    )
    page.ready()
    page.click("#dead")
    page.until(lambda: page.log(), "the log")
    assert page.of("click") == []
    assert page.log()[0]["url"] == "/masked"


def test_a_page_whose_own_code_fails_hears_nothing_of_ours(visit: Open) -> None:
    page = visit(DEAD, attributes="data-manual data-ignore='((('")
    page.page.evaluate("""SessionMood.on('event', () => { throw new Error('theirs') });
        SessionMood.on('reading', () => { throw new Error('theirs') });
        SessionMood.init({beforeSend: () => { throw new Error('theirs') }})""")
    page.click("#dead")
    page.page.wait_for_timeout(300)


def test_a_sample_of_visits(visit: Open) -> None:
    page = visit(DEAD, attributes='data-sample-rate="0"')
    page.click("#dead")
    page.page.wait_for_timeout(300)
    assert page.page.evaluate("window.told") == []
    assert page.sockets == []


def test_a_session_of_the_sites_own(visit: Open, helpful: ServerProcess) -> None:
    import httpx2

    made = httpx2.post(f"{helpful.base}/v1/sessions/visit-of-anna/token", headers={"x-api-key": helpful.sk})
    page = visit(DEAD, attributes=f'data-session="visit-of-anna" data-token="{made.json()["token"]}"').ready()
    page.click("#dead")
    page.until(lambda: [e for e in page.log() if e["type"] == "click"], "the click in the log")
    assert page.session == "visit-of-anna"


def test_the_debug_overlay(visit: Open) -> None:
    page = visit(DEAD, attributes="data-debug").ready()
    page.click("#dead")
    overlay = page.page.locator("session-mood-debug")
    page.until(lambda: "click" in str(overlay.locator("ul").text_content()), "the frames")
    page.until(lambda: page.mood, "a mood, which the server says after the click was sent")
    # both at once: the mood may change between two looks
    text, mood = page.page.evaluate(
        """() => [document.querySelector('session-mood-debug').shadowRoot.querySelector('pre').textContent,
                  SessionMood.mood().mood]"""
    )
    assert mood in text
    assert page.server.pk not in text
    page.page.evaluate("dead.click()")
    assert len(page.of("click")) == 2, "scripted clicks count here, so that a site's own tests can play"


def test_the_visit_goes_on_from_page_to_page_and_ends_with_the_tab(visit: Open) -> None:
    page = visit(DEAD).ready()
    first = page.session
    page.go("/")
    page.until(lambda: len(page.ops("welcome")) == 2, "the welcome")
    assert page.session == first
    other = page.context.new_page()
    other.goto(page.site.base + "/")
    other.wait_for_function("sessionStorage['sessionmood.session']")
    assert first not in other.evaluate("sessionStorage['sessionmood.session']")
