"""How long an address waits that asks for too much."""

import pytest

from app.auth.keys import new_key
from app.auth.rates import PAGE_BURST, PENALTY_COUNTS, REFUSAL_BURST, REFUSAL_RATE, Rates
from app.config.settings import Settings
from app.errors import RateLimited
from app.mood import DEFAULT
from app.sessions.session import Session

NOW = 1_800_000_000_000


@pytest.fixture
def rates() -> Rates:
    return Rates(Settings())


def test_only_who_misuses_sockets_waits_for_the_next(rates: Rates) -> None:
    for _ in range(round(REFUSAL_BURST / PENALTY_COUNTS)):
        rates.penalize("bad", NOW)
    assert rates.handshake("bad", NOW) == 0  # a burst is forgiven
    rates.penalize("bad", NOW)
    assert rates.handshake("bad", NOW) == 1.0  # the longest that anybody waits
    assert rates.handshake("good", NOW) == 0
    assert rates.held == 1
    paid = NOW + round(1000 * PENALTY_COUNTS / REFUSAL_RATE)
    assert rates.handshake("bad", paid - 500) == 0.5
    assert rates.handshake("bad", paid) == 0


def test_refusals_wait_longer_the_more_there_are(rates: Rates) -> None:
    waits = [rates.refused("loop", NOW) for _ in range(round(REFUSAL_BURST) + 100)]
    assert set(waits[: round(REFUSAL_BURST)]) == {0.0}
    late = waits[round(REFUSAL_BURST) :]
    assert late[:2] == [0.02, 0.04]
    assert late == sorted(late)
    assert late[-1] == 1.0


def test_pages_wait_on_their_own(rates: Rates) -> None:
    waits = [rates.page("loop", NOW) for _ in range(round(PAGE_BURST) + 1)]
    assert waits[-2:] == [0, 0.02]
    assert rates.handshake("loop", NOW) == rates.refused("loop", NOW) == 0


def test_an_operator_can_let_everybody_in_at_once() -> None:
    rates = Rates(Settings(longest_hold=0))
    for _ in range(100):
        rates.penalize("bad", NOW)
    assert rates.handshake("bad", NOW) == 0
    assert rates.held == 0


def test_who_is_refused_by_one_bucket_pays_none_of_the_others() -> None:
    rates = Rates(Settings(session_events_per_second=10, address_events_per_second=20))
    _, key = new_key("pk", "default", NOW, events_per_second=1)
    session = Session("default", "s", NOW, DEFAULT, publishable=True)
    rates.take(key, session, "address", 10, NOW)
    for _ in range(50):
        with pytest.raises(RateLimited, match="with this key"):
            rates.take(key, session, "address", 50, NOW)
    _, other = new_key("pk", "default", NOW)
    rates.take(other, session, "address", 90, NOW)  # all but what was taken
    with pytest.raises(RateLimited, match="this session"):
        rates.take(other, session, "address", 1, NOW)
