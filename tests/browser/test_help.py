"""Help in time, once, to those who need it, and to nobody else."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.helped import DEAD, card, offered, outcomes, stuck
from tests.browser.stalls import Stalls
from tests.browser.visit import CARD, Visit
from tests.support.server import ServerProcess, running

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Open = Callable[..., Visit]

#: what most visitors have done before something breaks
LIVE = "<button id=live onclick=\"this.textContent+='!'\">Add</button>"


def test_four_clicks_on_a_dead_button_bring_help_once(visit: Open) -> None:
    page = visit(DEAD + LIVE).ready()
    page.click("#live", times=2, pause_ms=400)
    stuck(page)
    card(page)
    page.click("#dead", times=4)
    page.until(lambda: len(page.of("dead_click")) == 8, "the last dead click")
    assert page.cards() == 1
    assert outcomes(page, 1) == ["shown"]
    assert len({offer["id"] for offer in offered(page)}) == 1


#: So many visits may be too slow because the machine stood still meanwhile; one that was slow without fails.
TRIES = 4


def test_the_card_is_there_within_a_second_of_the_offer(visit: Open) -> None:
    def waited() -> tuple[float, bool]:
        page = visit(DEAD).ready()
        page.page.evaluate(
            """const look = () => document.querySelector('session-mood') && (window.shownAt ||= performance.now());
               new MutationObserver(look).observe(document.documentElement, {childList: true});
               void SessionMood.on('reading', r => r.help && (window.dueAt ||= performance.now()))"""
        )
        with Stalls() as stalls:
            stuck(page)
            card(page)
        return float(page.page.evaluate("shownAt - dueAt")), stalls.seen

    for _ in range(TRIES):
        ms, stalled = waited()
        if ms < 1000 or not stalled:
            break
    assert 0 <= ms < 1000


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the policy as shipped, save that it begins at once and leaves nobody out."""
    folder = tmp_path_factory.mktemp("usual")
    with running(folder, SESSIONMOOD_HELP_WARMUP=0, SESSIONMOOD_HELP_HOLDOUT=0) as server:
        yield server


#: On the page's own clock: each click as it began, and the card once a frame shows it.
STOPWATCH = f"""
  window.clicked = [];
  addEventListener("click", event => clicked.push(event.timeStamp), true);
  new MutationObserver(() => {{
    const card = document.querySelector("{CARD}");
    if (card?.getBoundingClientRect().width) requestAnimationFrame(() => window.seen ||= performance.now());
  }}).observe(document.documentElement, {{childList: true}});"""


@pytest.mark.parametrize("busy", [False, True], ids=["a visit that begins", "a visit that went well"])
def test_the_promise(
    visit: Open, usual: ServerProcess, busy: bool, record_property: Callable[[str, object], None]
) -> None:
    """Four clicks on a dead button, and help before the browser would even call the first of them dead."""

    def helped() -> tuple[Visit, list[str], bool]:
        page = visit(DEAD + LIVE, server=usual).ready()
        if busy:
            page.click("#live", times=6, pause_ms=300)
        page.page.evaluate(STOPWATCH)
        with Stalls() as stalls:
            page.click("#dead", times=4, pause_ms=120)
            page.until(lambda: page.page.evaluate("window.seen"), "the card")
        return page, page.types(), stalls.seen

    def in_time(told: list[str]) -> bool:
        return "dead_click" not in told or told.index("help") < told.index("dead_click")

    for _ in range(TRIES):
        page, told, stalled = helped()
        if in_time(told) or not stalled:
            break
    assert in_time(told)
    waited = page.page.evaluate("seen - clicked[3]")
    record_property("fourth_click_to_card_ms", round(waited))
    print(f"from the fourth click to the card: {waited:.0f} ms")
    assert told.count("rage_click") == 1
    page.until(lambda: len(page.of("dead_click")) == 4, "the dead clicks")
    page.click("#dead", times=4)
    page.page.wait_for_timeout(1000)
    assert page.cards() == 1
    assert outcomes(page, 1) == ["shown"]
    assert len({offer["id"] for offer in offered(page)}) == 1


SLOW = {
    "answers after 300 ms": "<button id=x onclick=\"setTimeout(()=>this.textContent+='!',300)\">b</button>",
    "answers when its request ends": '<button id=x onclick=\'fetch("/api/slow",{method:"POST"})'
    '.then(()=>this.textContent+="!")\'>b</button>',
}


@pytest.mark.parametrize("why", SLOW)
def test_an_impatient_hand_on_what_answers_sees_none(visit: Open, usual: ServerProcess, why: str) -> None:
    page = visit(SLOW[why], server=usual)
    page.site.answers["/api/slow"] = (200, 1.5)
    page.ready()
    page.click("#x", times=4, pause_ms=60)
    page.until(lambda: len(page.of("response")) >= 4, "the answers")
    page.page.wait_for_timeout(2700)
    assert page.of("rage_click") + page.of("dead_click") == []
    assert offered(page) == []
    assert page.cards() == 0


