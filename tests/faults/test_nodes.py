"""Three nodes with faults, in short: see `tests/faults/nodes.py`, which also makes the long run."""

from pathlib import Path

import pytest

from tests.faults.nodes import run
from tests.support.engines import Postgres, Valkey


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_three_nodes_lose_nothing_and_tell_nobody_what_is_not_so(tmp_path: Path, seed: int) -> None:
    # engines of its own: it kills them
    postgres, valkey = Postgres(), Valkey()
    try:
        postgres.start()
        valkey.start()
        print(await run(tmp_path, (postgres, valkey), seed, faults=6, visitors=12, longest=2.0))
    finally:
        valkey.close()
        postgres.close()
