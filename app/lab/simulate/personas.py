"""Visitors that behave as people in one of the six moods do. Each is endless and the same for a seed."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Final

import msgspec

Fields = dict[str, object]


class Step(msgspec.Struct, frozen=True):
    """After `pause` seconds the visitor does `event`. `doing`: the same in words, for whoever watches."""

    pause: float
    event: Fields
    doing: str


class Persona(msgspec.Struct, frozen=True):
    """`mood`: what a watcher should see. `reports`: which facts this visitor's page sends."""

    name: str
    mood: str
    about: str
    script: Callable[[Random], Iterator[Step]]
    reports: tuple[str, ...] = ("response", "dead_click")


class _Hand:
    """Builds steps; human hands are uneven, so every pause varies by a quarter."""

    def __init__(self, draw: Random) -> None:
        self.draw = draw

    def step(self, pause: float, doing: str, type: str, **fields: object) -> Step:
        return Step(round(pause * self.draw.uniform(0.75, 1.25), 3), {"type": type, **fields}, doing)

    def click(self, pause: float, target: str, doing: str) -> Step:
        place = sum(target.encode())
        return self.step(
            pause,
            doing,
            "click",
            target=target,
            x=place % 900 + self.draw.randint(-3, 3),
            y=place * 7 % 600 + self.draw.randint(-3, 3),
        )

    def answered(self, pause: float, target: str, doing: str, wait_ms: int = 180) -> Iterator[Step]:
        """A click and what it brought."""
        yield self.click(pause, target, doing)
        wait = round(wait_ms * self.draw.uniform(0.75, 1.25))
        yield Step(wait / 1000, {"type": "response", "target": target, "value": wait}, doing)

    def burst(self, clicks: int, target: str, doing: str) -> Iterator[Step]:
        """Rapid clicks on one place, unanswered."""
        for at in range(clicks):
            yield self.click(0.9 if at == 0 else 0.16, target, doing)

    def page(self, pause: float, url: str, doing: str) -> Step:
        return self.step(pause, doing, "page_view", url=url, target=url)

    def read(self, steps: int, start: float, by: float, pause: float, doing: str) -> Iterator[Step]:
        """Down a page at a steady pace."""
        for at in range(steps):
            yield self.step(pause, doing, "scroll", value=min(round(start + by * (at + 1), 1), 100.0), dy=120)


def _frustrated(draw: Random) -> Iterator[Step]:
    hand = _Hand(draw)
    while True:
        yield hand.page(0.5, "/checkout", "opens the checkout")
        yield from hand.answered(1.5, "#address", "fills in the address")
        for _ in range(6):
            yield from hand.burst(5, "#pay", "clicks Pay again and again, nothing answers")
            yield hand.step(
                0.4, "is told by the page that it was clicked in anger", "rage_click", target="#pay", value=5
            )
            yield hand.step(0.8, "sees the request fail", "error", kind="request", value=503)
            yield hand.click(1.6, "#pay", "tries once more, nothing answers")
            yield hand.step(1.5, "waits in vain", "dead_click", target="#pay")
        yield from hand.answered(4, "#pay", "tries again, and it works", 420)
        yield hand.page(0.6, "/thanks", "sees the confirmation")
        yield hand.step(0.3, "has paid", "goal", name="purchase")
        for _ in range(8):
            yield from hand.answered(1.8, "#receipt", "looks at the receipt")


def _engaged(draw: Random) -> Iterator[Step]:
    hand = _Hand(draw)
    page = 0
    while True:
        page += 1
        yield hand.page(0.5, f"/guide/{page}", "opens a chapter of the guide")
        yield from hand.read(16, 0, 5, 2.4, "reads at a steady pace")
        yield from hand.answered(1.5, "#example", "tries the example")
        yield from hand.read(4, 80, 5, 2.4, "reads to the end")
        yield from hand.answered(1.5, "#next", "goes on to the next chapter")


