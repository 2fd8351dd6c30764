"""What is measured, each a section of the report. Alternatives take turns within a round, so that a machine
that gets slower gets slower for all; figures are medians of the rounds."""

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from benchmarks import storage
from benchmarks.engine import measured
from benchmarks.jobs import Accepts, Held, Hold, Latency, Post, Rates, Storm, Stream, Target, Waits
from benchmarks.servers import Load, echo, load, service
from benchmarks.table import median, percentile, progress, show

SOCKETS: Final = 256
OURS: Final = "sessionmood"
PLAIN: Final = "sessionmood, not compiled"
_ECHOES: Final = {"echo, plain ASGI": "raw", "echo, Starlette": "starlette"}
_RATE_COLUMNS: Final = (
    "", "events/s", "batches/s", "us CPU/batch", "of echo's batches/s", "of echo's by CPU", "client CPU"
)  # fmt: skip


class Effort(msgspec.Struct, frozen=True):
    """How much of it."""

    rounds: int
    seconds: float
    samples: int
    sockets: int
    idle_seconds: float
    events: int


FULL: Final = Effort(rounds=3, seconds=1.2, samples=900, sockets=15_000, idle_seconds=20, events=1_000_000)
QUICK: Final = Effort(rounds=1, seconds=0.5, samples=200, sockets=1_000, idle_seconds=3, events=50_000)


