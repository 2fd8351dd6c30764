"""What storage promises, whichever database stands behind it.

Writes go through one queue: `submit` hands over entries without waiting; everything that arrived while the
previous commit ran is written in ONE transaction. Reads see committed data only.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from app.storage.records import (
    DAMAGED_PARTS,
    Batch,
    Damage,
    ElementRow,
    Entry,
    Epoch,
    HistoryRow,
    Key,
    Lagging,
    MoodChange,
    Page,
    ProducerState,
    SessionRow,
    State,
    Stored,
    Traits,
)

__all__ = [
    "DAMAGED_PARTS",
    "Batch",
    "Damage",
    "ElementRow",
    "Entry",
    "Epoch",
    "HistoryRow",
    "Key",
    "Lagging",
    "MoodChange",
    "Page",
    "ProducerState",
    "SessionRow",
    "State",
    "Storage",
    "Stored",
    "Traits",
]


class Storage(Protocol):
    """The contract. Every method may raise errors.StorageUnavailable. `epoch`: known once it is open.

    `sole`: nobody else writes sessions here, so what is submitted in order is never lost to another's."""

    epoch: Epoch
    sole: bool

    async def open(self) -> None:
        """Migrate the schema to the newest revision, then be ready."""

    async def close(self) -> None:
        """Write what is queued, then release everything. Idempotent."""

    def submit(self, entry: Entry) -> "asyncio.Future[None]":
        """Queue `entry` and return at once; the future is done when it is durable. All entries of a
        commit share it. If the commit fails the future gets StorageUnavailable, but the entries stay
        queued, in order, and the commit is tried again until it succeeds. Raises StorageUnavailable at once,
        keeping nothing, when the queue is full."""

    def admit(self) -> None:
        """Raise StorageUnavailable if `submit` would refuse an entry now: asked before a batch is folded."""

    def tell_conflicts(self, on_conflict: Callable[[dict[tuple[str, str], int]], None]) -> None:
        """Where the storage is not `sole`: call `on_conflict` with the sessions (project and name) of which entries
        were not written, because another node had gone on before, nor those queued behind them, and with the first
        version that was not. It is called before the futures of these are done. Without it they fail. The storage
        must be open."""

    def settled(self) -> "asyncio.Future[None]":
        """Done when everything submitted so far is durable; the same failure rule as `submit`."""

    def lacks(self, project: str, session: str) -> bool:
        """Whether nothing of the session is stored or queued, as far as that is certain without asking the database."""

    async def load(self, project: str, session: str) -> Stored | None:
        """None if unknown. Rows of the log that cannot be read are left out and reported. Raises Damaged when the
        session cannot be read at all."""

    async def due(self, before: int, limit: int) -> list[tuple[str, str]]:
        """Project and name of sessions whose `due_at` is at or before `before` (ms), the most overdue first. Where the
        storage is not `sole` they are not due again for some seconds, to anybody."""

    async def now(self) -> float:
        """What time it is (ms since the epoch) by the database's own clock."""

    async def versions(
        self, names: Sequence[tuple[str, str]], incarnations: Sequence[int] | None = None
    ) -> list[int]:
        """The newest version of each of these sessions, 0 where there is none, or another of its name by now.
        `incarnations`: of each, 0 where any will do."""

    async def lagging(self, within: int, after: tuple[int, int] | None = None) -> Lagging:
        """Sessions whose row a crash left behind their log, by what came in the log's last `within` ms. `after`: of
        the `Lagging` to go on from."""

    async def sessions(
        self,
        project: str,
        *,
        traits: Traits | None = None,
        active_since: int | None = None,
        quiet_since: int | None = None,
        since: int | None = None,
        before: int | None = None,
        page: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Newest activity first. `since`, `before`: last activity at or after, or before, that moment (ms); so too
        `active_since` and `quiet_since`, for which the pages that follow keep to the first page's moment. A cursor
        that is not ours raises errors.BadRequest.
        """

    async def row(self, project: str, session: str) -> SessionRow | None: ...

    async def newest(self) -> int | None:
        """When (ms) the last event of any session came; None without one."""

    async def changes(self, project: str, session: str, limit: int = 1000) -> list[MoodChange]: ...

    async def batches(
        self, project: str, session: str, after: int = 0, limit: int = 1000, incarnation: int = 0
    ) -> list[Batch]:
        """The log of a session from version `after` + 1 on, oldest first. None where the name is another's than this
        `incarnation`'s by now; 0: any will do."""

    async def producer_state(self, project: str, session: str, producer: str) -> ProducerState | None:
        """How far a page load has come; None where the log has nothing of it. One session's log is looked through at a
        time, in parts: it may be long, and others read too."""

    async def erase(self, project: str, session: str) -> bool:
        """Remove everything of the session, from free pages and the write-ahead log too. False if unknown.
        Entries of it that are still queued are written first, then erased."""

    async def request_erasure(self, project: str, session: str) -> bool:
        """Ask the server that has the storage open to erase a session. False if no such session is kept; the
        server is asked all the same, since it may have one in memory."""

    async def withdraw_erasure(self, project: str, session: str) -> bool:
        """Take a request back. False if there is none (any more)."""

    async def erasure_pending(self, project: str, session: str) -> bool:
        """Whether it is still requested, or something that was erased is still to be wiped."""

    async def erasure_requests(self) -> list[tuple[str, str]]:
        """Project and session of some that are requested; `erase` removes a session's request."""

    async def expired(self, before: int, limit: int) -> list[tuple[str, str]]:
        """Project and name of sessions whose last activity was before `before` (ms), at most `limit`."""

    async def expire(self, names: Sequence[tuple[str, str]], before: int) -> int:
        """Erase those of `names` whose last activity was before `before` (ms); how many went. Whoever loads one
        meanwhile waits, and finds none."""

    async def clock_seen(self) -> int | None:
        """What `see_clock` noted last (ms), None before the first time."""

    async def see_clock(self, at: int) -> None:
        """Note that the service saw its clock at `at` (ms), and that this was believable."""

    async def backup(self, path: str) -> None:
        """A consistent copy, made while serving."""

    def report_damage(self, project: str, session: str, part: str, reason: object) -> None:
        """Note that something kept cannot be read (`Damage`): logged once, counted, and kept for `doctor`. Does
        not wait. A session with a damage of part "session" is not `due` until the next start."""

    async def damages(self) -> list[Damage]:
        """What was found that cannot be read, of all projects, oldest first."""

    async def check(self) -> None:
        """Raise StorageUnavailable if a write would not succeed now."""

    def state(self) -> State:
        """For the metrics: costs next to nothing."""

    async def secret(self, name: str) -> bytes:
        """A random secret of 32 bytes, made on first use and the same ever after."""

    async def add_key(self, key: Key) -> None: ...

    async def keys(self) -> list[Key]:
        """Every key of every project, revoked ones too."""

    async def revoke_key(self, key_id: str, at: int) -> Key | None: ...

    async def elements(self, limit: int) -> list[ElementRow]:
        """What was learned of elements: the latest used, at most so many, the longest unused of them first."""

    async def store_elements(self, rows: Sequence[ElementRow], before: int) -> None:
        """Replace what was learned of these elements, and forget those not used since `before` (ms; 0: none)."""

    async def count_session(self, key_id: str, month: str, session: str, limit: int | None = None) -> int:
        """Count a session that `key_id` opened in `month` ("2026-11"), once; how many so far. One that would
        be past `limit` is not counted nor remembered; the answer is then `limit` + 1."""

    async def sessions_counted(self, key_id: str, month: str, session: str) -> tuple[int, bool]:
        """How many sessions of `key_id` were counted in `month`, and whether `session` is one of them."""
