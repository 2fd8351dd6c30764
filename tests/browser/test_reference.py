"""docs/browser.md says what is true: its options exist, its snippets run, its policy suffices."""

import re
from collections.abc import Callable

import pytest

from tests.browser.policies import policy
from tests.browser.visit import CARD, Visit
from tests.support.server import ROOT

Open = Callable[..., Visit]
PAGE = (ROOT / "docs" / "browser.md").read_text()
TYPES = (ROOT / "clients" / "src" / "index.d.ts").read_text()
HOST = "https://mood.example.com"


def snippets(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_option_is_described_and_typed() -> None:
    rows = re.findall(r"^\| (`.*?) \|", section("Options"), re.MULTILINE)
    described = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    typed = set(
        re.findall(
            r"^  (\w+)\??:", TYPES.partition("export interface Options")[2].partition("\n}")[0], re.MULTILINE
        )
    )
    assert described - {"manual"} == typed
    sources = "".join(path.read_text() for path in (ROOT / "static" / "src").glob("*.js"))
    for name in described:
        assert re.search(rf"\b{name}\b", sources), name


def test_every_call_is_described_and_typed() -> None:
    described = set(
        re.findall(r"`(\w+)\(", "".join(re.findall(r"^\|.*", section("The JavaScript API"), re.MULTILINE)))
    )
    assert described - {"update"} == set(re.findall(r"export function (\w+)\(", TYPES))


def test_every_property_for_styling_is_read() -> None:
    source = (ROOT / "static" / "src" / "popup.js").read_text()
    for name in re.findall(r"--sessionmood-[a-z-]+", "".join(snippets("css"))):
        assert name in source, name
    assert set(re.findall(r"--sessionmood-[a-z-]+", source)) == set(
        re.findall(r"--sessionmood-[a-z-]+", PAGE)
    )


def test_the_policy_is_the_one_that_is_tested() -> None:
    [line] = re.findall(r"^script-src .*", section("Content-Security-Policy"), re.MULTILINE)
    for directive in line.split("; "):
        name, sources = directive.split(" ", 1)
        tested = re.search(rf"{name} ([^;]*)", policy(HOST))
        assert tested is not None
        assert tested[1].replace(" 'nonce-test'", "") == sources


@pytest.mark.browser
@pytest.mark.slow
def test_the_snippets_run(visit: Open) -> None:
    page = visit("<button id=dead>b</button>").ready()
    page.page.evaluate("() => { window.openChat = () => {}; window.onChatClosed = fn => fn(true) }")
    run = [text for text in snippets("js") if "import " not in text]
    assert len(run) == 5
    for text in run:
        page.page.evaluate("text => { (0, eval)(`(() => {${text}})()`) }", text)
    page.click("#dead", times=4)
    page.until(lambda: [e["kind"] for e in page.of("help")] == ["shown", "accepted"], "the page's own help")
    assert page.cards() == 0


@pytest.mark.browser
@pytest.mark.slow
def test_the_tags_work(visit: Open) -> None:
    first, own = snippets("html")
    page = visit("<p>x")
    for path, text in (("/first", first), ("/own", own)):
        tag = text.replace(HOST, page.server.base).replace("pk_…", page.server.pk)
        page.site.pages[path] = f"<!doctype html><body><button id=dead>b</button>{tag}"
    page.go("/first")
    page.until(lambda: page.mood, "a mood")
    page.go("/own")
    page.until(lambda: page.mood, "a mood")
    page.click("#dead", times=4)
    page.until(page.cards, "the card")
    card = page.page.locator(CARD)
    assert card.get_by_role("heading").inner_text() == "Stuck?"
    assert card.get_by_text("Call us").is_visible()
