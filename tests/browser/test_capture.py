"""What the script sees: facts from a real page, one by one."""

import time
from collections.abc import Callable

import pytest

from tests.browser.visit import Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Open = Callable[..., Visit]


def responses(visit: Visit, target: str) -> list[int]:
    return [event["value"] for event in visit.of("response") if event["target"] == target]


def waited(visit: Visit, began: float, what: str) -> int:
    """How long the page says that the click on #b, which came after `began`, had to wait: no longer than we did."""
    visit.until(lambda: responses(visit, "#b"), what)
    said = responses(visit, "#b")[0]
    assert 0 <= said <= (time.monotonic() - began) * 1000
    return said


def test_a_page_view_says_the_path_and_never_the_query(visit: Open) -> None:
    page = visit("<p>x", path="/shop/mugs").ready()
    page.go("/shop/mugs?email=a@b.c#private")
    page.until(lambda: page.of("page_view"), "the page view")
    assert page.of("page_view")[0]["url"] == "/shop/mugs"
    page.page.reload()
    page.until(lambda: page.of("page_view"), "the page view")
    assert page.of("page_view")[0]["kind"] == "reload"
    assert not any("a@b.c" in text or "private" in text for text in page.traffic)


def test_a_click_names_its_element_and_place(visit: Open) -> None:
    page = visit(
        '<button id=pay><span>Pay</span></button><div data-testid=box><a href="#x"><b>deep</b></a></div>'
    ).ready()
    page.click("span")
    page.click("b")
    first, second = page.of("click")
    assert first["target"] == "#pay"
    assert (first["x"], first["y"]) > (0, 0)
    assert second["target"] == '[data-testid="box"]>a'


def test_selectors_leave_out_what_was_generated_or_says_who(visit: Open) -> None:
    page = visit('<main><button id="order-4711123">A</button><button id=":r1:">B</button></main>').ready()
    page.click("text=A")
    page.click("text=B")
    assert [event["target"] for event in page.of("click")] == [
        "html>body>main>button:nth-of-type(1)",
        "html>body>main>button:nth-of-type(2)",
    ]


def test_a_role_says_more_than_a_tag(visit: Open) -> None:
    page = visit(
        "<div id=root><div><div role=tablist><div role=tab tabindex=0>A</div><div role=tab tabindex=0>B</div>"
    ).ready()
    page.click("text='B'")
    assert page.of("click")[0]["target"] == '#root>div>[role="tablist"]>[role="tab"]:nth-of-type(2)'


def test_an_element_keeps_its_name_beside_a_banner_that_some_visitors_see(visit: Open) -> None:
    tree = (
        "<div id=root><section><header><a>Home</a></header><p>Cart</p><button>Pay</button></section>"
        "<b data-test=star>1</b><b data-cy=box-two>2</b></div>"
    )
    texts = ("Home", "Pay", "1", "2")
    names = []
    for body in (tree, tree.replace("<section>", "<section><div>Sale!</div><p>Today only</p>")):
        page = visit(body).ready()
        for text in texts:
            page.click(f"text='{text}'")
        names.append([event["target"] for event in page.of("click")])
    assert names[0] == [
        "#root>section>header>a",
        "#root>section>button",
        '[data-test="star"]',
        '[data-cy="box-two"]',
    ]
    assert names[1] == names[0]


def test_a_deep_element_has_a_name_of_200_characters_at_most(visit: Open) -> None:
    page = visit("<div>" * 60 + "<button>deep</button>").ready()
    page.click("button")
    assert len(page.of("click")[0]["target"]) == 200


