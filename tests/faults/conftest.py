"""The seed of everything random here, so that a failure can be had again: `--fault-seed N`."""

import random

import pytest


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    chosen: int | None = request.config.getoption("--fault-seed")
    seed = random.SystemRandom().randrange(2**32) if chosen is None else chosen
    print(f"reproduce with --fault-seed {seed}")
    return seed
