"""How fast is too fast: token buckets; how much is too much from a peer that was refused; and who is one peer."""

import functools
import ipaddress
import math
from collections.abc import Callable
from typing import Final


class TokenBucket:
    """`rate` tokens a second, `burst` at most. Time is an argument (ms)."""

    __slots__ = ("at", "burst", "rate", "tokens")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self.tokens = burst
        self.at: int | None = None

    def take(self, amount: float, now: int) -> int:
        """Take `amount` tokens and return 0, or take none and return the ms to wait. An amount above the burst
        is let through when the bucket is full."""
        self._refill(now)
        needed = min(amount, self.burst)
        if self.tokens >= needed:
            self.tokens -= amount
            return 0
        return max(1, round((needed - self.tokens) * 1000 / self.rate))

    def charge(self, amount: float, now: int) -> int:
        """Take `amount` tokens, there or not: what is missing is owed, a burst at most. The ms until none is owed."""
        self._refill(now)
        self.tokens = max(-self.burst, self.tokens - amount)
        return round(max(0.0, -self.tokens) * 1000 / self.rate)

    def _refill(self, now: int) -> None:
        if self.at is not None and now > self.at:
            self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate / 1000)
        if self.at is None or now > self.at:
            self.at = now

    def give_back(self, amount: float) -> None:
        """Undo a `take`."""
        self.tokens = min(self.burst, self.tokens + amount)

    def remaining(self) -> int:
        return max(0, int(self.tokens))

    def full_in(self) -> int:
        """Seconds until the whole burst is there again, rounded up."""
        return max(0, math.ceil((self.burst - self.tokens) / self.rate))


class Buckets:
    """Token buckets by name, at most `most` of them: past that the longest unused is forgotten. `make`: of a name, a
    rate and a burst; where it is not given, plain ones."""

    def __init__(self, most: int, make: Callable[[object, float, float], TokenBucket] | None = None) -> None:
        self._most = most
        self._make = make
        self._buckets: dict[object, TokenBucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def get(self, name: object, rate: float, burst: float) -> TokenBucket:
        """The bucket of this name, full when it is new."""
        bucket = self._buckets.pop(name, None)
        if bucket is None or bucket.rate != rate:
            bucket = TokenBucket(rate, burst) if self._make is None else self._make(name, rate, burst)
            if len(self._buckets) >= self._most:
                del self._buckets[next(iter(self._buckets))]
        self._buckets[name] = bucket
        return bucket


class Spill:
    """What still comes from a peer that was refused, and is passed over so that it can read why: as many bytes as
    two systems may have under way (Linux: 4 MiB sent, 6 MiB received), with some to spare."""

    MOST: Final = 16_777_216
    #: What a read counts for at least: many little ones cost more than one large.
    AT_LEAST: Final = 4096

    __slots__ = ("passed",)

    def __init__(self) -> None:
        self.passed = 0

    def full(self, size: int) -> bool:
        """Note a read of `size` bytes; True when that was too much, and the line should be cut."""
        self.passed += max(size, self.AT_LEAST)
        return self.passed > self.MOST


#: The longest way to write an address (RFC 4291, with a zone); what is longer is none, and is not kept.
_LONGEST_ADDRESS: Final = 64


def party(host: str) -> str:
    """Whom the limits of an address are for: an IPv4 address, or the /64 of an IPv6 one, since who has one address
    has them all (RFC 6177: a home gets a /64 at least). One name for whatever is no address: a proxy may hand on
    what it likes."""
    return _party(host) if len(host) <= _LONGEST_ADDRESS else "?"


@functools.lru_cache(maxsize=4096)
def _party(host: str) -> str:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return "?"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))