ANSWERS = {
    "the DOM changes": "<button id=b onclick=\"this.textContent+='!'\">b</button>",
    "its words change later": "<button id=b onclick='setTimeout(()=>this.textContent=1,300)'>b</button>",
    "the address changes": "<button id=b onclick='history.pushState(0,0,\"/next\")'>b</button>",
    "what a request brings": "<button id=b onclick='fetch(\"/api/quick\").then(()=>this.textContent=1)'>b</button>",
    "what an old-style request brings": "<button id=b onclick='x=new XMLHttpRequest;x.onload=()=>this.textContent=1;"
    'x.open("GET","/api/quick");x.send()\'>b</button>',
    "the page scrolls": "<button id=b onclick='window.scrollTo(0,900)'>b</button><div style=height:3000px>",
    "something is copied": "<button id=b onclick='navigator.clipboard.writeText(\"x\").catch(()=>{})'>b</button>",
    "the field beside it steps": "<button id=b onclick='i.value=+i.value+1'>+</button><input id=i value=1>",
    "a menu opens on press": "<button id=b onpointerdown='m.hidden=false'>b</button><ul id=m hidden><li>x</ul>",
    "details unfold": "<details><summary id=b>more</summary>text</details>",
    "a popover opens": "<button id=b popovertarget=p>b</button><div id=p popover>hi</div>",
    "a field gets the focus": "<button id=b onclick='document.getElementById(\"f\").focus()'>b</button><input id=f>",
    "a choice is made": "<input id=b type=checkbox>",
    "a dialog opens": "<button id=b onclick='d.showModal()'>b</button><dialog id=d>hi</dialog>",
}
NOTHING = {
    "a button without a handler": "<button ID>b</button>",
    "a disabled button": "<button ID disabled>b</button>",
    "something that looks like a button": "<div ID style=cursor:pointer>b</div>",
    "a link to nowhere": "<a ID href='#'>b</a>",
    "only counted, by beacon": "<button ID onclick='navigator.sendBeacon(\"/api/count\")'>b</button>",
    "only counted, by fetch": '<button ID onclick=\'fetch("/api/count",{keepalive:true,method:"POST"})\'>b</button>',
    "a request that fails": "<button ID onclick='fetch(\"/api/broken\").catch(()=>{})'>b</button>",
    "a request that ends well, and shows nothing": "<button ID onclick='fetch(\"/api/count\")'>b</button>",
    "a mark that nobody sees": "<button ID onclick='this.dataset.on=1'>b</button>",
    "nothing to see": "<button ID onclick='document.head.append(document.createElement(\"script\"))'>b</button>",
}


def test_answers(visit: Open) -> None:
    page = visit("<p>x")
    page.site.answers["/api/quick"] = (200, 0.05)
    page.ready()
    for why, body in ANSWERS.items():
        page.show(body)
        began = time.monotonic()
        page.click("#b", pause_ms=0)
        waited(page, began, f"the answer: {why}")
        assert page.of("dead_click") == []


def test_dead_clicks(visit: Open) -> None:
    ids = [f"b{n}" for n in range(len(NOTHING))]
    body = "".join(
        f"<p>{html.replace('ID', 'id=' + id)}" for id, html in zip(ids, NOTHING.values(), strict=True)
    )
    page = visit(body)
    page.site.answers["/api/count"] = (200, 0)
    page.site.answers["/api/broken"] = (500, 0)
    page.ready()
    page.show(body + "<p data-sessionmood-ignore id=ticker>")
    page.page.evaluate("setInterval(() => ticker.textContent = Date.now(), 50)")
    for id in ids:
        box = page.page.locator(f"#{id}").bounding_box()
        assert box is not None
        page.page.mouse.click(box["x"] + 5, box["y"] + 5)
        page.page.wait_for_timeout(60)
    page.until(lambda: len(page.of("dead_click")) == len(ids), "the dead clicks")
    assert sorted(event["target"] for event in page.of("dead_click")) == [f"#{id}" for id in ids]
    assert page.of("response") == []


def test_a_slow_answer_has_its_wait_and_is_not_dead(visit: Open) -> None:
    page = visit('<button id=b onclick=\'fetch("/api/slow").then(()=>this.textContent="done")\'>b</button>')
    page.site.answers["/api/slow"] = (200, 3.2)
    page.ready()
    began = time.monotonic()
    page.click("#b")
    assert waited(page, began, "the answer") > 3000
    assert page.of("dead_click") == []


