"""When to offer help: late enough, seldom enough, and never against a no."""

from typing import Final

from app.mood import snapshot
from app.mood.events import Event
from app.mood.model.model import Model
from app.mood.reading import Offer

FIELDS: Final = ("dismissed", "last_offer_at", "offers", "quiet_until", "since", "started_at", "used")


def holds_out(session: str, share: float) -> bool:
    """Whether this session is one of the `share` that is shown no help. FNV-1a over the id: the same on every
    node, in every run."""
    value = 2166136261
    for byte in session.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value % 10_000 < share * 10_000.0


class HelpPolicy:
    """Decides at each decision whether help is due. Fed by the session's own `help` events."""

    __slots__ = (*FIELDS, "holdout")

    def __init__(self, session: str, started_at: int, model: Model) -> None:
        self.holdout: bool = holds_out(session, model.holdout)
        self.started_at: int = started_at
        self.offers: int = 0  # made, for the ids
        self.used: int = 0  # that count against the session's cap
        self.last_offer_at: int = -1
        self.since: int = -1  # when the last offer's mood began
        self.quiet_until: int = -1
        self.dismissed: bool = False

    def heard(self, event: Event, m: Model) -> None:
        """What became of an offer."""
        if event.kind == "dismissed":
            self.dismissed = True
        elif event.kind == "snoozed":
            self.quiet_until = event.at + int(m.snooze_ms)
        elif event.kind == "expired" and self.used > 0 and event.name == f"h{self.offers}":
            # it never came to be shown
            self.used -= 1

    def due(self, now: int, mood_since: int, independent: int, m: Model) -> Offer | None:
        """The offer to make now, if any, for a mood that calls for help since `mood_since` and rests on
        `independent` signals of different kinds."""
        if self.dismissed or self.used >= m.cap or now < self.quiet_until or mood_since == self.since:
            return None
        if now - self.started_at < m.warm_up_ms:
            return None
        if independent < 2 and now - mood_since < m.hold_ms:
            return None
        if self.last_offer_at >= 0 and now - self.last_offer_at < m.gap_ms:
            return None
        self.offers += 1
        self.used += 1
        self.last_offer_at = now
        self.since = mood_since
        return Offer(now, f"h{self.offers}", self.holdout)

    def state(self) -> list[object]:
        return [self.holdout, *snapshot.take(self, FIELDS)]

    def restore(self, state: object) -> None:
        if not isinstance(state, list) or not state:
            raise ValueError("the snapshot does not fit: no help policy")
        self.holdout = bool(state[0])
        snapshot.put(self, FIELDS, state[1:])
