"""How many events and new sessions may come: one set of buckets that both doors draw from."""

from typing import Final

from app.auth.keys import PUBLISHABLE
from app.auth.limits import Buckets, TokenBucket
from app.auth.sharing import Sharing
from app.config.settings import Settings
from app.errors import RateLimited
from app.sessions.session import Session
from app.storage import Key

#: Sessions, keys and addresses whose rate is remembered.
MAX_BUCKETS: Final = 20_000
#: A burst lasts so long (s) at the full rate.
BURST: Final = 10
#: Refused requests of one address that are answered at once: a second, and in a burst. What comes on top
#: waits for its answer (`longest_hold`), so that a loop that never listens turns slowly.
REFUSAL_RATE: Final = 50.0
REFUSAL_BURST: Final = 500.0
#: A socket that had to be closed for what it sent counts as so many refused requests. While an address owes for
#: them, its new sockets wait for their handshake too.
PENALTY_COUNTS: Final = 100
#: The same of requests that need no key: pages, scripts, probes.
PAGE_RATE: Final = 50.0
PAGE_BURST: Final = 500.0


_TOO_FAST: Final = {
    "session": "this session sends events too fast",
    "address": "events from this address come too fast",
    "key": "events with this key come too fast",
}


#: Buckets that were drawn from, by the name of their policy.
Drawn = list[tuple[str, TokenBucket]]


def _draw(limit: str, bucket: TokenBucket, amount: int, now: int, drawn: Drawn) -> None:
    """Take from `bucket` and add it to `drawn`, or give back to those what was taken and raise RateLimited."""
    wait = bucket.take(amount, now)
    if wait:
        for _, taken in drawn:
            taken.give_back(amount)
        raise RateLimited(_TOO_FAST[limit], retry_ms=wait, limit=limit)
    drawn.append((limit, bucket))


class Rates:
    """Event rates per session and address (publishable keys) and per key; new sessions per address; and how long
    an address waits that asks for too much. `sharing`: with other nodes. `held`: how often one had to."""

    def __init__(self, settings: Settings, sharing: Sharing | None = None) -> None:
        self._settings = settings
        self._sessions, self._addresses, self._keys, self._openings = (
            Buckets(MAX_BUCKETS, None if sharing is None else sharing.bucket(kind))
            for kind in ("session", "address", "key", "opening")
        )
        self._refusals = Buckets(MAX_BUCKETS)
        self._pages = Buckets(MAX_BUCKETS)
        self.held = 0

    def take(self, key: Key, session: Session, address: str, events: int, now: int) -> Drawn:
        """Take `events` tokens (at least one: an empty batch is work too) for a batch that `key` sends from `address`
        to `session`, which it may use; the buckets that were drawn from, by the name of their policy. A session that
        nothing is kept of has no bucket: there could be as many as a stranger has ideas for ids.

        Raises RateLimited; nothing is taken then.
        """
        settings = self._settings
        amount = max(1, events)
        drawn: Drawn = []
        if not session.proposed:
            self.take_session(key, session, events, now, drawn)
        if key.kind == PUBLISHABLE:
            rate = settings.address_events_per_second
            if rate:
                _draw("address", self._addresses.get(address, rate, rate * BURST), amount, now, drawn)
        rate = key.events_per_second or settings.key_events_per_second
        if rate:
            _draw("key", self._keys.get(key.id, rate, rate * BURST), amount, now, drawn)
        return drawn

    def check(self, key: Key, address: str, events: int, now: int) -> None:
        """Raises RateLimited where `take` would, for a session that nothing is kept of; takes nothing."""
        settings = self._settings
        drawn: Drawn = []
        if key.kind == PUBLISHABLE and (rate := settings.address_events_per_second):
            _draw("address", self._addresses.get(address, rate, rate * BURST), max(1, events), now, drawn)
        if rate := key.events_per_second or settings.key_events_per_second:
            _draw("key", self._keys.get(key.id, rate, rate * BURST), max(1, events), now, drawn)
        for _, bucket in drawn:
            bucket.give_back(max(1, events))

    def take_session(self, key: Key, session: Session, events: int, now: int, drawn: Drawn) -> None:
        """The session's own part of `take`, for one that was a proposal when that was called: adds its bucket to
        `drawn`."""
        rate = self._settings.session_events_per_second
        if rate and key.kind == PUBLISHABLE:
            name = (session.project, session.id, session.nonce)
            _draw("session", self._sessions.get(name, rate, rate * BURST), max(1, events), now, drawn)

    def open_session(self, key: Key, address: str, now: int) -> None:
        """Ask before a session is opened. Raises RateLimited when `address` opens too many with `pk_` keys."""
        rate = self._settings.new_sessions_per_second
        if rate and key.kind == PUBLISHABLE:
            wait = self._openings.get(address, rate, rate * BURST).take(1, now)
            if wait:
                raise RateLimited(
                    "too many new sessions from this address", retry_ms=wait, limit="new_sessions"
                )

    def refused(self, address: str, now: int) -> float:
        """Note a refusal; seconds to hold its answer back."""
        return self._hold(self._refusals_of(address).charge(1, now))

    def penalize(self, address: str, now: int) -> None:
        """Note a socket that had to be closed for what it sent."""
        self._refusals_of(address).charge(PENALTY_COUNTS, now)

    def handshake(self, address: str, now: int) -> float:
        """Seconds to hold back the handshake of a new socket: none, unless others were penalized."""
        return self._hold(self._refusals_of(address).charge(0, now))

    def page(self, address: str, now: int) -> float:
        """Note a request without a key; seconds to hold its answer back."""
        return self._hold(self._pages.get(address, PAGE_RATE, PAGE_BURST).charge(1, now))

    def _refusals_of(self, address: str) -> TokenBucket:
        return self._refusals.get(address, REFUSAL_RATE, REFUSAL_BURST)

    def _hold(self, owed_ms: int) -> float:
        seconds = min(owed_ms / 1000, self._settings.longest_hold)
        if seconds:
            self.held += 1
        return seconds


def rate_headers(drawn: Drawn) -> list[tuple[bytes, bytes]]:
    """`RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers-10: quota `q` a window of
    `w` s; `r` left, all of it again in `t` s. What an address has left is not one visitor's to know: others may
    share it."""
    drawn = sorted((each for each in drawn if each[0] != "address"), key=lambda each: each[0] != "session")
    if not drawn:
        return []
    policies = ", ".join(f'"{name}";q={bucket.burst:.0f};w={BURST}' for name, bucket in drawn)
    left = ", ".join(f'"{name}";r={bucket.remaining()};t={bucket.full_in()}' for name, bucket in drawn)
    return [(b"ratelimit-policy", policies.encode()), (b"ratelimit", left.encode())]
