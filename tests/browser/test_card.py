# ruff: noqa: E501 (a case is one line)
"""The help card itself: what it says, what it offers, where it can be reached, and by whom."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.helped import DEAD, card, offered, outcomes, stuck
from tests.browser.npm import CLIENTS
from tests.browser.visit import Visit
from tests.support.server import ServerProcess, running

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Open = Callable[..., Visit]


def heading(visit: Visit) -> str:
    """The card's title, without the marks that keep a label's direction to itself."""
    return re.sub("[\u2068\u2069]", "", str(card(visit).get_by_role("heading").inner_text()))


def buttons(visit: Visit) -> list[str]:
    """The names of what can be pressed in the card."""
    shown = visit.page.evaluate(
        """() => [...document.querySelector('session-mood').shadowRoot.querySelectorAll('button, a')]
            .map(e => e.ariaLabel || e.textContent)"""
    )
    return list(shown)


def focus(visit: Visit) -> str:
    """What has the focus: in the card its text, on the page its id."""
    return str(
        visit.page.evaluate(
            """() => { let e = document.activeElement; while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
            return e.id || e.ariaLabel || (e === document.body ? 'body' : e.textContent) }"""
        )
    )


def test(visit: Visit) -> None:
    """The card at once."""
    visit.page.evaluate("SessionMood.testHelp()")
    card(visit)


test.__test__ = False  # type: ignore[attr-defined]


# What it offers


def test_with_nothing_to_open_it_offers_nothing_to_open(visit: Open) -> None:
    heard: list[str] = []
    page = visit(DEAD).ready()
    page.page.on("console", lambda message: heard.append(message.text))
    stuck(page)
    assert heading(page) == "‘Apply’ does not respond"
    assert buttons(page) == ["Not now", "Close"]
    page.until(lambda: [t for t in heard if "nothing to open" in t and "/docs#" in t], "the hint")


def test_the_pages_own_chat_from_our_card(visit: Open) -> None:
    page = visit(
        DEAD
        + "<script>SessionMood.push(['on', 'help', o => o.onAccept = () => window.chat = o.reading.mood])</script>"
    ).ready()
    stuck(page)
    card(page)
    assert buttons(page) == ["Get help", "Not now", "Close"]
    card(page).get_by_role("button", name="Get help").click()
    assert page.page.evaluate("chat") == "frustrated"
    assert outcomes(page, 2) == ["shown", "accepted"]


#: what the author gives for content (JavaScript), and what the card says then
CONTENT = {
    "{help: () => 'Call us'}": "Call us",
    "{help: () => Object.assign(document.createElement('p'), {textContent: 'Write us'})}": "Write us",
    "{help: () => { throw new Error('mine') }}": "Trying again",
    "{help: () => null}": "Trying again",
    "{helpContent: '((('}": "Trying again",
    "{helpContent: '#nothing'}": "Trying again",
    "{helpUrl: '/contact'}": "Is something not working",
    "{helpTitle: 5, helpText: {}}": "Trying again",
}


def test_content_that_fails_costs_only_itself(visit: Open) -> None:
    page = visit(DEAD, attributes="data-manual")
    for given, says in CONTENT.items():
        page.go("/")
        page.page.evaluate(f"SessionMood.init({given})")
        test(page)
        assert says in card(page).locator("section").inner_text(), given


def test_a_listener_that_fails_does_not_cost_the_card(visit: Open) -> None:
    page = visit(
        DEAD + "<script>SessionMood.push(['on', 'help', () => { throw new Error('mine') }])</script>"
    ).ready()
    stuck(page)
    card(page)
    assert outcomes(page, 1) == ["shown"]


# What it calls things


#: what does not respond, and what the card calls it
NAMES = {
    "<button id=x>Buy now</button>": "‘Buy now’ does not respond",
    "<button id=x aria-label='Close the menu'>✕</button>": "‘Close the menu’ does not respond",
    "<i id=l>Save draft</i><button id=x aria-labelledby=l>✓</button>": "‘Save draft’ does not respond",
    "<button id=x><span aria-hidden=true>shopping_cart</span> Buy\n  <b>all</b></button>": "‘Buy all’ does not respond",
    "<button id=x><img alt=Print width=20 height=20></button>": "‘Print’ does not respond",
    f"<button id=x>{'Very long words ' * 9}</button>": "‘Very long words Very long words Very lo…’ does not respond",
    f"<button id=x>{chr(0x1F44D) * 60}</button>": f"‘{chr(0x1F44D) * 39}…’ does not respond",
    "<button id=x>\u202eshop\u2067</button>": "‘shop’ does not respond",
    "<button id=x>عرض التفاصيل</button>": "‘عرض التفاصيل’ does not respond",
    "<button id=x>$& {label} $1</button>": "‘$& {label} $1’ does not respond",
    "<button id=x style='width:60px;height:30px'></button>": "Is something not working?",
    "<input id=x type=submit value='My secret' onclick='return false'>": "Is something not working?",
    "<div id=x role=button tabindex=0>Note <textarea>My secret</textarea></div>": "Is something not working?",
}


#: Verdicts that come 2.5 s after a click, or say that none can be given.
LATE = ("dead_click", "response")


def test_it_names_what_does_not_respond_by_the_pages_own_label(visit: Open) -> None:
    page = visit("<p>x").ready()
    for body, says in NAMES.items():
        page.show(body)
        page.page.evaluate("document.activeElement.blur()")
        page.page.keyboard.press("Escape")
        page.until(lambda: page.cards() == 0, "the last card's end")
        box = page.page.locator("#x").bounding_box()
        assert box is not None
        for _ in range(4):
            page.page.mouse.click(box["x"] + 8, box["y"] + 8)
            page.page.wait_for_timeout(60)
        page.until(
            lambda: [e for e in page.told if e["type"] in ("rage_click", "dead_click")],
            f"the verdict on {body}",
        )
        test(page)
        assert heading(page) == says, body
        # the last of this body's verdicts must not be taken for one on the next
        page.until(lambda: len([e for e in page.told if e["type"] in LATE]) >= 4, f"all verdicts on {body}")
    assert [text for text in page.traffic if "Buy" in text or "secret" in text or "respond" in text] == []


def test_the_authors_own_title_stands(visit: Open) -> None:
    page = visit(DEAD, attributes='data-help-title="Brauchen Sie Hilfe?"').ready()
    stuck(page)
    assert heading(page) == "Brauchen Sie Hilfe?"
    page = visit(
        DEAD, attributes='data-help-title="Hilfe?" data-help-stuck="„{label}“ antwortet nicht"'
    ).ready()
    stuck(page)
    assert heading(page) == "„Apply“ antwortet nicht"


# Where it is


def pressed(visit: Visit, name: str = "Not now") -> None:
    """A real press on a button of the card, where one sees it."""
    place = card(visit).get_by_role("button", name=name)
    visit.until(lambda: hit(visit, place), "the card within reach")
    box = place.bounding_box()
    visit.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    visit.until(lambda: visit.cards() == 0, "the card's end")


def hit(visit: Visit, place: Any) -> bool:
    """Whether a press there would reach it, whatever shadow roots are around."""
    return bool(
        place.evaluate(
            """e => { const r = e.getBoundingClientRect(); let at = document, found, last;
            while ((found = at.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2)) && found !== last) {
              if (found === e) return true; last = found; at = found.shadowRoot || at } return false }"""
        )
    )


MODAL = """<dialog id=box style="width:100vw;height:100vh;max-width:none;max-height:none">
  <button id=dead>Apply</button><button id=inner onclick="this.textContent+='!'">Other</button></dialog>
  <button id=outer>Outer</button><script>box.showModal()</script>"""


def test_above_a_modal_dialog(visit: Open) -> None:
    page = visit(MODAL, attributes="data-help-url=/contact").ready()
    stuck(page)
    card(page)
    page.page.keyboard.press("Tab")
    page.until(lambda: focus(page) == "Get help", "the focus in the card")
    page.page.keyboard.press("Escape")
    page.until(lambda: page.cards() == 0, "the card's end")
    assert page.page.evaluate("box.open"), "Escape in the card is not for the dialog"
    assert focus(page) == "dead"
    assert outcomes(page, 2) == ["shown", "dismissed"]
    # Escape outside of the card is for the dialog
    test(page)
    page.page.keyboard.press("Escape")
    page.until(lambda: not page.page.evaluate("box.open"), "the dialog's end")
    pressed(page)


def test_with_a_dialog_that_comes_and_goes(visit: Open) -> None:
    page = visit("<dialog id=box><p>x</dialog><dialog id=second>y</dialog>").ready()
    test(page)
    page.page.evaluate("box.showModal()")
    page.until(lambda: hit(page, card(page).get_by_role("button", name="Not now")), "the card in the dialog")
    page.page.evaluate("second.showModal()")
    page.until(
        lambda: hit(page, card(page).get_by_role("button", name="Not now")), "the card in the second dialog"
    )
    page.page.evaluate("second.close(); second.remove()")
    page.until(
        lambda: hit(page, card(page).get_by_role("button", name="Not now")), "the card in the first again"
    )
    page.page.evaluate("box.close()")
    pressed(page)


def test_in_a_dialog_of_a_web_component(visit: Open) -> None:
    page = visit(
        """<my-dialog id=host></my-dialog><script>
        const root = host.attachShadow({mode: 'open'});
        root.innerHTML = '<dialog><button>In here</button></dialog>'; root.firstChild.showModal()</script>"""
    ).ready()
    test(page)
    pressed(page)


@pytest.mark.whole_chromium
def test_above_a_fullscreen_element_and_a_popover(visit: Open) -> None:
    page = visit(
        """<div id=big style="background:#ccc"><button id=b onclick="big.requestFullscreen()">Full</button></div>
        <div id=pop popover=manual style="inset:0;width:100vw;height:100vh">all over</div>"""
    ).ready()
    page.click("#b")
    page.until(lambda: page.page.evaluate("!!document.fullscreenElement"), "the full screen")
    test(page)
    page.page.evaluate("pop.showPopover()")
    pressed(page)
    test(page)
    page.page.evaluate("pop.hidePopover(); document.exitFullscreen()")
    page.until(lambda: not page.page.evaluate("!!document.fullscreenElement"), "the end of the full screen")
    pressed(page)


#: a dialog made without the browser's: it holds the focus, and closes when something outside is pressed
HOLDER = """<div id=box style="position:fixed;inset:0;z-index:99999;background:#eee"><button id=inner>Inner</button></div>
<script>
  document.addEventListener('focusin', e => box.contains(e.target) || inner.focus(), true);
  document.addEventListener('focusout', e => box.contains(e.relatedTarget) || inner.focus(), true);
  for (const type of ['pointerdown', 'mousedown', 'click'])
    document.addEventListener(type, e => box.contains(e.target) || (window.outside = type));
  document.addEventListener('keydown', e => e.key === 'Tab' && (e.preventDefault(), inner.focus()), true);
  inner.focus()
