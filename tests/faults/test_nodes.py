"""Three nodes with faults, in short: see `tests/faults/nodes.py`, which also makes the long run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.nodes import roll, run
from tests.support.engines import Postgres, Valkey

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def engines() -> Iterator[tuple[Postgres, Valkey]]:
    """Of its own: they are killed."""
    postgres, valkey = Postgres(), Valkey()
    try:
        postgres.start()
        valkey.start()
        yield postgres, valkey
    finally:
        valkey.close()
        postgres.close()


async def test_three_nodes_lose_nothing_and_tell_nobody_what_is_not_so(
    tmp_path: Path, engines: tuple[Postgres, Valkey], seed: int
) -> None:
    print(await run(tmp_path, engines, seed, faults=6, visitors=12, longest=2.0))


async def test_a_rolling_restart_sends_everybody_on_in_good_order(
    tmp_path: Path, engines: tuple[Postgres, Valkey], seed: int
) -> None:
    print(await roll(tmp_path, engines, seed, visitors=12))
