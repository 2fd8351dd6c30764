"""`python -m benchmarks.engine`: what an event costs the mood engine, plain and compiled, young and old.

Young: events 10 to 210 of a session, over many sessions. Old: the same events of a session that has seen a
million. Both take turns within a round, so that a machine that gets slower gets slower for both; figures are the
medians of the rounds, in CPU time.
"""

import json
import subprocess
import sys
import time
from typing import Final

import app
from app.mood import Event, MoodEngine
from benchmarks.table import median, progress, show

ROUNDS: Final = 15
SESSIONS: Final = 20
YOUNG_FROM: Final = 10
WINDOW: Final = 200
OLD: Final = 1_000_000

#: A busy visitor: clicks with answers, scrolling, hovering, a page now and then.
KINDS: Final = (
    "click",
    "response",
    "scroll",
    "hover",
    "scroll",
    "click",
    "response",
    "input",
    "scroll",
    "page_view",
)


def event(number: int) -> Event:
    """The `number`th event of the visit, 400 ms after the one before."""
    kind = KINDS[number % len(KINDS)]
    spot = number // len(KINDS) % 5
    return Event(
        kind,
        number * 400,
        f"#thing{spot}",
        40.0 * spot,
        20.0,
        float(number * 7 % 100),
        url=f"/{spot % 3}",
        reports=1,
    )


def cost(engine: MoodEngine, events: list[Event]) -> float:
    """CPU us an event."""
    began = time.process_time()
    for one in events:
        engine.receive(one)
    return (time.process_time() - began) / len(events) * 1e6


def aged(events: int) -> MoodEngine:
    engine = MoodEngine("old", 0)
    for number in range(events):
        engine.receive(event(number))
    return engine


def measure() -> dict[str, float]:
    """Medians of all rounds, in this process as it is: plain or compiled."""
    old, seen = aged(OLD), OLD
    young_costs, old_costs = [], []
    for _ in range(ROUNDS):
        young = []
        for _ in range(SESSIONS):
            engine = aged(YOUNG_FROM)
            young.append(cost(engine, [event(YOUNG_FROM + i) for i in range(WINDOW)]))
        young_costs.append(median(young))
        parts = []
        for _ in range(SESSIONS):
            parts.append(cost(old, [event(seen + i) for i in range(WINDOW)]))
            seen += WINDOW
        old_costs.append(median(parts))
    return {"compiled": app.COMPILED, "young": median(young_costs), "old": median(old_costs)}


def main() -> None:
    if sys.argv[1:] == ["--measure"]:
        print(json.dumps(measure()))
        return
    rows = []
    for name, options in (("plain Python", ["-X", "plain"]), ("compiled", [])):
        progress(f"engine: {name}")
        command = [sys.executable, *options, "-m", "benchmarks.engine", "--measure"]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        if name == "compiled" and not found["compiled"]:
            progress("not compiled here: `make compile` first")
            continue
        rows.append((name, found["young"], found["old"], found["old"] / found["young"]))
    show(
        "The mood engine, one event folded and decided: us of CPU",
        ("", "event 10", f"event {OLD:,}", "old/young"),
        rows,
    )


if __name__ == "__main__":
    main()
