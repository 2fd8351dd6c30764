"""The arithmetic and the simulation behind docs/scaling.md."""

import pytest

from benchmarks.scale import CONNECTS_SHARE, MEASURED, MOST_SOCKETS, plan, reconnect


def test_visitors_of_a_lost_node_come_back_at_the_rate_that_the_others_greet() -> None:
    """Few enough that nobody gives up: the last is served when all connects are done, after the first wait."""
    back = reconnect(1000, 5)
    work = 1000 * MEASURED.connect_us / 1e6 / CONNECTS_SHARE / 4
    assert back.gave_up == 0
    assert back.all == pytest.approx(0.5 + work, abs=0.1)
    assert back.sockets == back.all


def test_who_waits_too_long_is_served_by_rest_first() -> None:
    back = reconnect(5000, 2)
    assert 0 < back.gave_up < 5000
    assert back.all < back.sockets
    assert reconnect(5000, 3).all < back.all


def test_a_plan_has_a_node_to_spare_and_no_node_is_too_full() -> None:
    need = plan(100_000, 20_000, 3)
    assert (need.nodes - 1) * MOST_SOCKETS >= 100_000
    assert need.sockets_per_node <= MOST_SOCKETS
    busy = plan(1000, 1_000_000, 3)
    assert (busy.nodes - 1) * 0.5 * 1e6 >= 1_000_000 / 3 * MEASURED.batch_us
    assert plan(1_000_000, 200_000, 3).dollars(30) > plan(1_000_000, 200_000, 3).dollars(7)