CALM = {
    "eight steps of a stepper": (
        "<button id=x onclick='o.value=+o.value+1'>+</button><output id=o>1</output>",
        8,
    ),
    "eight steps of one with a field": (
        "<span><button id=x onclick='i.value=+i.value+1'>+</button><input id=i value=1></span>",
        8,
    ),
    "a player's play and pause": ("<video id=x controls width=300></video>", 6),
    "a canvas game": ("<canvas id=x width=200 height=200 style='background:#ccc'></canvas>", 8),
    "a carousel": (
        "<button id=x onclick='s.scrollBy(120,0)'>next</button>"
        "<div id=s style='width:100px;overflow:auto'><p style=width:4000px>pictures</div>",
        6,
    ),
    "a toggle": ("<input id=x type=checkbox>", 7),
}


def test_ordinary_hands_see_none(visit: Open) -> None:
    """Steppers, players, carousels, games, toggles: answered clicks, however fast."""
    page = visit("<p>x").ready()
    for why, (body, times) in CALM.items():
        page.show(body)
        page.click("#x", times=times, pause_ms=70)
        page.until(lambda n=times: len(page.of("response")) >= n, f"the answers: {why}")
        assert page.of("rage_click") == [], why
        assert page.of("dead_click") == [], why
    page.page.wait_for_timeout(2700)
    assert page.of("dead_click") == []
    assert offered(page) == []
    assert page.cards() == 0


#: What a click puts on and the next one takes off.
SWITCHES = {
    "a box to tick": "<input id=x type=checkbox>",
    "its label": "<label id=x for=box>all</label><input id=box type=checkbox>",
    "a word": "<button id=x onclick=\"this.textContent=this.textContent==='Play'?'Pause':'Play'\">Play</button>",
    "a panel": "<button id=x onclick='p.hidden=!p.hidden'>more</button><p id=p hidden>all that there is",
    "a rule": "<style>#box:checked~p{display:none}</style><input id=box type=checkbox><button id=x "
    "onclick='box.checked=!box.checked'>more</button><p>all that there is",
}


def test_a_double_click_on_a_switch_is_answered(visit: Open) -> None:
    """Back in its first state before anything could be looked at in peace."""
    page = visit("<p>x").ready()
    for why, body in SWITCHES.items():
        page.show(body)
        page.click("#x", times=2, pause_ms=20)
        page.until(lambda: len(page.of("response") + page.of("dead_click")) >= 2, f"the verdicts: {why}")
        assert page.of("dead_click") == [], why


def test_selecting_text_sliding_and_reading_see_none(visit: Open) -> None:
    words = "".join(f"<p>Paragraph {n}. " + "word " * 60 for n in range(40))
    page = visit(f"<input id=slide type=range min=0 max=100><div id=text>{words}</div>").ready()
    for n in (1, 2, 3):
        page.page.click(f"#text p:nth-child({n})", click_count=3)
        page.page.wait_for_timeout(400)
    box = page.page.locator("#slide").bounding_box()
    assert box is not None
    for _ in range(3):
        page.page.mouse.move(box["x"] + 5, box["y"] + 5)
        page.page.mouse.down()
        page.page.mouse.move(box["x"] + 100, box["y"] + 5, steps=6)
        page.page.mouse.up()
    for x in (20, 60, 90, 40, 70):
        page.page.mouse.click(box["x"] + x, box["y"] + 8)
    for _ in range(14):
        page.page.mouse.wheel(0, 700)
        page.page.wait_for_timeout(130)
    page.page.wait_for_timeout(2700)
    assert page.of("rage_click") + page.of("dead_click") == []
    assert offered(page) == []
    assert page.cards() == 0


def test_nobody_is_interrupted_while_typing(visit: Open) -> None:
    page = visit(DEAD).ready()
    page.page.mouse.move(300, 300)
    page.hands()
    # how long after the last key, by the page's own clock: the machine may stall longer between two keys
    page.page.evaluate(
        f"""addEventListener('keydown', () => window.keyAt = Date.now(), true);
        new MutationObserver(() => document.querySelector('{CARD}') && (window.shownAfter ??= Date.now() - keyAt))
            .observe(document.documentElement, {{childList: true}})"""
    )
    page.click("#dead", times=4)

    def typing() -> bool:
        page.page.keyboard.type("a")
        return bool(offered(page))

    page.until(typing, "the offer")
    for _ in range(10):
        page.page.keyboard.type("b", delay=100)
    page.until(lambda: page.loaded("extras"), "the part")
    card(page)
    assert page.page.evaluate("shownAfter") >= 2000
    assert outcomes(page, 1) == ["shown"]


