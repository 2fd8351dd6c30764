# ruff: noqa: E501 (a case is one line)
"""What authors and pages hand over, cancelled work, others' failures, and odd ways of embedding: one bad thing
costs only itself."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.browser.visit import Visit
from tests.support.server import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Open = Callable[..., Visit]

#: a button that works, and one that does not
PAGE = '<button id=live onclick="n.textContent=+n.textContent+1">Add</button><output id=n>0</output><button id=dead>Pay</button>'


def named(visit: Visit, name: str) -> list[dict[str, Any]]:
    return [event for event in visit.log() if event.get("name") == name]


def arrives(visit: Visit, name: str = "after") -> dict[str, Any]:
    """What is tracked after something bad arrives."""
    visit.page.evaluate("name => SessionMood.track(name, 1)", name)
    return visit.until(lambda: named(visit, name), f"{name} in the log")[0]  # type: ignore[no-any-return]


#: what an author hands over (JavaScript), and what the log has of it: name and value
HANDED = {
    "SessionMood.track('a string', '1')": ("a string", None),
    "SessionMood.track('a bigint', 10n)": ("a bigint", None),
    "SessionMood.track('not a number', NaN)": ("not a number", None),
    "SessionMood.track('endless', Infinity)": ("endless", None),
    "SessionMood.track('huge', 1e300)": ("huge", None),
    "SessionMood.track('an object', {toJSON() { throw 1 }})": ("an object", None),
    "SessionMood.track('a date', new Date())": ("a date", None),
    "SessionMood.track('a symbol', Symbol('x'))": ("a symbol", None),
    "SessionMood.track('an array', [3])": ("an array", None),
    "SessionMood.track('half \\u{1F44D}'.slice(0, 6))": ("half \ufffd", None),
    "SessionMood.track('\\udc4d other half', 2)": ("\ufffd other half", 2),
    "SessionMood.track('whole \\u{1F44D}', 3)": ("whole \U0001f44d", 3),
    "SessionMood.track('n'.repeat(300))": ("n" * 200, None),
    "SessionMood.track('m'.repeat(199) + '\\u{1F44D}')": ("m" * 199 + "\ufffd", None),
    "SessionMood.track({toString() { throw 1 }}, 4)": (None, 4),
    "SessionMood.track(Object.create(null), 5)": (None, 5),
    "SessionMood.goal(Symbol('x'))": (None, None),
    "SessionMood.goal('bought')": ("bought", None),
    "SessionMood.feedback(10n, 'bored')": ("bored", 1),
    "SessionMood.feedback({valueOf() { throw 1 }}, 'bored')": ("bored", 1),
    "SessionMood.feedback('', 'bored')": ("bored", 0),
}


def test_what_authors_hand_over_is_cut_to_the_wire(visit: Open) -> None:
    page = visit(PAGE).ready()
    for call in HANDED:
        page.page.evaluate(f"() => {{ {call} }}")
    page.click("#live")
    arrives(page)
    kept = [
        (e.get("name"), e.get("value")) for e in page.log() if e["type"] in ("custom", "goal", "feedback")
    ]
    assert kept[:-1] == list(HANDED.values())
    assert [e["type"] for e in page.log() if e.get("target") == "#live"][:2] == ["click", "response"]
    assert page.ops("nack") == []


def test_calls_that_are_no_calls_cost_only_themselves(visit: Open) -> None:
    page = visit(PAGE).ready()
    page.page.evaluate(
        """() => SessionMood.push(["nothing"], 5, null, ["track"], ["on", "event"], ["on", "constructor", 1],
        ["on", "toString", () => {}], ["track", "pushed", 7])"""
    )
    assert arrives(page, "later")
    assert named(page, "pushed")[0]["value"] == 7


#: what `beforeSend` does with the event of the name "bad" (JavaScript)
FILTERS = {
    "throws": "throw new Error('mine')",
    "throws nothing": "throw null",
    "says a string": "return 'junk'",
    "says a number": "return 7",
    "says true": "return true",
    "says a promise": "return Promise.resolve(e)",
    "says an object with a throwing getter": "return {get type() { throw new Error('mine') }}",
    "says a proxy": "return new Proxy({}, {get() { throw new Error('mine') }})",
    "says an array": "return [e]",
    "takes the type away": "return {...e, type: undefined}",
    "says what the server refuses": "return {...e, type: 'scroll', value: 101}",
    "says a type that is too long": "return {...e, type: ''}",
}


def test_a_filter_that_fails_withholds_that_event_and_no_other(visit: Open) -> None:
    page = visit(PAGE, attributes="data-manual")
    page.page.evaluate(
        """bodies => {
            const filters = Object.fromEntries(Object.entries(bodies).map(([n, body]) => [n, new Function('e', body)]));
            SessionMood.init({beforeSend: e => e.name in filters ? filters[e.name](e) : e});
        }""",
        FILTERS,
    )
    page.ready()
    for name in FILTERS:
        page.page.evaluate("name => SessionMood.track(name)", name)
        page.page.evaluate("name => SessionMood.track('next to ' + name)", name)
    page.click("#live")
    arrives(page)
    kept = [e["name"] for e in page.log() if e.get("name")]
    assert kept == [*(f"next to {name}" for name in FILTERS), "after"]
    assert page.of("response")
    refused = [frame for frame in page.ops("nack") if frame["code"] == "bad_event"]
    assert len(refused) == 1
    assert refused[0]["index"] >= 0


def test_what_a_listener_changes_does_not_change_what_is_sent(visit: Open) -> None:
    page = visit(PAGE).ready()
    page.page.evaluate("void SessionMood.on('event', e => { e.value = 10n; e.name = 'changed' })")
    assert arrives(page)["value"] == 1


#: what pages do to the built-in objects (JavaScript, before the script)
HOSTILE = {
    "Prototype.js 1.6": """Array.prototype.toJSON = function () { return '[' + this.map(x => Object.toJSON(x)).join(', ') + ']' };
        Object.toJSON = x => JSON.stringify(x); String.prototype.toJSON = function () { return '"' + this + '"' };
        Number.prototype.toJSON = function () { return '' + this }; Array.prototype.extra = () => 1""",
    "toJSON on every object": "Object.prototype.toJSON = function () { return 'mine' }",
    "toJSON that throws": "for (const c of [Object, Array, String, Number]) c.prototype.toJSON = () => { throw new Error('mine') }",
    "fields on every object": "Object.prototype.name = 'mine'; Object.prototype.extend = function () {}; Object.prototype.lost = 4",
}


@pytest.mark.parametrize("why", HOSTILE)
def test_pages_that_change_the_built_in_objects(visit: Open, why: str) -> None:
    page = visit("<p>x").ready()  # who is left before the welcome has no token yet
    page.site.pages["/hostile"] = page.html(PAGE).replace("<body>", f"<body><script>{HOSTILE[why]}</script>")
    page.go("/hostile")
    page.click("#dead", times=4)

    def rage() -> list[dict[str, Any]]:
        return [e for e in page.log() if e["type"] == "rage_click" and e.get("target") == "#dead"]

    page.until(rage, "the clicks in the log")
    # and what the tab keeps is read by its next page
    first = page.session
    page.go("/")
    page.ready()
    assert page.session == first
    assert not [frame for frame in page.received if frame.get("op") in ("nack", "error")]


# Options


#: an option of the wrong type (JavaScript), with which the visit goes on
OPTIONS = {
    "a session out of shape": "{session: 'anna@example.org/1'}",
    "a session that is too long": "{session: 's'.repeat(129)}",
    "a session that is an object": "{session: {id: 1}}",
    "a token without a session": "{token: 'nonsense'}",
    "a share that is none": "{sampleRate: 'half'}",
    "no share": "{sampleRate: null}",
    "texts that are none": "{helpTitle: 5, helpText: {}, helpUrl: null, helpTheme: 7}",
    "help that is no function": "{help: 'yes'}",
    "a debug that is none": "{every: 'x', debug: 0}",
    "nothing": "null",
    "a word": "'junk'",
}


def test_options_of_the_wrong_type_cost_only_themselves(visit: Open) -> None:
    page = visit(PAGE, attributes="data-manual")
    for why, given in OPTIONS.items():
        page.page.evaluate("sessionStorage.clear()")
        page.received.clear()
        page.go("/")
        page.page.evaluate(f"SessionMood.init({given})")
        page.until(lambda: page.ops("welcome"), f"the welcome with {why}")
        page.click("#live")
        assert arrives(page), why
        assert page.ops("error") == [], why


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("{ignore: '((('}", "`ignore` is no selector"),
        ("{beforeSend: 'mask'}", "`beforeSend` is no function"),
        ("{key: 'sk_secret'}", "a secret key"),
        ("{key: ''}", "no publishable key"),
        ("{host: 'mood.example.com:443'}", "host mood.example.com:443"),
    ],
)
def test_options_that_can_not_be_honoured_send_nothing_and_say_so(visit: Open, given: str, says: str) -> None:
    page = visit(PAGE, attributes="data-manual")
    heard: list[str] = []
    page.page.on("console", lambda message: heard.append(message.text))
    page.page.evaluate(f"SessionMood.init({given})")
    page.click("#dead")
    page.until(lambda: [text for text in heard if says in text], "the console's word")
    assert [f for f in page.sent if any(e.get("target") for e in f.get("events") or [])] == []


# What was thrown


#: how something fails (JavaScript), and the name that may leave; None: an error without a name
THROWN = {
    "setTimeout(() => { throw new TypeError('Jane') })": "TypeError",
    "setTimeout(() => { class PaymentError extends Error { name = 'PaymentError' } throw new PaymentError('Jane') })": "PaymentError",
    "Promise.reject({name: 'Jane Example', email: 'jane@example.org'})": None,
    "Promise.reject('Jane Example')": None,
    "Promise.reject(Object.assign(new Error('x'), {name: 'Jane Example'}))": None,
    "Promise.reject(Object.assign(new Error('x'), {name: {toString: () => 'Jane'}}))": None,
    "Promise.reject({get name() { throw 1 }, get stack() { throw 1 }})": None,
    "Promise.reject(new Proxy({}, {get() { throw 1 }, getPrototypeOf() { throw 1 }}))": None,
    "Promise.reject(Object.create(Error.prototype, {name: {value: 'Jane4711Error'}}))": None,
    "Promise.reject(7n)": None,
    "Promise.reject(Symbol('Jane'))": None,
    "Promise.reject()": None,
    "Promise.reject(new DOMException('Jane', 'NotFoundError'))": "NotFoundError",
}


def test_what_was_thrown_leaves_as_the_name_of_its_class_or_not_at_all(visit: Open) -> None:
    page = visit(PAGE).ready()
    for number, thrown in enumerate(THROWN, 1):
        page.page.evaluate(f"() => {{ {thrown} }}")
        page.until(lambda n=number: len(page.of("error")) == n, thrown)
    arrives(page)
    assert [e.get("name") for e in page.log() if e["type"] == "error"] == list(THROWN.values())
    assert [text for text in page.traffic if "Jane" in text or "jane" in text] == []
    page.errors.clear()


#: what is called off on purpose, by somebody's extension, or stopped on its way to a third party (JavaScript)
EXCUSED = {
    "a reason of one's own": "c = new AbortController; fetch('/api/slow', c).catch(() => {}); c.abort(new Error('newer'))",
    "a reason nobody catches": "c = new AbortController; fetch('/api/slow', c); c.abort(new Error('newer'))",
    "a word for a reason": "c = new AbortController; fetch('/api/slow', c); c.abort('newer')",
    "no reason": "c = new AbortController; fetch('/api/slow', c); c.abort()",
    "by its request": "c = new AbortController; fetch(new Request('/api/slow', c)); c.abort({newer: 1})",
    "one signal of several": "c = new AbortController; fetch('/api/slow', {signal: AbortSignal.any([c.signal])}); c.abort(9)",
    "work of another kind": "c = new AbortController; new Promise((_, no) => c.signal.onabort = () => no(c.signal.reason)); c.abort('x')",
    "an old-style request": "x = new XMLHttpRequest; x.open('GET', '/api/slow'); x.send(); x.abort()",
    "a library's word for it": "Promise.reject(Object.assign(new Error, {name: 'CanceledError'}))",
    "an ad blocker": "fetch('http://127.0.0.1:9/collect', {method: 'POST'}).catch(() => {})",
    "an ad blocker nobody catches": "fetch('http://127.0.0.1:9/collect')",
    "an old-style counter": "x = new XMLHttpRequest; x.open('POST', 'http://127.0.0.1:9/collect'); x.send()",
    "a counting picture": "new Image().src = 'http://127.0.0.1:9/p.gif'",
    "a third party's script": "document.head.append(Object.assign(document.createElement('script'), {src: 'http://127.0.0.1:9/s.js'}))",
    "a beacon": "navigator.sendBeacon('http://127.0.0.1:9/collect', 'x')",
    **{
        f"an extension, {scheme}": "setTimeout(() => (0, eval)(\"(() => { throw new TypeError('x') })()\\n"
        f'//# sourceURL={scheme}://abcdefgh/content.js"))'
        for scheme in ("chrome-extension", "moz-extension", "safari-web-extension")
    },
    "an extension's promise": "(0, eval)(\"Promise.reject(new TypeError('x'))\\n//# sourceURL=moz-extension://a/b.js\")",
}


def test_what_is_nobodys_trouble_is_no_error(visit: Open) -> None:
    page = visit("<button id=b>Do</button><ul id=list></ul>")
    page.site.answers["/api/slow"] = (200, 1)
    page.ready()
    for why, code in EXCUSED.items():
        page.page.evaluate(
            "code => { b.onclick = () => { list.insertAdjacentHTML('beforeend', '<li>item'); (0, eval)(code) } }",
            code,
        )
        page.click("#b")
        page.page.wait_for_timeout(250)
        assert page.of("error") == [], why
    arrives(page)
    assert [e for e in page.log() if e["type"] in ("error", "dead_click")] == []
    assert len([e for e in page.log() if e["type"] == "response"]) == len(EXCUSED)
    page.errors.clear()


def test_another_origin_that_has_answered_and_then_fails_is_trouble(visit: Open) -> None:
    page = visit("<p>x")
    other = page.site.base.replace("localhost", "127.0.0.1")
    page.site.headers["/api.json"] = {"access-control-allow-origin": "*"}
    page.site.pages["/api.json"] = "{}"
    page.site.pages["/two"] = page.html(
        f"""<button id=b onclick="fetch('{other}/api.json').then(() => this.textContent = 'Done')">Do</button>
        <button id=c onclick="fetch('{other}/no-cors').catch(() => {{}})">Do more</button>"""
    )
    page.received.clear()
    page.go("/two")
    page.ready()
    page.click("#b")
    page.until(lambda: page.of("response"), "the answer")
    page.click("#c")
    page.until(lambda: page.of("error"), "the error")
    assert (page.of("error")[0]["kind"], page.of("error")[0]["name"]) == ("request", "/no-cors")


def test_a_request_that_fails_and_is_not_caught_is_one_error(visit: Open) -> None:
    page = visit("<button id=b onclick=\"fetch('/cut')\">Do</button>").ready()
    page.page.route("**/cut", lambda route: route.abort())
    page.click("#b")
    page.until(lambda: page.of("error"), "the error")
    page.page.wait_for_timeout(300)
    assert [e["kind"] for e in page.of("error")] == ["request"]
    page.errors.clear()


# Embedding


def test_as_a_module(visit: Open) -> None:
    page = visit("<p>x")
    page.site.pages["/module"] = page.html(PAGE).replace("<script async", '<script type="module"')
    page.received.clear()
    page.go("/module")
    page.ready()
    page.click("#dead", times=4)
    page.until(lambda: page.of("rage_click"), "the rage")
    arrives(page)


def test_imported_without_a_tag(visit: Open) -> None:
    page = visit("<p>x")
    page.site.pages["/plain"] = f"<!doctype html><body>{PAGE}"
    page.go("/plain")
    page.received.clear()
    page.page.evaluate(
        """([base, key]) => import(base + "/sessionmood.js").then(() => SessionMood.init({key, host: base + "/"}))""",
        [page.base, page.server.pk],
    )
    page.until(lambda: page.ops("welcome"), "the welcome")
    page.until(lambda: page.loaded("eye"), "a part")


def test_started_stopped_and_started_is_one_visit_of_one_page(visit: Open) -> None:
    heard: list[str] = []
    page = visit(PAGE, attributes="data-manual")
    page.page.on("console", lambda message: heard.append(message.text))
    page.site.pages["/strict"] = page.html(
        PAGE + "<script>SessionMood.init();SessionMood.stop();SessionMood.init()</script>"
    ).replace("<script async", "<script")
    page.go("/strict")
    page.ready()
    page.click("#dead")
    arrives(page)
    assert [e["type"] for e in page.log()].count("page_view") == 1
    assert len(page.sockets) == 1
    assert [text for text in heard if "favicon" not in text and "404" not in text] == []
    # later, too
    page.page.evaluate("SessionMood.stop(); SessionMood.init()")
    page.until(lambda: len(page.ops("welcome")) == 2, "the second welcome")
    arrives(page, "again")
    assert [e["type"] for e in page.log()].count("page_view") == 1
    assert [text for text in heard if "403" in text] == []


HIDE = """Object.defineProperty(document, 'hidden', {configurable: true, get: () => !window.shown});
    Object.defineProperty(document, 'visibilityState', {configurable: true, get: () => window.shown ? 'visible' : 'hidden'})"""


def test_a_page_that_nobody_saw_is_no_visit(visit: Open) -> None:
    page = visit(PAGE, attributes="data-manual")
    behind = page.html(PAGE).replace("<body>", f"<body><script>{HIDE}</script>").replace("data-manual", "")
    page.site.pages["/behind"] = behind
    page.go("/behind")
    page.page.wait_for_function("window.SessionMood && !Array.isArray(SessionMood)")
    page.page.wait_for_timeout(300)
    assert page.page.evaluate("sessionStorage['sessionmood.session']") is None
    assert page.types() == []
    page.traffic.clear()
    page.go("/behind")  # closed unseen
    page.page.wait_for_function("window.SessionMood && !Array.isArray(SessionMood)")
    assert [text for text in page.traffic if "/events" in text] == []
    page.received.clear()
    page.page.evaluate("window.shown = true; document.dispatchEvent(new Event('visibilitychange'))")
    page.ready()
    page.until(lambda: [e for e in page.log() if e["type"] == "page_view"], "the view, once it was seen")
    page.page.evaluate("window.shown = false; document.dispatchEvent(new Event('visibilitychange'))")
    page.page.evaluate("window.shown = true; document.dispatchEvent(new Event('visibilitychange'))")
    arrives(page)
    assert [e["type"] for e in page.log()].count("page_view") == 1


@pytest.mark.whole_chromium
def test_windows_of_one_visit(visit: Open) -> None:
    """Six windows opened by script: the browser copies the tab's storage. They share the visit, and nothing else."""
    page = visit(PAGE).ready()
    arrives(page)
    others = []
    for n in range(5):
        with page.context.expect_page() as opened:
            page.page.evaluate("void window.open(location.href)")
        other = opened.value
        other.wait_for_function("window.producer && SessionMood.mood()")
        other.evaluate("n => SessionMood.track('window', n)", n)
        others.append(other)
    arrives(page, "all")
    page.until(lambda: len(named(page, "window")) == 5, "all windows in one log")
    kept = [json.loads(p.evaluate("sessionStorage['sessionmood.session']")) for p in [page.page, *others]]
    assert {each["id"] for each in kept} == {page.session}
    assert all(each["token"] for each in kept)
    assert len({e["producer"] for e in page.log()}) == 6
    others[0].close()
    page.received.clear()
    page.go("/")
    page.ready()
    arrives(page, "still here")


