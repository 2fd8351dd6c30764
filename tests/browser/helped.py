"""A visitor who is stuck, and what becomes of help."""

from typing import Any

from tests.browser.visit import CARD, Visit

DEAD = "<button id=dead>Apply</button>"


def offered(visit: Visit) -> list[dict[str, Any]]:
    return [frame["help"] for frame in visit.ops("mood") if frame.get("help")]


def outcomes(visit: Visit, count: int = 0) -> list[str]:
    """What was told of help, once `count` were: the page tells after the card has gone."""
    visit.until(lambda: len(visit.of("help")) >= count, f"{count} outcomes of help")
    return [event["kind"] for event in visit.of("help")]


def stuck(visit: Visit) -> None:
    """Four clicks on what is dead, and help on its way."""
    visit.click("#dead", times=4)
    visit.until(lambda: offered(visit), "the server's offer")


def card(visit: Visit) -> Any:
    visit.until(visit.cards, "the card")
    return visit.page.locator(CARD)