def test_accepting_asks_one_question_and_tells_both(visit: Open) -> None:
    page = visit(
        DEAD, attributes='data-help-title="Stuck?" data-help-accept="Yes please" data-help-url="#"'
    ).ready()
    stuck(page)
    shown = card(page)
    assert shown.get_by_role("heading").inner_text() == "Stuck?"
    shown.get_by_role("link", name="Yes please").click()
    shown.get_by_role("button", name="Yes", exact=True).click()
    page.until(lambda: page.cards() == 0, "the card's end")
    assert outcomes(page, 2) == ["shown", "accepted"]
    assert page.of("feedback")[0]["name"] == "frustrated"
    assert page.of("feedback")[0]["value"] == 1
    page.until(lambda: [e for e in page.log() if e["type"] == "feedback"], "the feedback in the log")
    assert [(e["kind"], e["name"]) for e in page.log() if e["type"] == "help"] == [
        ("shown", offered(page)[0]["id"]),
        ("accepted", offered(page)[0]["id"]),
    ]


def test_not_now_is_remembered_for_half_an_hour_and_on_other_pages(visit: Open) -> None:
    page = visit(DEAD).ready()
    stuck(page)
    card(page).get_by_role("button", name="Not now").click()
    assert page.cards() == 0
    assert outcomes(page, 2) == ["shown", "snoozed"]
    left = page.page.evaluate("localStorage['sessionmood.snooze'] - Date.now()")
    assert 1_790_000 < left <= 1_800_000
    # the next visit of the same person
    page.context.add_init_script("sessionStorage.clear()")
    page.received.clear()
    page.go("/")
    page.ready()
    stuck(page)
    page.until(lambda: outcomes(page) == ["expired"], "the report that it was not shown")
    assert page.cards() == 0


def test_three_a_day_whatever_the_server_says(visit: Open) -> None:
    page = visit(DEAD).ready()
    page.page.evaluate(
        "localStorage['sessionmood.help'] = JSON.stringify([1, 2, 3].map(n => Date.now() - n))"
    )
    stuck(page)
    page.until(lambda: outcomes(page) == ["expired"], "the report that it was not shown")
    assert page.cards() == 0


def test_escape_sends_it_away_and_the_focus_stays(visit: Open) -> None:
    page = visit(DEAD).ready()
    stuck(page)
    shown = card(page)
    assert page.page.evaluate("document.activeElement.id") == "dead"
    assert shown.get_by_role("dialog").get_attribute("aria-live") == "polite"
    page.page.keyboard.press("Escape")
    page.until(lambda: page.cards() == 0, "the card's end")
    assert outcomes(page, 2) == ["shown", "dismissed"]


def test_a_page_with_help_of_its_own(visit: Open) -> None:
    page = visit(
        DEAD
        + """<script>SessionMood.push(["on", "help", offer => { offer.preventDefault(); window.offer = offer;
             document.body.append("our own chat") }])</script>"""
    ).ready()
    stuck(page)
    page.until(lambda: page.page.evaluate("!!window.offer"), "the page's own help")
    assert page.page.evaluate("offer.reading.mood") == "frustrated"
    page.page.evaluate("offer.accept()")
    assert page.cards() == 0
    assert outcomes(page, 2) == ["shown", "accepted"]


def test_content_from_the_page(visit: Open) -> None:
    page = visit(
        DEAD + "<template id=mine><p>Call <b>us</b></p></template>",
        attributes='data-help-content="#mine" data-help-url="/contact"',
    ).ready()
    stuck(page)
    shown = card(page)
    assert shown.get_by_text("Call us").is_visible()
    assert shown.get_by_role("link", name="Get help").get_attribute("href") == "/contact"


def test_a_holdout_visitor_is_shown_nothing_and_tells_nothing(visit: Open, tmp_path: Path) -> None:
    with running(
        tmp_path, SESSIONMOOD_HELP_WARMUP=0, SESSIONMOOD_HELP_HOLD=0, SESSIONMOOD_HELP_HOLDOUT=1
    ) as server:
        page = visit(DEAD, server=server, attributes="data-development=false").ready()
        stuck(page)
        assert offered(page)[0]["holdout"] is True
        page.page.wait_for_timeout(700)
        assert page.cards() == 0
        assert outcomes(page) == []
        page.close()


def test_help_can_be_turned_off(visit: Open) -> None:
    page = visit(DEAD, attributes='data-help="false"').ready()
    stuck(page)
    page.page.wait_for_timeout(1000)
    assert page.cards() == 0
    assert outcomes(page) == []
    assert not page.loaded("extras")
