"""Rates and counts that several nodes share: spent here at once, and counted together a little later.

A bucket is drawn from without waiting for anybody. What was spent is reported in slices, and the answer says what all
nodes together have left; so a limit may be passed by a slice a node, and is made good by waiting. While nobody can be
asked, each node gives out its share.
"""

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Protocol

from app.auth.limits import TokenBucket

logger = logging.getLogger("sessionmood.auth")

#: A bucket reports when so much of its burst was spent.
SLICE_SHARE: Final = 1 / 16
#: Counts are reported this often (s), from this share of their limit on; others count them for so long (ms).
COUNTS_EVERY: Final = 1.0
COUNTS_FROM: Final = 1 / 16
COUNTS_FOR_MS: Final = 5000
#: Buckets reported at once; those that wait keep what they have spent.
MOST_AT_ONCE: Final = 2000

_SPEND: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local rate, burst, spent = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local known = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = tonumber(known[1]) or burst
local passed = math.max(0, now - (tonumber(known[2]) or now))
level = math.max(-burst, math.min(burst, level + passed * rate / 1000) - spent)
redis.call('HSET', KEYS[1], 'level', tostring(level), 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(2000 * burst / rate))
return tostring(level)
"""

_COUNT: Final = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. now)
redis.call('PEXPIRE', KEYS[1], ARGV[3])
local all = redis.call('HGETALL', KEYS[1])
local others = 0
for i = 1, #all, 2 do
  local count, at = string.match(all[i + 1], '(%d+):(%d+)')
  if now - tonumber(at) > tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], all[i])
  elseif all[i] ~= ARGV[1] then
    others = others + tonumber(count)
  end
end
return others
"""


class Evaluate(Protocol):
    """Runs a script on a key that all nodes share: see `Bus.evaluate`."""

    def __call__(self, script: str, key: str, *arguments: object) -> Awaitable[Any]: ...


class SharedBucket(TokenBucket):
    """A bucket of this node that knows what the others have taken, a little late."""

    __slots__ = ("_due", "_sharing", "name", "spent")

    def __init__(self, rate: float, burst: float, name: str, sharing: "Sharing") -> None:
        super().__init__(rate, burst)
        self.name = name
        self.spent = 0.0
        self._due = burst * SLICE_SHARE
        self._sharing = sharing

    def take(self, amount: float, now: int) -> int:
        amount *= self._sharing.factor
        wait = super().take(amount, now)
        if not wait:
            self.spent += amount
            if self.spent >= self._due:
                self._sharing.report(self)
        return wait

    def give_back(self, amount: float) -> None:
        amount *= self._sharing.factor
        super().give_back(amount)
        self.spent = max(0.0, self.spent - amount)

    def learn(self, level: float) -> None:
        """All nodes together had `level` left, before what was spent here since."""
        self.tokens = max(-self.burst, min(self.tokens, level - self.spent))


class Sharing:
    """What nodes tell each other of their limits. `nodes`: how many there are, and whether they can be asked."""

    def __init__(self, node: str, evaluate: Evaluate, nodes: Callable[[], tuple[int, bool]]) -> None:
        self._node = node
        self._evaluate = evaluate
        self._nodes = nodes
        #: what one token costs here: as many as there are nodes while each has its share
        self.factor = 1.0
        self._spent: dict[str, SharedBucket] = {}
        self._reporting: asyncio.Task[None] | None = None
        #: by kind of limit: the limit, and the counts of this node
        self._counts: dict[str, tuple[int, Callable[[], Iterable[tuple[str, int]]]]] = {}
        self._others: dict[tuple[str, str], int] = {}
        self._counting: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._counting = asyncio.create_task(self._count_forever(), name="shared limits")

    async def stop(self) -> None:
        tasks = [task for task in (self._counting, self._reporting) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Rates

    def bucket(self, kind: str) -> Callable[[object, float, float], TokenBucket]:
        """Makes the buckets of one kind of limit: of a name, with a rate and a burst."""

        def make(name: object, rate: float, burst: float) -> TokenBucket:
            mark = hashlib.blake2b(repr(name).encode(), digest_size=12).hexdigest()
            return SharedBucket(rate, burst, f"rate:{kind}:{mark}", self)

        return make

    def report(self, bucket: SharedBucket) -> None:
        """Tell the others soon what was spent."""
        if len(self._spent) < MOST_AT_ONCE:
            self._spent[bucket.name] = bucket
        if self._reporting is None:
            self._reporting = asyncio.create_task(self._report(), name="shared rates")

    async def _report(self) -> None:
        await asyncio.sleep(0)  # what else comes in this turn of the loop goes along
        try:
            while self._spent:
                buckets, self._spent = list(self._spent.values()), {}
                await asyncio.gather(*map(self._report_one, buckets))
        finally:
            self._reporting = None

    async def _report_one(self, bucket: SharedBucket) -> None:
        spent, bucket.spent = bucket.spent, 0.0
        try:
            level = float(await self._evaluate(_SPEND, bucket.name, bucket.rate, bucket.burst, spent))
        except Exception:  # whatever it is: the limit of this node holds on
            bucket.spent += min(spent, bucket.burst)
        else:
            bucket.learn(level)

    # Counts

    def count(self, kind: str, limit: int, counts: Callable[[], Iterable[tuple[str, int]]]) -> None:
        """Share what `counts` gives, by name, where `limit` is not 0."""
        if limit:
            self._counts[kind] = (limit, counts)

    def others(self, kind: str, name: str) -> int:
        """How many the other nodes have, as far as it is known."""
        return self._others.get((kind, name), 0)

    async def _count_forever(self) -> None:
        while True:
            await asyncio.sleep(COUNTS_EVERY)
            try:
                nodes, reachable = self._nodes()
                self.factor = 1.0 if reachable else float(max(1, nodes))
                await self._count()
            except Exception:
                logger.exception("shared limits could not be counted")

    async def _count(self) -> None:
        reports: dict[tuple[str, str], int] = {}
        for kind, (limit, counts) in self._counts.items():
            for name, count in list(counts()):
                if count >= limit * COUNTS_FROM:
                    reports[kind, name] = count
        for gone in self._others.keys() - reports.keys():
            reports[gone] = 0
        names = list(reports)[:MOST_AT_ONCE]
        answers = await asyncio.gather(
            *(self._count_one(kind, name, reports[kind, name]) for kind, name in names)
        )
        self._others = {
            name: answer
            for name, answer in zip(names, answers, strict=True)
            if answer is not None and reports[name]
        }

    async def _count_one(self, kind: str, name: str, count: int) -> int | None:
        mark = hashlib.blake2b(name.encode(), digest_size=12).hexdigest()
        try:
            return int(await self._evaluate(_COUNT, f"count:{kind}:{mark}", self._node, count, COUNTS_FOR_MS))
        except Exception:
            return self._others.get((kind, name))
