"""The one queue of writes: groups what arrives, commits one group at a time, holds on when the disk fails.

While one group is being written, the next fills; it begins when a turn of the loop brought nothing more. There is no
task, only callbacks, so nothing can be cancelled. The database stands behind `write`.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from app import errors
from app.storage import Entry
from app.storage.commit_future import Durable

logger = logging.getLogger("sessionmood.storage")

FIRST_RETRY = 0.25  # seconds; doubled with each failure in a row
LAST_RETRY = 5.0
# A commit that takes longer (s) is told of: whoever waits for an ack waited for it. At most one line in so many s.
SLOW_COMMIT = 1.0
SLOW_EVERY = 10.0
# A group waits for what the loop still has to read, but no longer (s), and not once it has so many entries.
GATHER_SECONDS = 0.004
GATHER_ENTRIES = 128
# What an entry without events takes in memory, in bytes: its structs and the row's texts, measured roughly.
ENTRY_OVERHEAD = 600


class Job:
    """A write that has a result and is not tried again: `work` runs inside a group's transaction, after its
    entries."""

    __slots__ = ("future", "work")

    def __init__(self, work: Callable[[Any], Any], future: "asyncio.Future[Any]") -> None:
        self.work = work
        self.future = future


class Group:
    """What one transaction writes. A sealed group takes no more entries: what comes later must follow it."""

    __slots__ = ("bytes", "entries", "future", "jobs", "repeated", "sealed")

    def __init__(self, future: Durable) -> None:
        self.entries: list[Entry] = []
        self.jobs: list[Job] = []
        self.future = future
        self.bytes = 0
        self.sealed = False
        self.repeated = False  # parts of it may be in the database already


class Outcome(msgspec.Struct):
    """What became of a group that was written: each job's result or exception, the entries that no
    database would take (a defect of who made them), and those that lost: another node's stand in their place."""

    jobs: list[Any]
    refused: list[tuple[Entry, Exception]] = []
    lost: list[Entry] = []


#: Told of sessions (project and name) whose entries were not written, because another node had gone on before, and of
#: the first version that was not.
OnConflict = Callable[[dict[tuple[str, str], int]], None]


