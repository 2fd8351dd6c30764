"""`kill -9` under load: what was acked is there once, every reading equals a replay, clients just go on."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.faults.crowd import CROWDED, Crowd
from tests.support.server import running

SESSIONS = 200
KILLS = 10


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_nothing_acked_is_lost_by_kills_under_load(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    with running(tmp_path, **CROWDED) as server:
        async with Crowd(server, SESSIONS, rng) as crowd:
            for _ in range(KILLS):
                await crowd.more_acks(rng.randint(50, 1500))
                await asyncio.sleep(rng.uniform(0, 0.05))
                await crowd.restart()
            await crowd.settle()
        tally = await crowd.check()
        print(f"kills {KILLS}, {crowd.figures()}, {tally}")
        assert (tally.lost, tally.doubled, tally.altered) == (0, 0, 0)
        assert tally.acked > SESSIONS
        assert "Traceback" not in server.output()