</script>"""


def test_beside_a_dialog_that_holds_the_focus(visit: Open) -> None:
    page = visit(HOLDER).ready()
    test(page)
    page.page.keyboard.press("Tab")
    assert focus(page) == "Not now"
    page.page.keyboard.press("Tab")
    assert focus(page) == "Close"
    page.page.keyboard.press("Tab")
    assert focus(page) == "inner"
    pressed(page)
    assert page.page.evaluate("window.outside") is None


def visible(visit: Visit) -> dict[str, float]:
    """How far the card is inside what is seen of the page: negative is outside (px of the screen), and its width."""
    return dict(
        visit.page.evaluate(
            """() => { const v = visualViewport, r = document.querySelector('session-mood').shadowRoot
                .querySelector('section').getBoundingClientRect();
              return {left: (r.left - v.offsetLeft) * v.scale, right: (v.offsetLeft + v.width - r.right) * v.scale,
                top: (r.top - v.offsetTop) * v.scale, bottom: (v.offsetTop + v.height - r.bottom) * v.scale,
                width: r.width * v.scale} }"""
        )
    )


PHONE = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
}
#: pages on a phone: the head, and what is wider than the screen
WIDE = {
    "one that fits": '<meta name=viewport content="width=device-width">',
    "one that overflows": '<meta name=viewport content="width=device-width"><style>main{width:1100px;height:3000px}</style>',
    "one made for desks": "<style>main{width:1400px;height:3000px}</style>",
    "one that overflows, from right to left": '<meta name=viewport content="width=device-width">'
    "<style>html{direction:rtl}main{width:1100px;height:3000px}</style>",
}


@pytest.mark.parametrize("why", WIDE)
def test_on_a_phone(visit: Open, why: str) -> None:
    page = visit("<p>x", **PHONE)
    page.site.pages["/phone"] = page.html("<main>x</main>", WIDE[why])
    page.go("/phone")
    page.ready()
    test(page)
    devtools = page.context.new_cdp_session(page.page)
    for zoom in (0, 2.5, 1):
        if zoom:
            devtools.send("Emulation.setPageScaleFactor", {"pageScaleFactor": zoom})
            page.page.evaluate("scrollTo(180, 600)")
        inside = page.until(
            lambda: min((i := visible(page)).values()) > -1 and i["width"] > 250 and i,
            f"the card in sight at zoom {zoom}",
        )
        assert inside["width"] < 391
    page.page.set_viewport_size({"width": 390, "height": 320})  # a keyboard, as far as can be had here
    page.until(lambda: min(visible(page).values()) > -1, "the card above the keyboard")


# By the keyboard


def test_by_the_keyboard(visit: Open) -> None:
    page = visit(
        DEAD + "<button id=next>Next</button><input id=field><button id=last>Last</button>",
        attributes="data-help-url=/contact",
    ).ready()
    stuck(page)
    card(page)
    assert focus(page) == "dead", "not stolen"
    for step in ("Get help", "Not now", "Close", "dead", "next"):
        page.page.keyboard.press("Tab")
        assert focus(page) == step
    page.page.keyboard.press("F6")
    assert focus(page) == "Get help"
    page.page.keyboard.press("Shift+Tab")
    assert focus(page) == "next"
    page.page.keyboard.press("F6")
    page.page.keyboard.press("F6")
    assert focus(page) == "next"
    page.page.keyboard.press("F6")
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Enter")  # not now
    page.until(lambda: page.cards() == 0, "the card's end")
    assert focus(page) == "next"
    assert outcomes(page, 2) == ["shown", "snoozed"]


def test_who_fills_in_a_form_is_not_led_away(visit: Open) -> None:
    page = visit("<input id=one><input id=two><button id=end>End</button>").ready()
    page.page.locator("#one").focus()
    test(page)
    page.page.keyboard.type("abc")
    page.page.keyboard.press("Tab")
    assert focus(page) == "two"
    page.page.keyboard.press("F6")
    assert focus(page) == "Not now"
    page.page.keyboard.press("Escape")
    assert focus(page) == "two"
    assert page.cards() == 0


def test_after_an_answer_the_focus_is_on_the_question(visit: Open) -> None:
    page = visit(DEAD, attributes="data-help-url=/contact").ready()
    page.page.locator("#dead").focus()
    test(page)
    page.page.keyboard.press("F6")
    page.page.keyboard.press("Shift+Tab")
    page.page.keyboard.press("F6")
    for key in ("Tab", "Tab", "Enter"):
        page.page.keyboard.press(key)
    page.until(lambda: heading(page) == "Were you stuck?", "the question")
    assert focus(page) == "Yes"
    page.page.keyboard.press("Enter")
    page.until(lambda: page.cards() == 0, "the card's end")
    assert focus(page) == "dead"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(visit: Open, scheme: str) -> None:
    page = visit(
        "<main><h1>Shop</h1><button id=dead>Apply</button></main>",
        attributes="data-help-url=/contact",
        color_scheme=scheme,
        reduced_motion="reduce",
    ).ready()
    page.page.evaluate("document.title = 'Shop'")
    stuck(page)
    card(page)
    page.page.evaluate((CLIENTS / "node_modules" / "axe-core" / "axe.min.js").read_text())
    for _ in range(2):
        found = page.page.evaluate("axe.run('session-mood').then(r => [r.violations, r.passes.length])")
        assert found[0] == []
        assert found[1] > 5
        card(page).get_by_role("button", name="Close").click()


# A developer's machine, and a try


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that lets nobody have help in the first seconds, and holds out everybody."""
    with running(tmp_path_factory.mktemp("shipped"), SESSIONMOOD_HELP_HOLDOUT=1) as server:
        yield server


