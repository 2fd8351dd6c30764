"""A live session: fold events into moods, drop what was seen before, keep time, remember who listens.

Nothing here waits, reads a clock or does I/O: `now` is an argument, and whoever calls stores what comes back.
"""

from typing import Final

import msgspec

from app.errors import OutOfOrder
from app.mood import Change, Event, Model, MoodEngine, Offer, OutdatedSnapshot, Reading
from app.mood.events import HELP, NO_CODE, PAGE_VIEW
from app.mood.grid import STEP_MS
from app.sessions.elements import Elements, Visit
from app.sessions.history import History
from app.sessions.listeners import Observer, Subscriber
from app.sessions.outcome import MAX_IGNORED_TYPES, Outcome
from app.sessions.producers import MAX_PRODUCERS, Producer, newest_of, unmeasured, used
from app.sessions.stored_row import StoredRow

#: A session never starts further back than this (ms), whatever a client's clock says.
OLDEST_EVENT_MS: Final = 86_400_000
#: A visitor who does something within this time (ms) was there all along, so the mood that time brought was theirs.
STAYED_MS: Final = 300_000
#: Events after which a snapshot is due even if the mood stood still: after a crash at most about so many are folded again
#: when the session comes back, in 1.5 ms. A snapshot costs its commit three statements more.
SNAPSHOT_EVERY: Final = 1024

_FORMAT: Final = 1
_CHANGE: Final = ("at", "mood", "previous", "confidence", "suggested_action", "signals", "event_count")


