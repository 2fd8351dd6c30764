"""Lines that break at any byte, in every way, through all three doors, with kills in between."""

import random
from pathlib import Path

import pytest

from tests.faults.crowd import CROWDED, Crowd
from tests.faults.proxy import DOWN, UP, Fault, Proxy
from tests.support.server import running

SESSIONS = 60
CUTS = 480
KILLS = 6


class Chooser:
    """Picks each line's fault; early bytes (handshake, hello, head of a request) as often as late ones."""

    def __init__(self, rng: random.Random, good: float) -> None:
        self._rng = rng
        self.good = good

    def __call__(self) -> Fault:
        rng = self._rng
        if rng.random() < self.good:
            return Fault("none")
        kind = rng.choices(
            ["cut", "reset", "half_open", "black_hole", "late", "dribble", "delay"], [6, 4, 2, 1, 2, 1, 1]
        )[0]
        return Fault(kind, rng.choice([UP, DOWN]), round(10 ** rng.uniform(0, 4.3)))


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_nothing_is_lost_or_doubled_on_lines_that_break(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    choose = Chooser(random.Random(rng.random()), good=0.1)
    with running(tmp_path, **CROWDED) as server:
        async with Proxy(server.port, choose) as proxy, Crowd(server, SESSIONS, rng, proxy.port) as crowd:
            for _ in range(KILLS):
                await proxy.more(CUTS // KILLS, crowd.raise_broken)
                await crowd.restart()
            choose.good = 1.0
            await crowd.settle()
        tally = await crowd.check()
        print(f"cuts {proxy.broken.total()} {dict(proxy.broken)}, kills {KILLS}, {crowd.figures()}, {tally}")
        assert (tally.lost, tally.doubled, tally.altered) == (0, 0, 0)
        assert tally.acked > SESSIONS
        assert proxy.broken.total() >= CUTS
        assert "Traceback" not in server.output()