class WriteQueue:
    """Public attributes are there to be measured; only the queue changes them.

    `failing_since`: time of the first failure of this episode (seconds since 1970), None when all is well."""

    def __init__(
        self, write: Callable[[Group], "asyncio.Future[Outcome]"], *, max_bytes: int, retry_scale: float = 1.0
    ) -> None:
        self._write = write
        self._max_bytes = max_bytes
        self._first_retry, self._last_retry = FIRST_RETRY * retry_scale, LAST_RETRY * retry_scale
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Group] = deque()
        self._writing: Group | None = None
        self._scheduled = False
        self._seen = 0  # entries that were queued when the loop's turn began
        self._gather_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._retry = self._first_retry
        self._began = 0.0
        self.closed = False  # takes nothing more
        self._abandoned = False
        self.commits = 0
        self.committed_entries = 0
        self.last_commit_seconds = 0.0
        self.commit_seconds = 0.0  # of all commits together
        self.last_commit_at: float | None = None  # monotonic
        self.queued_entries = 0
        self.queued_bytes = 0
        self.slow_commits = 0
        self.on_conflict: OnConflict | None = None
        self.conflicts = 0  # entries that lost
        self._slow_told_at: float | None = None
        self._slow_told = 0
        self.failures = 0
        self.failing_since: float | None = None
        self.failure: Exception | None = None

    @property
    def backing_off(self) -> bool:
        """Entries wait for the next try after a failure."""
        return self._timer is not None

    @property
    def pending(self) -> bool:
        """Something waits or is being written."""
        return self._writing is not None or bool(self._waiting)

    def admit(self) -> None:
        """Raise StorageUnavailable when `max_bytes` are queued, or after the end. Otherwise one more entry of
        any size is taken: what was admitted and folded is not refused afterwards."""
        if self.closed or self.queued_bytes >= self._max_bytes:
            raise self._refusal()

    def submit(self, entry: Entry) -> Durable:
        """Queue `entry`. Raises as `admit` does."""
        self.admit()
        size = ENTRY_OVERHEAD
        if entry.batch is not None:
            size += len(entry.batch.events)
        if entry.snapshot is not None:
            size += len(entry.snapshot)
        group = self._filling()
        group.entries.append(entry)
        group.bytes += size
        self.queued_bytes += size
        self.queued_entries += 1
        return group.future

    def run(self, work: Callable[[Any], Any], *, seal: bool = False) -> "asyncio.Future[Any]":
        """Run `work` in the next transaction; with `seal`, what is submitted later goes into a later one.
        Raises StorageUnavailable at once while writing fails, and through the future when this try does."""
        if self.closed or self.backing_off:
            raise self._refusal()
        group = self._filling()
        future = self._loop.create_future()
        group.jobs.append(Job(work, future))
        group.sealed = group.sealed or seal
        return future

    def settled(self) -> "asyncio.Future[None]":
        """Done at once when nothing is queued, which includes what `abandon` gave up."""
        last = self._waiting[-1] if self._waiting else self._writing
        if last is not None and not self._abandoned:
            return last.future
        done: asyncio.Future[None] = self._loop.create_future()
        done.set_result(None)
        return done

    def retry_now(self) -> None:
        """Do not wait for the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._next()

    def abandon(self) -> int:
        """Give up what is queued; how many entries. Their futures fail."""
        self.closed = self._abandoned = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        left = self.queued_entries
        given_up = [*([self._writing] if self._writing else []), *self._waiting]
        self._waiting.clear()
        self.queued_entries = self.queued_bytes = 0
        for group in given_up:
            self._fail(group, self._refusal())
        return left

    def _refusal(self) -> errors.StorageUnavailable:
        if self.closed:
            return errors.StorageUnavailable("the storage is closed", retry_ms=int(self._first_retry * 1000))
        reason = f": {self.failure}" if self.failure else ""
        return errors.StorageUnavailable(
            f"writing fails{reason}" if self.failure else "more is queued than the disk takes",
            retry_ms=int(self._retry * 1000),
        )

    def _filling(self) -> Group:
        """The group that takes what arrives now; its writing is scheduled."""
        if not self._waiting or self._waiting[-1].sealed:
            self._waiting.append(Group(Durable(loop=self._loop)))
        if not self._scheduled and self._writing is None and self._timer is None:
            self._begin_soon()
        return self._waiting[-1]

    def _begin_soon(self) -> None:
        """Not at once: what else arrives in this turn of the loop joins."""
        self._scheduled = True
        self._seen = self.queued_entries
        self._gather_until = time.monotonic() + GATHER_SECONDS
        self._loop.call_soon(self._gather)

    def _gather(self) -> None:
        """Begin the group once a turn of the loop brought nothing more. A busy loop reads from many sockets in turn:
        what is committed together shares an fsync, its pages and two changes of threads."""
        entries = self.queued_entries
        if self._seen < entries < GATHER_ENTRIES and time.monotonic() < self._gather_until:
            self._seen = entries
            self._loop.call_soon(self._gather)
        else:
            self._next()

    def _next(self) -> None:
        self._scheduled = False
        if self._writing is not None or self._timer is not None or not self._waiting:
            return
        self._writing = group = self._waiting.popleft()
        self._began = time.monotonic()
        try:
            writing = self._write(group)
        except Exception as error:
            self._failed(group, error)
        else:
            writing.add_done_callback(self._finished)

    def _finished(self, writing: "asyncio.Future[Outcome]") -> None:
        group = self._writing
        assert group is not None
        try:
            outcome = writing.result()
        except (Exception, asyncio.CancelledError) as error:
            self._failed(group, error)
        else:
            if outcome.lost:
                self._drop_lost(outcome)
            self._succeeded(group, outcome)
            if self._waiting:
                self._begin_soon()
            self._tell(group, outcome)

    def _drop_lost(self, outcome: Outcome) -> None:
        """Entries that follow one that lost were folded on what was never written: they must not be either, even where
        their versions would fit by now. Before anything else is written or told."""
        names: dict[tuple[str, str], int] = {}
        for entry in outcome.lost:
            # one without a batch changed nothing of the version before it
            first = entry.version if entry.batch is not None else entry.version + 1
            names[entry.name] = min(first, names.get(entry.name, first))
        self.conflicts += len(outcome.lost)
        for group in self._waiting:
            kept = [entry for entry in group.entries if entry.name not in names]
            gone = len(group.entries) - len(kept)
            group.entries = kept
            self.conflicts += gone
            self.queued_entries -= gone
        if self.on_conflict is not None:
            self.on_conflict(names)

    def _succeeded(self, group: Group, outcome: Outcome) -> None:
        self._writing = None
        self.last_commit_at = time.monotonic()
        self.last_commit_seconds = self.last_commit_at - self._began
        self.commit_seconds += self.last_commit_seconds
        if self.last_commit_seconds >= SLOW_COMMIT:
            self._tell_slow()
        self.commits += 1
        self.committed_entries += len(group.entries) - len(outcome.refused) - len(outcome.lost)
        if not self._abandoned:
            self.queued_entries -= len(group.entries)
            self.queued_bytes -= group.bytes
        if self.failing_since is not None:
            logger.warning("writing works again after %.1f s", time.time() - self.failing_since)
        self.failing_since = self.failure = None
        self._retry = self._first_retry

    def _tell_slow(self) -> None:
        self.slow_commits += 1
        now = time.monotonic()
        if self._slow_told_at is None or now >= self._slow_told_at + SLOW_EVERY:
            logger.warning(
                "the disk is slow: a commit took %.1f s (%d over %g s since the last such line)",
                self.last_commit_seconds,
                self.slow_commits - self._slow_told,
                SLOW_COMMIT,
            )
            self._slow_told_at, self._slow_told = now, self.slow_commits

    def _tell(self, group: Group, outcome: Outcome) -> None:
        for entry, error in outcome.refused:
            logger.error(
                "an entry of session %s, version %d, cannot be kept and was dropped",
                entry.name[1],
                entry.version,
                exc_info=error,
            )
        if outcome.refused or (outcome.lost and self.on_conflict is None):
            group.future.fail(errors.SessionMoodError("this could not be kept"))
        elif not group.future.done():
            group.future.set_result(None)
        for job, result in zip(group.jobs, outcome.jobs, strict=True):
            if job.future.done():
                continue
            if isinstance(result, BaseException):
                job.future.set_exception(result)
            else:
                job.future.set_result(result)

    def _failed(self, group: Group, error: BaseException) -> None:
        """Everybody who waits is told; the entries go back to the front, in order, as one group."""
        self._writing = None
        self.failures += 1
        self.failure = error if isinstance(error, Exception) else RuntimeError("interrupted")
        if self.failing_since is None:
            self.failing_since = time.time()
            logger.error(
                "writing fails (%s: %s); %d entries are held and tried again",
                type(error).__name__,
                error,
                self.queued_entries,
            )
        refusal = self._refusal()
        failed = [group, *self._waiting]
        self._waiting.clear()
        held = Group(Durable(loop=self._loop))
        held.repeated = True
        for each in failed:
            held.entries += each.entries
            held.bytes += each.bytes
        if self._abandoned:
            held.future.fail(refusal)
        elif held.entries:
            self._waiting.append(held)
            self._timer = self._loop.call_later(self._retry, self.retry_now)
            self._retry = min(self._retry * 2, self._last_retry)
        # Last: who is told may ask at once what is settled, or submit more.
        for each in failed:
            self._fail(each, refusal)

    def _fail(self, group: Group, refusal: errors.StorageUnavailable) -> None:
        group.future.fail(refusal)
        for job in group.jobs:
            if not job.future.done():
                job.future.set_exception(refusal)
                job.future.exception()
