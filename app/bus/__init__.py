"""News between nodes: which session has news, which was erased, that keys have changed.

The bus is never the truth. A notice says where to look, and the log tells what happened; one that is lost costs a moment.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

#: What a notice may be about.
NEWS: Final = "news"
ERASED: Final = "erased"
KEYS: Final = "keys"


class Notice(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something that other nodes should look at. `kind`: one of the above; `node`: who says so. `nonce` and `version`:
    the session's incarnation and how far its log has come. The versions of a log have no gaps, so whoever is behind knows
    what it has missed, however many notices were lost."""

    kind: str
    node: str
    project: str = ""
    session: str = ""
    nonce: str = ""
    version: int = 0


class State(msgspec.Struct, frozen=True):
    """How the bus fares. `stale_since`: until when (ms) news of other nodes are known to be complete, None while they
    are complete now. `waiting`: notices that could not be sent yet. `nodes`: how many are alive, this one among them."""

    up: bool = True
    stale_since: int | None = None
    nodes: int = 1
    published: int = 0
    received: int = 0
    waiting: int = 0
    dropped: int = 0
    reconnects: int = 0
    listening: int = 0


class BusAway(Exception):
    """The bus cannot be reached now."""


class Bus(Protocol):
    """The contract. Nothing here waits for the bus, or raises when it is away, but `start` and what `evaluate` returns.

    `node`: this node's name. `on_notice`: called with each notice of another node. `on_listening`: called with the
    sessions (project, id) whose notices come from now on: what happened before must be looked up. `on_away`,
    `on_return`: the news stop, and go on."""

    node: str
    on_notice: Callable[[Notice], None]
    on_listening: Callable[[Sequence[tuple[str, str]]], None]
    on_away: Callable[[], None]
    on_return: Callable[[], None]

    async def start(self, namespace: str) -> None:
        """Begin. `namespace`: of all nodes that share a database; others may use the same bus."""

    async def stop(self) -> None: ...

    def publish(self, notice: Notice) -> None:
        """Tell the nodes that listen to the session; ERASED and KEYS are told to all. What can't be sent now is sent
        later, the newest of each session."""

    def listen(self, project: str, session: str) -> None:
        """Notices of this session are wanted."""

    def leave(self, project: str, session: str) -> None:
        """And no longer."""

    def evaluate(self, script: str, key: str, *arguments: object) -> "asyncio.Future[object]":
        """Run a Lua `script` on `key` (within the namespace). The future fails with BusAway."""

    def state(self) -> State: ...