def test_what_a_busy_page_does_once_it_comes_to_a_click_is_that_clicks_doing(visit: Open) -> None:
    page = visit(
        '<button id=b onclick=\'fetch("/api/slow").then(()=>this.textContent="done")\'>b</button>'
        "<button id=fails onclick=\"fetch('/api/broken')\">b</button>"
    )
    page.site.answers["/api/slow"] = (200, 3.2)
    page.site.answers["/api/broken"] = (503, 0)
    page.ready()
    page.until(lambda: page.page.evaluate("performance.now() > 2000"), "a page older than the click")
    page.click("#b", late_ms=1200)
    page.until(lambda: responses(page, "#b") or page.of("dead_click"), "the verdict")
    assert page.of("dead_click") == []
    page.click("#fails", late_ms=1200)
    page.until(lambda: page.of("error"), "the error")
    assert page.of("error")[0]["target"] == "#fails"


def test_a_link_to_a_slow_page_is_answered_when_the_page_goes(visit: Open) -> None:
    page = visit('<a id=b href="/next">next</a>')
    page.site.answers["/next"] = (200, 3.0)
    page.ready()
    session = page.session
    page.page.click("#b", no_wait_after=True)
    page.until(lambda: page.page.url.endswith("/next"), "the next page")

    def kept() -> list[dict[str, object]]:
        events = page.server.get(f"/v1/sessions/{session}/timeline").json()["events"]
        return [event for event in events if event["type"] in ("response", "dead_click")]

    answered = page.until(kept, "the answer in the log")
    assert [event["type"] for event in answered] == ["response"]
    assert answered[0]["value"] > 2500


def test_only_the_clicked_thing_is_answered(visit: Open) -> None:
    page = visit(
        "<button id=dead>dead</button><button id=live onclick='this.textContent+=\"!\"'>live</button>"
    ).ready()
    page.click("#dead")
    page.click("#live")
    page.until(lambda: page.of("dead_click"), "the dead click")
    assert responses(page, "#dead") == []
    assert len(responses(page, "#live")) == 1


def test_a_click_on_plain_text_is_never_dead(visit: Open) -> None:
    page = visit("<p id=p>plain text</p><button id=b>b</button>").ready()
    page.click("#p")
    page.click("#b")
    page.until(lambda: page.of("dead_click"), "the button's dead click")
    assert [event["target"] for event in page.of("dead_click")] == ["#b"]


def test_rage_is_four_clicks_in_a_second_that_nothing_answers(visit: Open) -> None:
    page = visit(
        "<button id=dead>dead</button><button id=live onclick='this.textContent+=\"!\"'>+</button>"
    ).ready()
    page.click("#live", times=6, pause_ms=60)
    page.click("#dead", times=4, pause_ms=100)
    (rage,) = page.until(lambda: page.of("rage_click"), "the verdict")
    assert (rage["target"], rage["value"]) == ("#dead", 4)
    fourth = [event["at"] for event in page.of("click") if event["target"] == "#dead"][3]
    assert rage["at"] - fourth >= 600, "not before the page had its time"
    page.until(lambda: len(page.of("dead_click")) == 4, "the dead clicks")
    assert page.types().index("rage_click") < page.types().index("dead_click")
    assert len(page.of("rage_click")) == 1


#: Four fast clicks each. What is slow, on its way elsewhere, or nothing to click on, is not dead.
NO_RAGE = {
    "an answer after 300 ms": "<button id=b onclick=\"setTimeout(()=>this.textContent+='!',300)\">b</button>",
    "a request under way": "<button id=b onclick='fetch(\"/api/slow\").then(()=>this.textContent=1)'>b</button>",
    "an old-style request under way": "<button id=b onclick='x=new XMLHttpRequest;x.onload=()=>this.textContent=1;"
    'x.open("GET","/api/slow");x.send()\'>b</button>',
    "only the first click asks": '<button id=b onclick=\'window.asked??=fetch("/api/slow").then('
    '()=>this.textContent="done")\'>b</button>',
    "nothing that looks like a button": "<div id=b style='width:90px;height:90px;user-select:none'></div>",
}