def test_a_fixed_session_that_is_refused_ends_and_says_why(visit: Open, helpful: ServerProcess) -> None:
    httpx2.post(
        f"{helpful.base}/v1/sessions/of-somebody/events",
        headers={"x-api-key": helpful.sk},
        json={"type": "click"},
    )
    page = visit(PAGE, attributes="data-manual")
    heard: list[str] = []
    page.page.on("console", lambda message: heard.append(message.text))
    page.page.evaluate("SessionMood.init({session: 'of-somebody', token: 'stale'})")
    page.until(lambda: [text for text in heard if "4010" in text and "/token" in text], "the console's word")
    sockets = len(page.sockets)
    page.page.wait_for_timeout(1500)
    assert len(page.sockets) == sockets == 1
    # with a good token, from the app
    token = httpx2.post(
        f"{helpful.base}/v1/sessions/of-somebody/token", headers={"x-api-key": helpful.sk}
    ).json()
    page.page.evaluate("token => SessionMood.init({token})", token["token"])
    page.ready()
    arrives(page)


def test_a_fixed_session_keeps_its_token_from_page_to_page(visit: Open) -> None:
    page = visit(PAGE, attributes='data-session="fixed-and-free"').ready()
    arrives(page)
    page.received.clear()
    page.go("/")
    page.ready()
    arrives(page, "second page")
    assert page.session == "fixed-and-free"
