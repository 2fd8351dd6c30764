"""What an event costs the mood engine, early and late in a session, in microseconds of CPU time.

    python [-X plain] -m benchmarks.engine EVENTS

prints one JSON line: whether the engine is compiled, and the cost of an event in each tenth of the session.
"""

import json
import subprocess
import sys
import time

import msgspec

import app
from app.mood import Event, MoodEngine
from benchmarks.visitor import MIX

_START = 1_764_000_000_000
#: ms between two events
_GAP = 400


class Cost(msgspec.Struct):
    """`us`: of an event, in each tenth of the session; `reading_us`: of asking for the reading."""

    compiled: bool
    us: list[float]
    reading_us: float


def events(first: int, count: int) -> list[Event]:
    made = []
    for number in range(first, first + count):
        fact = msgspec.convert(MIX[number % len(MIX)], dict[str, str | int])
        kind = str(fact.pop("type"))
        made.append(Event(kind, _START + number * _GAP, **fact, reports=3))  # type: ignore[arg-type]
    return made


def cost(count: int) -> Cost:
    """Of one session of `count` events."""
    engine = MoodEngine("bench", _START)
    tenth = count // 10
    us = []
    for part in range(10):
        coming = events(part * tenth, tenth)
        began = time.process_time()
        for event in coming:
            engine.receive(event)
        us.append((time.process_time() - began) / tenth * 1e6)
    now = engine.last_at
    began = time.process_time()
    for _ in range(2000):
        engine.reading(now)
    return Cost(app.COMPILED, us, (time.process_time() - began) / 2000 * 1e6)


def measured(count: int, *options: str) -> Cost:
    """The same in a process of its own, started with `options`."""
    done = subprocess.run(
        [sys.executable, *options, "-m", "benchmarks.engine", str(count)], capture_output=True, check=True
    )
    return msgspec.json.decode(done.stdout, type=Cost)


if __name__ == "__main__":
    print(json.dumps(msgspec.to_builtins(cost(int(sys.argv[1])))))
