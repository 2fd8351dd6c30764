"""Two projects on one server."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.security.keys import add_key
from tests.support.server import ServerProcess, running


class Keys(NamedTuple):
    sk: str
    pk: str


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that says everything it does, and lets nobody wait: its tests are refused all the time."""
    folder = tmp_path_factory.mktemp("secured")
    logs = {"SESSIONMOOD_LOG_LEVEL": "debug", "SESSIONMOOD_LOG_FORMAT": "json"}
    with running(folder, SESSIONMOOD_LONGEST_HOLD=0, **logs) as server:
        yield server


@pytest.fixture(scope="session")
def other(secured: ServerProcess) -> Keys:
    """The keys of a second project."""
    return Keys(add_key(secured, "sk", "other")[0], add_key(secured, "pk", "other")[0])