def latency(effort: Effort) -> None:
    """An idle server, one visitor, one event at a time."""
    waits: dict[str, list[Waits]] = {}
    with ExitStack() as stack:
        targets, client = _start(stack)
        for name in list(targets) * effort.rounds:
            progress(f"latency: {name}")
            job = Latency(targets[name], effort.samples // effort.rounds)
            waits.setdefault(name, []).append(client.run(job, Waits))
    rows = []
    for name, parts in waits.items():
        kinds = {"reading pushed": [w for part in parts for w in part.first]}
        kinds["durable ack"] = [w for part in parts for w in part.ack]
        if name != OURS:
            kinds = {"frame back": kinds["durable ack"]}
        for kind, values in kinds.items():
            rows.append((f"{name}: {kind}", *(percentile(values, p) for p in (0.5, 0.9, 0.99)), max(values)))
    show(
        "Latency, one visitor on an idle server: ms from an event sent to the answer received",
        ("", "p50", "p90", "p99", "most"),
        rows,
    )


def batches(effort: Effort) -> None:
    """WebSocket batches with durable acks beside a bare echo of the same frames."""
    for events, window in ((20, 1), (20, 4), (1, 1), (1, 8)):
        rates = _turns(
            effort,
            f"batches of {events}, {window} in flight",
            partial(_stream, effort, window, events),
            *((OURS, PLAIN, *_ECHOES) if (events, window) == (20, 4) else ()),
        )
        _show_rates(f"WebSocket, {SOCKETS} sockets, {window} in flight on each, {_of(events)}", events, rates)


def rest(effort: Effort) -> None:
    """POST with durable answers beside bare applications that read the body and answer as much."""
    for events in (1, 20):
        rates = _turns(
            effort,
            f"POST of {events}",
            partial(_post, effort, events),
        )
        _show_rates(f"POST, {SOCKETS} connections kept open, {_of(events)}", events, rates)


def idle(effort: Effort) -> None:
    """Many sockets that are silent, with the session behind each."""
    rows = []
    for name, sockets, seconds in (
        (OURS, effort.sockets, effort.idle_seconds),
        ("echo, plain ASGI", effort.sockets // 3, effort.idle_seconds / 4),
    ):
        with ExitStack() as stack:
            targets, client = _start(stack, name)
            progress(f"idle: {sockets:,} sockets to {name}")
            held = client.run(Hold(targets[name], sockets, seconds), Held)
        grown = held.after - held.before
        rows.append(
            (
                name,
                held.opened,
                held.before / 2**20,
                held.after / 2**20,
                grown / 1024 / held.opened,
                held.open_cpu_us,
                held.idle_cpu * 100,
                held.pings / seconds,
            )
        )
    show(
        "Idle sockets on one process; each said hello and sent an event",
        (
            "",
            "sockets",
            "MiB before",
            "MiB with them",
            "KiB/socket",
            "us CPU to open",
            "% CPU idle",
            "pings/s",
        ),
        rows,
    )


def accepts(effort: Effort) -> None:
    """A reconnect storm."""
    found: dict[str, list[Accepts]] = {}
    with ExitStack() as stack:
        targets, client = _start(stack)
        for name in list(targets) * effort.rounds:
            progress(f"accepts: {name}")
            found.setdefault(name, []).append(
                client.run(Storm(targets[name], SOCKETS, effort.seconds), Accepts)
            )
    rows = [
        (
            name,
            median([p.per_second for p in parts]),
            median([p.cpu_us for p in parts]),
            median([p.client_cpu for p in parts]),
        )
        for name, parts in found.items()
    ]
    show(
        f"Connections opened, greeted and closed, {SOCKETS} at a time",
        ("", "a second", "us CPU each", "client CPU"),
        rows,
    )


def engine(effort: Effort) -> None:
    """The mood engine alone, compiled and plain, early and late in a long session."""
    rows = []
    for options in ((), ("-X", "plain")):
        count = effort.events if not options else effort.events // 10
        progress(f"engine: {count:,} events")
        cost = measured(count, *options)
        name = "compiled" if cost.compiled else "plain Python"
        rows.append((name, count, cost.us[0], cost.us[-1], cost.us[-1] / cost.us[0], cost.reading_us))
    show(
        "The mood engine in one session: us of CPU time",
        ("", "events", "an event, first tenth", "last tenth", "ratio", "a reading"),
        rows,
    )


def disk(effort: Effort) -> None:
    """The storage alone, beside a commit for each batch (more: `python -m benchmarks.storage`)."""
    rows = []
    for clients in (16, 256):
        progress(f"disk: {clients} writers")
        found: dict[str, list[storage.Round]] = {}
        for _ in range(effort.rounds):
            for name, write in (("grouped", storage.grouped), ("a commit a batch", storage.one_by_one)):
                with tempfile.TemporaryDirectory() as folder:
                    one = asyncio.run(write(Path(folder), clients, effort.seconds))
                    found.setdefault(name, []).append(one)
        for name, rounds in found.items():
            typical = storage.median(rounds)
            rows.append((f"{name}, {clients} writers", typical.entries_per_second, typical.p50, typical.p99))
    show("SQLite, batches of 20 kept", ("", "batches/s", "ms p50", "ms p99"), rows)


def _start(stack: ExitStack, *names: str) -> tuple[dict[str, Target], Load]:
    """The servers (all, or those named) and the load process."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sessionmood-bench-")))
    targets: dict[str, Target] = {}
    if not names or OURS in names:
        targets[OURS] = stack.enter_context(service(folder / "data"))
    if PLAIN in names:
        targets[PLAIN] = stack.enter_context(service(folder / "plain", "-X", "plain"))
    for name, kind in _ECHOES.items():
        if not names or name in names:
            targets[name] = stack.enter_context(echo(kind))
    return targets, stack.enter_context(load())


def _stream(effort: Effort, window: int, events: int, target: Target) -> Stream:
    return Stream(target, SOCKETS, window, events, effort.seconds)


def _post(effort: Effort, events: int, target: Target) -> Post:
    return Post(target, SOCKETS, events, effort.seconds)


def _turns(
    effort: Effort, title: str, job: Callable[[Target], Stream | Post], *names: str
) -> dict[str, list[Rates]]:
    rates: dict[str, list[Rates]] = {}
    with ExitStack() as stack:
        targets, client = _start(stack, *names)
        for round in range(effort.rounds):
            for name, target in targets.items():
                progress(f"{title}: {name}, round {round + 1} of {effort.rounds}")
                rates.setdefault(name, []).append(client.run(job(target), Rates))
    return rates


def _show_rates(title: str, events: int, rates: Mapping[str, list[Rates]]) -> None:
    ours = rates[OURS]
    rows = []
    for name, parts in rates.items():
        frames = median([p.frames_per_second for p in parts])
        by_rate = by_cpu = ""
        if name not in (OURS, PLAIN):
            pairs = list(zip(ours, parts, strict=True))
            by_rate = f"{median([a.frames_per_second / b.frames_per_second for a, b in pairs]):.2f}"
            by_cpu = f"{median([b.cpu_us / a.cpu_us for a, b in pairs]):.2f}"
        rows.append(
            (
                name,
                frames * events if name in (OURS, PLAIN) else "",
                frames,
                median([p.cpu_us for p in parts]),
                by_rate,
                by_cpu,
                median([p.client_cpu for p in parts]),
            )
        )
    show(f"{title}; {ours[0].frame_bytes} bytes", _RATE_COLUMNS, rows)


def _of(events: int) -> str:
    return "one event each" if events == 1 else f"{events} events each"


SECTIONS: Final[Mapping[str, Callable[[Effort], None]]] = {
    "latency": latency,
    "batches": batches,
    "rest": rest,
    "idle": idle,
    "accepts": accepts,
    "engine": engine,
    "disk": disk,
}