def test_four_clicks_on_what_is_not_dead_are_no_rage(visit: Open) -> None:
    page = visit("<p>x")
    page.site.answers["/api/slow"] = (200, 1.5)
    page.ready()
    for why, body in NO_RAGE.items():
        page.page.evaluate("delete window.asked")
        page.show(body)
        page.click("#b", times=4, pause_ms=60)
        if "nothing" in why:
            page.show("<button id=b>dead</button>")
            page.click("#b")
            page.until(lambda: page.of("dead_click"), "a later click's verdict")
        else:
            page.until(lambda: len(responses(page, "#b")) >= 4, f"the answers: {why}")
            assert page.of("dead_click") == [], why
        assert page.of("rage_click") == [], why


def test_a_request_that_fails_was_not_the_answer(visit: Open) -> None:
    page = visit("<button id=b onclick=\"fetch('/api/broken',{method:'POST'}).catch(()=>{})\">b</button>")
    page.site.answers["/api/broken"] = (500, 1.2)
    page.ready()
    page.click("#b", times=4, pause_ms=60)
    page.until(lambda: page.of("rage_click"), "the verdict")
    assert page.types().index("error") < page.types().index("rage_click")


def test_who_leaves_while_a_click_waits_is_told(visit: Open) -> None:
    # The page leaves by its own clock: between one second and the verdict, however slow the machine is.
    page = visit(
        """<button id=b style=padding:20px>b</button><script>let at;
        addEventListener('pointerup', () => { at = performance.now() });
        setInterval(() => { if (at && performance.now() - at > 1300) location.href = '/next' }, 50)</script>"""
    )
    page.site.pages["/next"] = page.html("<p>next")
    page.ready()
    page.click("#b")
    left = page.until(
        lambda: [e for e in page.log() if e.get("name") == "left_waiting"], "the wait it was left in"
    )[0]
    assert left["target"] == "#b"
    assert 1000 < left["value"] < 2600
    assert [e for e in page.log() if e["type"] in ("response", "dead_click")] == []


def test_a_drag_is_no_click(visit: Open) -> None:
    page = visit("<div id=map style='width:300px;height:300px;background:#ccc'></div>").ready()
    page.page.mouse.move(50, 50)
    page.page.mouse.down()
    page.page.mouse.move(180, 120, steps=5)
    page.page.mouse.up()
    page.click("#map")
    assert len(page.of("click")) == 1


def test_a_label_click_counts_once(visit: Open) -> None:
    page = visit("<label>Yes <input type=checkbox id=c></label>").ready()
    page.page.click("label", position={"x": 5, "y": 5})
    assert len(page.of("click")) == 1


def test_a_keyboard_click_has_no_place(visit: Open) -> None:
    page = visit("<button id=b onclick='this.textContent=1'>b</button>").ready()
    page.page.focus("#b")
    page.page.keyboard.press("Enter")
    click = page.until(lambda: page.of("click"), "the click")[0]
    assert "x" not in click


def test_scripted_clicks_are_not_the_visitors(visit: Open) -> None:
    page = visit("<button id=b>b</button>").ready()
    page.page.evaluate("b.click()")
    page.click("#b")
    assert len(page.of("click")) == 1


