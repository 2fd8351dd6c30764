"""Several real servers on one Postgres and one Valkey."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.engines import Postgres, Valkey
from tests.support.server import ServerProcess, wait_until


class Node(ServerProcess):
    """One of several servers. Which of them made the keys is seen in the output of all."""

    makes_database = True

    def __init__(self, folder: Path, database_url: str, redis_url: str, **settings: object) -> None:
        folder.mkdir(exist_ok=True)
        urls: dict[str, object] = {"DATABASE_URL": database_url, "REDIS_URL": redis_url}
        super().__init__(folder, **urls | {"SESSIONMOOD_LONGEST_HOLD": 0} | settings)
        self.sk = self.pk = "not known yet"

    def printed_keys(self) -> dict[str, str]:
        return {
            kind: found[0] for kind in ("sk", "pk") if (found := re.search(rf"{kind}_[\w-]+", self.output()))
        }


@contextlib.contextmanager
def nodes(
    folder: Path, count: int, postgres: Postgres, valkey: Valkey, **settings: object
) -> Iterator[list[Node]]:
    """So many servers, started at the same time on a new database."""
    with contextlib.ExitStack() as stack:
        url = postgres.url(stack.enter_context(postgres.database()))
        found = []
        for n in range(count):
            node = Node(folder / f"node{n}", url, valkey.url(), **settings)
            found.append(stack.enter_context(contextlib.closing(node)))
        start_all(found)
        yield found


def start_all(servers: list[Node]) -> None:
    """Start them together, and tell each the keys that one of them has made."""
    for each in servers:
        each.launch()
    for each in servers:
        wait_until(each.answers, 60, "a node's start")
    share_keys(servers)


def share_keys(servers: list[Node]) -> None:
    keys: dict[str, str] = {}
    for each in servers:
        keys |= each.printed_keys()
    for each in servers:
        each.sk, each.pk = keys["sk"], keys["pk"]