class Session:
    """One visit of one person. `version` grows by one with each batch folded.

    `nonce` names this incarnation of the id: tokens are for it alone, so they end with it. `publishable`: it belongs
    to whoever holds its token; else the id is the server's, which opened it with a secret key or minted for it.
    `proposed`: a client has said hello and nothing is stored yet. There may be several proposals for one id, which
    know nothing of each other; the first one with an event becomes the session."""

    __slots__ = (
        "change", "created_at", "due_slot", "elements", "engine", "erased", "history",
        "history_stored", "id", "incarnation", "last_at", "lineage", "model", "nonce", "observer", "offer", "page",
        "pending", "producers", "project", "proposed", "publishable", "snapshot_events",
        "snapshot_version", "stale", "stored_row", "subscribers", "version", "visit",
    )  # fmt: skip

    def __init__(
        self, project: str, id: str, created_at: int, model: Model, publishable: bool, nonce: str = ""
    ) -> None:
        self.project = project
        self.id = id
        self.created_at = created_at
        self.last_at = created_at
        self.model = model
        self.publishable = publishable
        self.nonce = nonce
        self.incarnation = 0  # where several nodes write, what tells it from an erased one of its name
        self.proposed = False
        self.engine: MoodEngine | None = None
        self.change: Change | None = None  # the last change of mood
        self.producers: dict[str, Producer] = {}  # the longest unused first
        self.version = 0
        self.snapshot_version = 0
        self.snapshot_events = 0
        self.page: str | None = None
        self.offer: Offer | None = None
        self.stored_row = StoredRow(nonce)
        self.due_slot: int | None = None
        self.pending = 0
        self.subscribers: list[Subscriber] | None = None
        self.observer: Observer | None = None
        self.history = History()
        self.history_stored = 0  # the history's version that was last queued
        self.elements: Elements | None = None  # what is learned of the project's elements, where it is
        self.visit: Visit | None = None  # which of them this session has clicked
        self.stale = (
            False  # another node has gone on with it: nothing may be folded or stored until it is read again
        )
        self.lineage = 0  # how often that was so
        self.erased = False  # whoever still holds it must neither fold nor store anything

    @property
    def event_count(self) -> int:
        return 0 if self.engine is None else self.engine.event_count

    def producer(self, id: str) -> Producer:
        """The numbering of page load `id`, made on first use."""
        return used(self.producers, id)

    @property
    def is_stored(self) -> bool:
        """Whether storage has it as it is here: what is queued may still lose to another node."""
        return self.version > 0 and not (self.pending or self.stale)

    def knows(self, producer: str | None) -> bool:
        """False when the log may have numbering of this page load that is not in memory: then `remember` what it
        has first, or its events could count twice."""
        return producer is None or len(self.producers) < MAX_PRODUCERS or producer in self.producers

    def remember(self, producer: str, ack: int, reports: int) -> None:
        """Note what storage has of a page load that `knows` denied: 0 and 0 for nothing."""
        if not self.knows(producer):
            known = self.producer(producer)
            known.ack = known.confirmed = ack
            known.reports = reports

    def hello(self, producer: str | None, client_now: float | None, reports: int, now: int) -> int:
        """Note what a client says of itself; its highest event number that can't be lost (0: none)."""
        if producer is None:
            return 0
        known = self.producer(producer)
        known.reports = reports
        if client_now is not None:
            known.measure(now - round(client_now))
        return known.confirmed

    def confirm(self, producer: str, seq: int) -> None:
        """Note that `producer`'s events up to `seq` can't be lost any more."""
        known = self.producers.get(producer)
        if known is not None:
            known.confirmed = max(known.confirmed, seq)

    def check_order(self, producer: str | None, seq: int | None, lost: int) -> None:
        """Raises OutOfOrder when events of `producer` before `seq` are missing and not declared lost."""
        if producer is None or seq is None:
            return
        known = self.producers.get(producer)
        next = 1 if known is None else known.ack + 1
        if seq > next + lost:
            raise OutOfOrder(f"event {next} is next from this producer, not {seq}", expect=next, seq=seq)

    def align(self, events: list[Event], producer: str | None, seq: int | None, lost: int, now: int) -> int:
        """ms to add to the times of all of `events`, before they are folded in parts. Raises OutOfOrder."""
        self.check_order(producer, seq, lost)
        if producer is None or seq is None:
            return unmeasured(newest_of(events), now)
        known = self.producer(producer)
        skipped = max(known.ack + 1 - seq, 0)
        return known.align(newest_of(events[skipped:]), now)

    def receive(
        self,
        events: list[Event],
        producer: str | None,
        seq: int | None,
        lost: int,
        reports: int | None,
        now: int,
        offset: int | None = None,
    ) -> Outcome:
        """Fold a batch. `events` carry the client's `at` (-1: absent); afterwards the server's.

        `reports` None means as said before by this producer. `offset`: ms to add to the client's clock where it is
        known already. Raises OutOfOrder when events before `seq` are missing and not declared lost; nothing is
        folded then.
        """
        if producer is None or seq is None:
            return self._fold(events, None, None, reports or 0, now, offset)
        self.check_order(producer, seq, lost)
        known = self.producer(producer)
        if reports is not None:
            known.reports = reports
        last = seq + len(events) - 1
        skipped = min(max(known.ack + 1 - seq, 0), len(events))
        outcome = self._fold(events[skipped:], known, seq + skipped, known.reports, now, offset)
        if last > known.ack:
            known.ack = last
            if not outcome.moved:  # nothing but a loss, declared: without a row it would be forgotten
                outcome.moved = True
                self.version += 1
        outcome.skipped = outcome.duplicates = skipped
        outcome.ack = known.ack
        return outcome

    def _fold(
        self,
        events: list[Event],
        known: Producer | None,
        first_seq: int | None,
        reports: int,
        now: int,
        offset: int | None,
    ) -> Outcome:
        news: list[Change | Offer] = []
        ignored = 0
        unknown: list[str] = []
        if events:
            if offset is None:
                newest = newest_of(events)
                offset = unmeasured(newest, now) if known is None else known.align(newest, now)
            oldest = now - OLDEST_EVENT_MS
            for event in events:
                event.reports = reports
                event.at = now if event.at == -1 else min(max(event.at + offset, oldest), now)
                if event.code == NO_CODE:
                    ignored += 1
                    if event.type not in unknown and len(unknown) < MAX_IGNORED_TYPES:
                        unknown.append(event.type)
                event.usual = None
                if self.elements is not None and event.target is not None:
                    self.elements.meet(self.project, self.visited(), event)
                self.apply(event, news)
            if self.engine is not None:
                self.history.settle(self.engine)
            self.version += 1
        accepted = len(events) - ignored
        return Outcome(accepted, 0, ignored, 0, bool(events), first_seq, None, reports, news, tuple(unknown))

    def visited(self) -> Visit:
        """Which elements this session has clicked."""
        if self.visit is None:
            self.visit = Visit()
        return self.visit

    def apply(self, event: Event, news: list[Change | Offer]) -> None:
        """Fold one event whose `at` is on the server's clock; what changed goes into `news`. To be followed by
        `History.settle`, after the last one."""
        engine = self.engine
        if engine is None:
            engine = self.engine = MoodEngine(self.id, event.at, self.model)
            self.last_at = event.at
            if not self.version:  # a batch that declared a loss may have been first
                self.created_at = event.at
        else:
            if event.at < self.last_at:
                event.at = self.last_at
            if event.at >= engine.anchor + STEP_MS and event.at >= engine.last_at:
                # Time first, so that its changes are known from the event's.
                news += self.advance(event.at)
                if event.at - engine.anchor <= STAYED_MS:
                    self.history.stood(engine, self.page)
        if event.url is not None:
            self.page = event.url
        elif event.code == PAGE_VIEW and event.target is not None:
            self.page = event.target
        known = len(news)
        engine.take(event, news)
        self.last_at = max(self.last_at, event.at)
        if len(news) > known:
            self._note(news[known:])
        self.history.saw(engine, event.at, self.page)
        if event.code == HELP:
            self.history.heard(event)
            if self.offer is not None and event.kind != "shown":
                self.offer = None
        if self.observer is not None:
            self.observer.receive(event, engine)

    def advance(self, now: int) -> list[Change | Offer]:
        """Let time pass up to `now`; what changed by it."""
        if self.engine is None:
            return []
        fresh = self.engine.advance(now)
        if fresh:
            self._note(fresh)
            here = bool(self.subscribers) and self.engine.behaviour.doing.visible
            for item in fresh:
                if isinstance(item, Change):
                    self.history.turned(item, self.page, here=here)
        if self.observer is not None:
            self.observer.advance(now, self.engine)
        return fresh

    def _note(self, news: list[Change | Offer]) -> None:
        for item in news:
            if isinstance(item, Offer):
                self.offer = item
                self.history.offered(item)
            else:
                self.change = item
                if item.mood != "frustrated":
                    self.offer = None

    def reading(self, now: int) -> Reading | None:
        """The reading at `now`, None before the first event of a known type. Call `advance` first."""
        if self.engine is None or self.change is None:
            return None
        return self.engine.reading(now)

    def ending(self) -> Reading | None:
        """The reading as of when the visitor was last seen: how a visit ended that is over."""
        if self.engine is None or self.change is None:
            return None
        return self.engine.as_of(self.history.at)

    def snapshot(self) -> bytes:
        """Everything that `restore` needs, and marks it as taken."""
        self.snapshot_version = self.version
        self.snapshot_events = self.event_count
        offer, change = self.offer, self.change
        return msgspec.msgpack.encode(
            [
                _FORMAT,
                None if self.engine is None else self.engine.state(),
                [
                    [id, p.ack, p.offset if p.measured else None, p.reports]
                    for id, p in self.producers.items()
                ],
                self.page,
                None if offer is None else [offer.at, offer.id, offer.holdout],
                None if change is None else [getattr(change, name) for name in _CHANGE],
                self.last_at,
                None if self.visit is None else self.visit.state(),
            ]
        )

    def restore(self, snapshot: bytes, version: int) -> None:
        """Take up where `snapshot` (at `version`) left off. Raises OutdatedSnapshot when it was taken by
        another version, whatever else when it can't be read."""
        parts = msgspec.msgpack.decode(snapshot)
        if parts[0] != _FORMAT:
            raise OutdatedSnapshot(f"a snapshot of format {_FORMAT} is needed, not {parts[0]}")
        _, state, producers, page, offer, change, last_at, *later = parts
        self.engine = None if state is None else MoodEngine.restore(state, self.model)
        self.producers = {id: Producer(ack, offset, mask) for id, ack, offset, mask in producers}
        self.page = page
        self.offer = None if offer is None else Offer(*offer)
        self.change = None if change is None else Change(*change)
        self.last_at = last_at
        if later and later[0] is not None:
            self.visited().restore(later[0])
        self.version = self.snapshot_version = version
        self.snapshot_events = self.event_count

    def row_due(self, due_at: int | None) -> bool:
        """Whether the session's row must be written with the next step."""
        return self.stored_row.is_due(self.last_at, due_at, self.page, self.nonce, self.history.traits())

    def row_written(self, due_at: int | None) -> None:
        """Note that the row as of now was handed to storage."""
        self.stored_row.written(self.last_at, due_at, self.page, self.nonce, self.history.traits())

    def wake_at(self) -> int | None:
        """When (ms) time next has something to do here: change the mood, or write the row that lags."""
        due = None if self.engine is None else self.engine.due_at()
        row_by = self.stored_row.by
        if row_by >= 0 and (due is None or row_by < due):
            return row_by
        return due

    def snapshot_due(self) -> bool:
        return self.event_count - self.snapshot_events >= SNAPSHOT_EVERY