def test_errors(visit: Open) -> None:
    page = visit(
        """<button id=js onclick="setTimeout(()=>{throw new TypeError('secret text')})">a</button>
        <button id=promise onclick="Promise.reject(new RangeError('x'))">b</button>
        <button id=fetch onclick="fetch('/api/broken?token=secret')">c</button>
        <button id=xhr onclick="r=new XMLHttpRequest;r.open('GET','/api/broken');r.send()">d</button>
        <button id=gone onclick="fetch('http://localhost:1/api').catch(()=>{})">e</button>
        <button id=off onclick="c=new AbortController;fetch('/api/slow',c).catch(()=>{});c.abort()">f</button>
        <button id=img onclick="i=new Image;i.src='/missing.png';document.body.append(i)">g</button>
        <form><input id=mail type=email required><input required><button id=send>send</button></form>
        <input id=own><button id=check onclick="own.setAttribute('aria-invalid','true')">h</button>"""
    )
    page.site.answers["/api/broken"] = (503, 0)
    page.site.answers["/api/slow"] = (200, 1)
    page.ready()
    # how many errors there are after each: what fails by the network does so when that is ready to. An origin of others
    # that never answered may be one that an ad blocker stops: nobody's trouble
    seen = {"js": 1, "promise": 2, "fetch": 3, "xhr": 4, "gone": 4, "off": 4, "img": 5, "send": 6, "check": 7}
    for name, errors in seen.items():
        page.click(f"#{name}", pause_ms=250)
        page.until(lambda n=errors: len(page.of("error")) >= n, f"the error of {name}")
    found = [(e["kind"], e.get("target"), e.get("value"), e.get("name")) for e in page.of("error")]
    assert found == [
        ("js", "#js", None, "TypeError"),
        ("js", "#promise", None, "RangeError"),
        ("request", "#fetch", 503, "/api/broken"),
        ("request", "#xhr", 503, "/api/broken"),
        ("request", "html>body>img", None, None),
        ("validation", "#mail", None, None),
        ("validation", "#own", None, None),
    ]
    assert not any("secret" in text for text in page.traffic)
    page.errors.clear()


def test_requests_of_others_that_fail_are_not_the_visitors_trouble(visit: Open) -> None:
    page = visit("<script>fetch('http://localhost:1/ads').catch(()=>{})</script><p id=p>x</p>").ready()
    page.click("#p")
    assert page.of("error") == []


def test_hands(visit: Open) -> None:
    page = visit(
        """<form onsubmit="event.preventDefault()"><input id=name><button id=send>send</button></form>
        <a id=link href="#a">somewhere</a><div style=height:4000px></div>"""
    ).ready()
    page.page.mouse.move(300, 300)
    page.hands()
    page.click("#name")
    page.page.keyboard.type("my secret")
    page.page.keyboard.press("Control+A")
    page.page.keyboard.press("Control+C")
    page.page.keyboard.press("Control+V")
    page.click("#send")
    page.page.hover("#link")
    page.page.wait_for_timeout(1100)
    page.page.mouse.move(600, 400)
    for _ in range(4):
        page.page.mouse.wheel(0, 500)
        page.page.wait_for_timeout(120)
    # scrolling is smooth: it ends when the machine has drawn it
    page.until(lambda: sum(event["dy"] for event in page.of("scroll")) >= 2000, "the scroll's end")
    seen = [(event["type"], event.get("target")) for event in page.told]
    for fact in [("focus", "#name"), ("input", "#name"), ("copy", "#name"), ("paste", "#name"), ("blur", "#name"),
                 ("hover", "#link")]:  # fmt: skip
        assert fact in seen
    assert "submit" in page.types()
    assert page.of("hover")[0]["value"] >= 1000
    assert len([fact for fact in seen if fact == ("input", "#name")]) <= 3, "typing is told, not how"
    scrolls = page.of("scroll")
    assert sum(event["dy"] for event in scrolls) == 2000
    assert 0 < scrolls[-1]["value"] < 100
    assert [event["value"] for event in scrolls] == sorted(event["value"] for event in scrolls)
    assert not any("secret" in text for text in page.traffic)


def test_a_shaken_pointer_is_one_score(visit: Open) -> None:
    page = visit("<p>x").ready()
    page.page.mouse.move(400, 300)
    page.hands()
    for i in range(40):
        page.page.mouse.move(400 + (90 if i % 2 else -90), 300 + (i % 3) * 10)
        page.page.wait_for_timeout(18)
    shaken = page.until(lambda: page.of("custom"), "the score")[0]
    assert shaken["name"] == "thrashed_cursor"
    assert 0.65 <= shaken["value"] <= 1