def _bored(draw: Random) -> Iterator[Step]:
    hand = _Hand(draw)
    while True:
        yield hand.page(0.5, "/news", "opens the news")
        yield from hand.read(5, 0, 18, 0.7, "races through it")
        yield hand.step(2.0, "has left the page open for four minutes", "idle", value=240)
        yield hand.step(6.0, "still does nothing", "idle", value=248)
        yield hand.step(12.0, "still does nothing", "idle", value=262)
        yield hand.step(12.0, "still does nothing", "idle", value=275)
        yield hand.page(9.0, "/news/story", "opens a story after all")
        yield from hand.read(12, 0, 6, 1.8, "reads it")


def _confused(draw: Random) -> Iterator[Step]:
    hand = _Hand(draw)
    while True:
        yield hand.page(0.5, "/help", "looks for an answer")
        for _ in range(4):
            yield hand.page(1.6, "/help/billing", "opens billing")
            yield hand.step(0.9, "scrolls down", "scroll", value=70, dy=700)
            yield hand.step(0.9, "scrolls back up", "scroll", value=10, dy=-600)
            yield hand.step(0.9, "goes back", "navigation", kind="back", url="/help", target="/help")
            yield hand.step(0.7, "scrolls down", "scroll", value=80, dy=800)
            yield hand.step(0.7, "scrolls back up", "scroll", value=15, dy=-650)
            yield hand.step(
                2.4, "rests on a link without choosing it", "hover", target="#refunds", value=2400
            )
        yield from hand.answered(2.0, "#search", "searches instead")
        yield hand.page(0.5, "/help/refunds", "finds the page")
        yield from hand.read(10, 0, 8, 2.2, "reads the answer")
        yield hand.step(0.5, "found the answer", "goal", name="answer")


def _curious(draw: Random) -> Iterator[Step]:
    hand = _Hand(draw)
    shelf = 0
    while True:
        for _ in range(14):
            shelf += 1
            yield hand.page(0.9, f"/catalogue/{shelf}", "opens something new")
            yield hand.step(0.5, "looks at it", "hover", target=f"#photo-{shelf}", value=500)
            yield hand.page(0.8, f"/catalogue/{shelf}/details", "wants to know more")
        yield from hand.read(10, 10, 6, 2.2, "settles on one and reads")


def _satisfied(draw: Random) -> Iterator[Step]:
    hand = _Hand(draw)
    while True:
        yield hand.page(0.5, "/basket", "opens the basket")
        for _ in range(3):
            yield from hand.answered(1.4, "#add", "adds something, it is there at once", 120)
            yield from hand.answered(1.4, "#basket", "looks at the basket", 120)
        yield from hand.answered(1.2, "#order", "orders", 150)
        yield hand.step(0.3, "has ordered", "goal", name="purchase")
        for _ in range(10):
            yield from hand.answered(1.6, "#track", "follows the parcel", 140)
        yield hand.step(0.5, "got what was wanted", "goal", name="tracked")
        yield from hand.read(8, 0, 8, 2.4, "reads about the next thing")


def _stepper(draw: Random) -> Iterator[Step]:
    hand = _Hand(draw)
    while True:
        yield hand.page(0.5, "/seats", "chooses seats")
        for _ in range(4):
            for _ in range(6):
                yield hand.click(0.2, "#more", "clicks + quickly, and the number follows")
                yield Step(0.05, {"type": "response", "target": "#more", "value": 50}, "sees it count")
            yield from hand.answered(2.5, "#seat", "picks a seat")
        yield from hand.read(5, 0, 10, 2.0, "reads the rules")


PERSONAS: Final = (
    Persona("Fay", "frustrated", "pays, and the button does not answer", _frustrated),
    Persona("Eli", "engaged", "reads a guide and tries things", _engaged),
    Persona("Bo", "bored", "races through a page, then does nothing", _bored),
    Persona("Cleo", "confused", "goes back and forth without finding it", _confused),
    Persona("Kit", "curious", "looks at one new thing after the other", _curious),
    Persona("Sam", "satisfied", "gets what was wanted, without friction", _satisfied),
    # not a mood of its own: the fast hand that other products take for rage
    Persona("Stef", "engaged", "counts up with fast clicks that are all answered", _stepper),
)