def test_on_localhost_help_need_not_wait(visit: Open, shipped: ServerProcess) -> None:
    heard: list[str] = []
    page = visit(DEAD, server=shipped).ready()
    page.page.on("console", lambda message: heard.append(message.text))
    page.click("#dead", times=4)
    card(page)
    assert [text for text in heard if "localhost" in text and "data-development" in text.lower()]
    card(page).get_by_role("button", name="Not now").click()
    page.click("#dead", times=4)
    page.until(lambda: len(page.of("dead_click")) >= 4, "the dead clicks")
    assert page.cards() == 0, "once for one frustration"
    assert outcomes(page) == [], "nothing is reported"
    assert offered(page) == []
    # as visitors have it
    page = visit(DEAD, server=shipped, attributes="data-development=false").ready()
    page.click("#dead", times=4)
    page.until(lambda: page.mood.get("mood") == "frustrated", "the mood")
    page.page.wait_for_timeout(2500)
    assert page.cards() == 0


def test_a_try_shows_the_card_at_once_and_reports_nothing(visit: Open, shipped: ServerProcess) -> None:
    page = visit(DEAD, server=shipped, attributes="data-help-url=/contact").ready()
    for _ in range(4):
        test(page)
        assert heading(page) == "Need a hand?"
        assert page.cards() == 1
        card(page).get_by_role("button", name="Close").click()
        card(page).get_by_role("button", name="Yes").click()
    assert outcomes(page) == []
    assert page.of("feedback") == []
    assert page.page.evaluate("localStorage['sessionmood.help']") is None
