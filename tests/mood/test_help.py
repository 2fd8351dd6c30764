"""When help is offered: late enough, seldom enough, never against a no."""

import pytest

from app.mood import Event, Model, MoodEngine, Offer
from app.mood.help import holds_out

MINUTE = 60_000


def rage(at: int, engine: MoodEngine, with_errors: bool = True) -> list[Offer]:
    """Three bursts in different places at `at`, and the ten seconds after them."""
    offers = []
    for i in range(3):
        offers += engine.receive(Event("rage_click", at + i * 100, f"#pay{i}"))
        if with_errors:
            offers += engine.receive(Event("error", at + i * 100 + 50))
    offers += engine.advance(at + 10_000)
    return [offer for offer in offers if isinstance(offer, Offer)]


def visitor(**overrides: float) -> MoodEngine:
    named = {name.replace("__", "."): value for name, value in overrides.items()}
    engine = MoodEngine("visitor", 0, Model.with_overrides(named))
    engine.receive(Event("page_view", 0, url="/"))
    return engine


def test_trouble_brings_one_offer() -> None:
    (offer,) = rage(30_000, visitor())
    assert offer.id == "h1"
    assert 30_000 <= offer.at < 31_000


def test_one_kind_of_trouble_must_hold() -> None:
    """Rage alone is one sign: the offer waits for `help.hold`, on the grid of whole seconds."""
    (offer,) = rage(30_000, visitor(), with_errors=False)
    assert offer.at == 32_000


def test_nobody_is_helped_in_the_first_seconds() -> None:
    """But trouble that is still there when the warm-up is over gets its offer."""
    engine = visitor()
    assert rage(2_000, engine) == []
    (offer,) = [news for news in engine.advance(25_000) if isinstance(news, Offer)]
    assert 20_000 <= offer.at <= 25_000


def test_one_offer_in_ten_minutes_and_two_a_session() -> None:
    engine = visitor()
    offered = [offer for minute in range(1, 60, 4) for offer in rage(minute * MINUTE, engine)]
    assert [offer.id for offer in offered] == ["h1", "h2"]
    assert offered[1].at - offered[0].at >= 10 * MINUTE


def test_a_no_is_a_no() -> None:
    engine = visitor(help__cap=10)
    (offer,) = rage(MINUTE, engine)
    engine.receive(Event("help", 2 * MINUTE, kind="dismissed", name=offer.id))
    assert [offer for minute in range(3, 90, 4) for offer in rage(minute * MINUTE, engine)] == []


def test_not_now_means_half_an_hour() -> None:
    engine = visitor(help__cap=10)
    (offer,) = rage(MINUTE, engine)
    engine.receive(Event("help", 2 * MINUTE, kind="snoozed", name=offer.id))
    later = [offer for minute in range(3, 40, 2) for offer in rage(minute * MINUTE, engine)]
    assert later
    assert later[0].at >= 32 * MINUTE


def test_an_offer_that_was_never_shown_is_given_back() -> None:
    engine = visitor(help__cap=1, help__gap=60)
    (offer,) = rage(MINUTE, engine)
    engine.receive(Event("help", 2 * MINUTE, kind="expired", name="h9"))
    assert rage(6 * MINUTE, engine) == []
    engine.receive(Event("help", 9 * MINUTE, kind="expired", name=offer.id))
    assert [offer.id for offer in rage(12 * MINUTE, engine)] == ["h2"]


def test_confusion_is_never_interrupted() -> None:
    engine = visitor()
    for i in range(12):
        engine.receive(Event("page_view", 20_000 + i * 3000, url=f"/{i % 2}"))
    assert engine.reading(engine.last_at).mood == "confused"
    assert not [news for news in engine.advance(120_000) if isinstance(news, Offer)]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_the_holdout_is_a_stable_share_of_the_sessions(share: float) -> None:
    held = sum(holds_out(f"session-{i}", share) for i in range(4000)) / 4000
    assert held == pytest.approx(share, abs=0.02)


def test_the_holdout_of_an_id_never_changes() -> None:
    """FNV-1a of "a" is 0xE40C292C, whose last four decimal digits are 2220."""
    assert not holds_out("a", 0.2220)
    assert holds_out("a", 0.2221)


def test_who_is_held_out_gets_an_offer_that_shows_nothing() -> None:
    engine = MoodEngine("visitor", 0, Model.with_overrides({"help.holdout": 1}))
    engine.receive(Event("page_view", 0))
    (offer,) = rage(30_000, engine)
    assert offer.holdout
    assert MoodEngine.restore(engine.state()).help.holdout
