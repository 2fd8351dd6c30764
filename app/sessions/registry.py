"""All live sessions: which are in memory, who waits for one, which may leave, and the clock hand that wakes them.

Nothing here waits, reads a clock or does I/O: `now` is an argument.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Final

from app.mood import DEFAULT, Model
from app.sessions.listeners import Subscriber
from app.sessions.session import Session

#: How exactly a session is woken when time may change its mood (ms).
SLOT_MS: Final = 100
#: A session of so many events at most leaves memory early: it costs little to read back.
BRIEF_EVENTS: Final = 20
#: Sessions that leave memory in one go at most, and that are looked at for it, the longest unused first. Those that
#: can't leave although nobody listens wait for the disk, and the queue to it is short.
MOST_AT_ONCE: Final = 1000
MAX_LOOKED_AT: Final = 20_000


class Sessions:
    """All sessions in memory, and the clock hand that wakes them. Those that nobody listens to stand in the order in
    which they may leave, oldest activity first; proposals stand apart while somebody waits with them."""

    def __init__(self, model: Model = DEFAULT) -> None:
        self.model = model
        self._live: dict[tuple[str, str], Session] = {}
        self._unheard: OrderedDict[tuple[str, str], Session] = OrderedDict()
        self._proposals: dict[tuple[str, str], dict[str, Session]] = {}
        self._wheel: dict[int, list[Session]] = {}
        self._hand: int | None = None
        #: told of a session (project, id) that has its first listener here, and of one that has lost its last
        self.on_followed: Callable[[str, str], None] | None = None
        self.on_left: Callable[[str, str], None] | None = None

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._live.values()))

    def get(self, project: str, id: str) -> Session | None:
        return self._live.get((project, id))

    def has(self, session: Session) -> bool:
        """Whether it is in memory as the session of its id: one that has left, or waits, must write nothing."""
        return self._live.get((session.project, session.id)) is session

    def open(self, project: str, id: str, now: int, publishable: bool, nonce: str = "") -> Session:
        """A new session, in memory only until its first batch is kept."""
        session = Session(project, id, now, self.model, publishable, nonce)
        self.add(session)
        return session

    def add(self, session: Session) -> None:
        name = (session.project, session.id)
        self._live[name] = session
        if not session.subscribers:
            self._unheard[name] = session

    def remove(self, session: Session) -> None:
        name = (session.project, session.id)
        self._live.pop(name, None)
        self._unheard.pop(name, None)
        session.due_slot = None

    # Proposals

    def propose(self, project: str, id: str, now: int, nonce: str) -> Session:
        """What may become a session of a publishable key: the one that others with this `nonce` wait with, or a new
        one, of which nothing is noted here."""
        waiting = self._proposals.get((project, id), {}).get(nonce)
        if waiting is not None:
            return waiting
        session = Session(project, id, now, self.model, True, nonce)
        session.proposed = True
        return session

    def accept(self, session: Session) -> tuple[Session, list[Session]]:
        """Make a proposal the session of its id, which must have none; the session, which is the one that others
        wait with if there is one, and the other proposals, which have lost."""
        waiting = self._proposals.pop((session.project, session.id), {})
        session = waiting.pop(session.nonce, session)
        session.proposed = False
        self.add(session)
        return session, list(waiting.values())

    # Who listens

    def listen(self, session: Session, subscriber: Subscriber) -> None:
        """Tell `subscriber` of the session's readings; it stays in memory until `leave`."""
        if session.subscribers is None:
            session.subscribers = []
        session.subscribers.append(subscriber)
        if self.on_followed is not None and len(session.subscribers) == 1:
            self.on_followed(session.project, session.id)
        name = (session.project, session.id)
        if session.proposed:
            self._proposals.setdefault(name, {})[session.nonce] = session
        elif self._live.get(name) is session:
            self._unheard.pop(name, None)

    def leave(self, session: Session, subscriber: Subscriber) -> None:
        """`subscriber` is gone. The last one lets the session leave memory when its time comes."""
        if session.subscribers is None or subscriber not in session.subscribers:
            return
        session.subscribers.remove(subscriber)
        if session.subscribers:
            return
        name = (session.project, session.id)
        waiting = self._proposals.get(name)
        live = self._live.get(name)
        if waiting is not None and waiting.get(session.nonce) is session:
            del waiting[session.nonce]
            if not waiting:
                del self._proposals[name]
        elif live is session:
            self._unheard[name] = session
        if self.on_left is not None and name not in self._proposals and not (live and live.subscribers):
            self.on_left(*name)

    def followed(self) -> list[tuple[str, str]]:
        """Project and id of all that somebody listens to."""
        heard = [name for name, session in self._live.items() if session.subscribers]
        return heard + list(self._proposals)

    def proposals(self, project: str, id: str) -> list[Session]:
        """What may become the session of this id, and somebody waits with."""
        return list(self._proposals.get((project, id), {}).values())

    # Time

    def touch(self, session: Session) -> None:
        """`session` was just used: it leaves memory last, and wakes when time next has something to do to it."""
        name = (session.project, session.id)
        if name in self._unheard:
            self._unheard.move_to_end(name)
        self.schedule(session)

    def schedule(self, session: Session) -> None:
        due = session.wake_at()
        if due is None:
            session.due_slot = None
            return
        slot = -(-due // SLOT_MS)
        if self._hand is not None and slot <= self._hand:
            slot = self._hand + 1
        if session.due_slot is None or slot < session.due_slot:
            session.due_slot = slot
            self._wheel.setdefault(slot, []).append(session)

    def postpone(self, session: Session, until: int) -> None:
        """Wake `session` at `until` (ms), whatever it says itself: it can't be advanced now."""
        slot = -(-until // SLOT_MS)
        session.due_slot = slot
        self._wheel.setdefault(slot, []).append(session)

    def due(self, now: int) -> list[Session]:
        """Sessions to `advance` at `now` (ms); each must be given back to `schedule` afterwards."""
        slot = now // SLOT_MS
        if self._hand is None:
            self._hand = min(self._wheel, default=slot) - 1
        if slot - self._hand > len(self._wheel):
            ready = sorted(s for s in self._wheel if s <= slot)
        else:
            ready = [s for s in range(self._hand + 1, slot + 1) if s in self._wheel]
        found = []
        for s in ready:
            for session in self._wheel.pop(s):
                if session.due_slot == s:
                    session.due_slot = None
                    if self.has(session):
                        found.append(session)
        self._hand = max(self._hand, slot)
        return found

    def idle(self, before: int, cap: int, brief_before: int | None = None) -> list[Session]:
        """Sessions that may leave memory: nobody listens, all is kept, and either nothing happened since
        `before` (ms; `brief_before` for those of a few events, which are read back soon) or more than `cap` are
        in memory."""
        found: list[Session] = []
        excess = len(self._live) - cap
        latest = max(before, brief_before or before)
        for looked_at, session in enumerate(self._unheard.values()):
            if len(found) >= MOST_AT_ONCE or looked_at >= MAX_LOOKED_AT:
                break
            if session.last_at >= latest and len(found) >= excess:
                break
            old = session.last_at < before or len(found) < excess or session.event_count <= BRIEF_EVENTS
            if old and not session.subscribers and session.pending == 0:
                found.append(session)
        return found