def test_a_calm_pointer_is_no_thrash(visit: Open) -> None:
    page = visit("<p>x").ready()
    for i in range(60):
        page.page.mouse.move(100 + i * 12, 300 + (i % 2))
        page.page.wait_for_timeout(16)
    assert page.of("custom") == []


def test_navigation_of_an_app_with_its_own_routes(visit: Open) -> None:
    page = visit(
        "<button id=b onclick=\"history.pushState(0,0,'/two?q=secret')\">b</button><a id=a href='#part'>a</a>"
    ).ready()
    page.click("#b")
    page.click("#a")
    page.page.go_back()
    page.page.go_back()
    page.page.go_forward()
    page.until(lambda: len(page.of("navigation")) == 5, "the navigations")
    assert [(event["kind"], event["url"]) for event in page.of("navigation")] == [
        ("push", "/two"), ("hash", "/two"), ("back", "/two"), ("back", "/"), ("forward", "/two"),
    ]  # fmt: skip
    assert not any("secret" in text or "part" in text.partition('"events"')[2] for text in page.traffic)


def test_navigation_without_the_navigation_api(visit: Open) -> None:
    page = visit("<p>x").ready()
    page.context.add_init_script("delete window.navigation; delete Window.prototype.navigation")
    page.go("/")
    page.until(lambda: page.of("page_view"), "the page view")
    page.page.evaluate("history.pushState(0, 0, '/two')")
    page.back()
    page.until(lambda: len(page.of("navigation")) == 2, "the navigations")
    assert [event["kind"] for event in page.of("navigation")] == ["push", "back"]


def test_routes_in_the_hash_are_pages(visit: Open) -> None:
    page = visit("<p>x").ready()
    page.page.evaluate("location.hash = '#/orders?id=secret'")
    page.until(lambda: page.of("navigation"), "the navigation")
    assert page.of("navigation")[0]["url"] == "/#/orders"


def test_what_was_taken_out_is_not_seen(visit: Open) -> None:
    page = visit(
        "<div data-sessionmood-ignore><button id=a>a</button></div>"
        "<button class=mine id=b>b</button><button id=c>c</button>",
        attributes='data-ignore=".mine"',
    ).ready()
    for name in ("#a", "#b", "#c"):
        page.click(name)
    assert [event["target"] for event in page.of("click")] == ["#c"]


def test_silence_is_told(visit: Open) -> None:
    page = visit("<p>x").ready()
    # the page's clock is turned, so that nobody has to sit still for half a minute
    page.page.clock.install()
    page.go("/")
    page.page.mouse.move(200, 200)
    page.hands()
    page.page.mouse.move(240, 200)
    page.page.clock.run_for(31000)
    assert [event["value"] for event in page.of("idle")] == [30]


def test_a_stepper_at_its_end_is_told_as_that(visit: Open) -> None:
    page = visit(
        """<button id=less>«</button> <b id=n>1</b> <button id=more onclick="n.textContent++">»</button>
        <script>less.onclick = () => { n.textContent = Math.max(1, n.textContent - 1) }</script>"""
    ).ready()
    page.click("#less", times=3, pause_ms=300)
    page.until(lambda: len(page.of("dead_click")) == 3, "the verdicts")
    assert {event.get("kind") for event in page.of("dead_click")} == {"end"}
    # fast clicks are, too, once it has been seen to work
    for step, steps in (("#more", 1), ("#less", 2)):
        page.click(step)
        page.until(lambda steps=steps: len(page.of("response")) == steps, "the step")
    page.click("#less", times=4, pause_ms=100)
    page.until(lambda: page.of("rage_click"), "the hammering")
    assert page.of("rage_click")[0]["kind"] == "end"
