"""How many examples a property test tries."""

import os
from typing import Final

from hypothesis import settings

#: 1 in `make test`; a fifth in `make quick`, ten times as many in `make soak`.
DEPTH: Final = float(os.environ.get("TEST_DEPTH", "1"))


def tries(examples: int) -> settings:
    """So many at depth 1, and no deadline: machines stall."""
    return settings(max_examples=max(5, round(examples * DEPTH)), deadline=None)
