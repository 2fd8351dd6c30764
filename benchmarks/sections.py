"""What is measured, each a section of the report. Alternatives take turns within a round, so that a machine that gets
slower gets slower for all; a figure is the median of the rounds, a ratio the median of the rounds' ratios."""

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec

from benchmarks import storage
from benchmarks.engine import measured
from benchmarks.jobs import (
    Accepts,
    Held,
    Hold,
    Latency,
    Moods,
    Post,
    Pushed,
    Rates,
    Storm,
    Stream,
    Target,
    Waits,
)
from benchmarks.servers import ECHOES, Load, load, peer, service
from benchmarks.table import median, percentile, progress, show

SOCKETS: Final = 256
OURS: Final = "sessionmood"
PLAIN: Final = "sessionmood, not compiled"
MEMORY: Final = "node-memory"
DURABLE: Final = "node-durable"
SEED: Final = "seed"
STARLETTE: Final = "echo, Starlette"
#: Sessions of the open loop.
SESSIONS: Final = 1000


class Effort(msgspec.Struct, frozen=True):
    """How much of it. `whole`: beside every peer; else beside those alone that the last line's ratios are of."""

    whole: bool
    rounds: int
    seconds: float
    warm_up: float
    samples: int
    sockets: int
    idle_seconds: float
    events: int


FULL: Final = Effort(
    whole=True,
    rounds=5,
    seconds=1.2,
    warm_up=0.5,
    samples=900,
    sockets=15_000,
    idle_seconds=20,
    events=1_000_000,
)
QUICK: Final = Effort(
    whole=False, rounds=1, seconds=0.3, warm_up=0.25, samples=100, sockets=600, idle_seconds=2, events=50_000
)

#: Ratios and figures by name, as the last line of the report gives them.
Figures = dict[str, float]


def singles(effort: Effort) -> Figures:
    """One event a frame over a WebSocket, durable acks, beside echoes of the same frames and plain Node."""
    figures: Figures = {}
    for window in (1, 16):
        names = (OURS, *(ECHOES if effort.whole else (STARLETTE,)), MEMORY, DURABLE)
        rates = _streams(effort, f"single events, {window} in flight", window, 1, names)
        _show_rates(f"WebSocket, {SOCKETS} sockets, {window} in flight on each, one event each", 1, rates)
        figures[f"single_{window}_us_cpu"] = _us(rates[OURS])
        for name, peer_name in (
            ("starlette_echo", STARLETTE),
            ("node_memory", MEMORY),
            ("node_durable", DURABLE),
        ):
            figures[f"single_{window}_of_{name}"] = _of(rates, peer_name)
    return figures


def batches(effort: Effort) -> Figures:
    """Batches of 50 over a WebSocket, durable acks."""
    plain = (PLAIN,) if effort.whole else ()
    rates = _streams(effort, "batches of 50", 2, 50, (OURS, *plain, STARLETTE, MEMORY, DURABLE))
    _show_rates(f"WebSocket, {SOCKETS} sockets, 2 in flight on each, 50 events each", 50, rates)
    return {
        "batch_50_us_cpu": _us(rates[OURS]),
        **({"batch_50_not_compiled_us_cpu": _us(rates[PLAIN])} if effort.whole else {}),
        "batch_50_of_starlette_echo": _of(rates, STARLETTE),
        "batch_50_of_node_memory": _of(rates, MEMORY),
        "batch_50_of_node_durable": _of(rates, DURABLE),
    }


def posts(effort: Effort) -> Figures:
    """POST of one event with a durable answer, beside a bare application, Node and the original's design."""
    rates = _turns(
        effort,
        "POST of one event",
        lambda target: Post(target, SOCKETS, 1, effort.seconds, effort.warm_up),
        (OURS, *(("echo, plain ASGI",) if effort.whole else ()), STARLETTE, MEMORY, SEED),
    )
    _show_rates(f"POST, {SOCKETS} connections kept open, one event each", 1, rates)
    batch = _streams(effort, "batches of 50 beside seed's POSTs", 2, 50, (OURS,))
    pairs = zip(rates[SEED], batch[OURS], strict=True)
    against_seed = median([50 * seed.cpu_us / ours.cpu_us for seed, ours in pairs])
    return {
        "post_us_cpu": _us(rates[OURS]),
        "post_of_starlette_echo": _of(rates, STARLETTE),
        "post_of_node_memory": _of(rates, MEMORY),
        "post_of_seed": _of(rates, SEED),
        "batch_50_events_of_seed": against_seed,
    }


def moods(effort: Effort) -> Figures:
    """From an event to its reading, open loop at half of what each can do at most."""
    waits: dict[str, list[Pushed]] = {}
    seconds = effort.seconds * 3
    with ExitStack() as stack:
        targets, client = _start(stack, (OURS, MEMORY))
        half = {}
        for name, target in targets.items():
            progress(f"moods: what {name} can do at most")
            most = client.run(
                Stream(target, SESSIONS, 1, 1, effort.seconds, effort.warm_up, every=True), Rates
            )
            half[name] = most.frames_per_second / 2
        for round in range(effort.rounds):
            for name, target in targets.items():
                progress(f"moods: {name}, round {round + 1} of {effort.rounds}")
                job = Moods(target, SESSIONS, half[name], seconds, 2 * effort.warm_up)
                waits.setdefault(name, []).append(client.run(job, Pushed))
    rows = [
        (
            name,
            half[name],
            *(median([percentile(part.waits, p) for part in parts]) for p in (0.5, 0.9, 0.99)),
            median([part.late for part in parts]),
            sum(part.unanswered for part in parts),
            median([part.client_cpu for part in parts]),
        )
        for name, parts in waits.items()
    ]
    show(
        f"From an event to its reading, {SESSIONS} sessions, open loop at half capacity: ms from the intended moment",
        ("", "events/s", "p50", "p90", "p99", "sent late p99", "unanswered", "client CPU"),
        rows,
    )
    pairs = list(zip(waits[OURS], waits[MEMORY], strict=True))
    ratio = median([percentile(a.waits, 0.99) / percentile(b.waits, 0.99) for a, b in pairs])
    return {"mood_p99_of_node_memory": ratio}


def latency(effort: Effort) -> Figures:
    """An idle server, one visitor, one event at a time."""
    waits: dict[str, list[Waits]] = {}
    names = (OURS, "echo, plain ASGI", STARLETTE) if effort.whole else (OURS, STARLETTE)
    with ExitStack() as stack:
        targets, client = _start(stack, names)
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
    return {}


def idle(effort: Effort) -> Figures:
    """Many sockets that are silent, with the session behind each."""
    rows = []
    figures: Figures = {}
    for name, sockets, seconds in (
        (OURS, effort.sockets, effort.idle_seconds),
        ("echo, plain ASGI", effort.sockets // 3, effort.idle_seconds / 4),
        (MEMORY, effort.sockets // 3, effort.idle_seconds / 4),
    )[: None if effort.whole else 1]:
        with ExitStack() as stack:
            targets, client = _start(stack, (name,))
            progress(f"idle: {sockets:,} sockets to {name}")
            held = client.run(Hold(targets[name], sockets, seconds), Held)
        grown = held.after - held.before
        each = grown / 1024 / held.opened
        rows.append(
            (
                name,
                held.opened,
                held.before / 2**20,
                held.after / 2**20,
                each,
                held.open_cpu_us,
                held.idle_cpu * 100,
                held.pings / seconds,
            )
        )
        if name == OURS:
            figures = {"idle_kib_each": each, "idle_cpu_percent": held.idle_cpu * 100}
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
    return figures


def accepts(effort: Effort) -> Figures:
    """A reconnect storm."""
    found: dict[str, list[Accepts]] = {}
    with ExitStack() as stack:
        names = (OURS, "echo, plain ASGI", STARLETTE, MEMORY) if effort.whole else (OURS, MEMORY)
        targets, client = _start(stack, names)
        for name in list(targets) * effort.rounds:
            progress(f"accepts: {name}")
            job = Storm(targets[name], SOCKETS, effort.seconds)
            found.setdefault(name, []).append(client.run(job, Accepts))
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
    return {"connect_us_cpu": median([part.cpu_us for part in found[OURS]])}


def engine(effort: Effort) -> Figures:
    """The mood engine alone, compiled and plain, early and late in a long session."""
    rows = []
    figures: Figures = {}
    for options in ((), ("-X", "plain")):
        count = effort.events if not options else effort.events // 10
        progress(f"engine: {count:,} events")
        cost = measured(count, *options)
        name = "compiled" if cost.compiled else "plain Python"
        rows.append((name, count, cost.us[0], cost.us[-1], cost.us[-1] / cost.us[0], cost.reading_us))
        figures["engine_us_compiled" if cost.compiled else "engine_us_plain"] = median(cost.us)
    show(
        "The mood engine in one session: us of CPU time",
        ("", "events", "an event, first tenth", "last tenth", "ratio", "a reading"),
        rows,
    )
    return figures


def disk(effort: Effort) -> Figures:
    """The storage alone, beside a commit for each batch (more: `python -m benchmarks.storage`)."""
    rows = []
    figures: Figures = {}
    for clients in (16, 256) if effort.whole else (256,):
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
            if name == "grouped":
                figures[f"storage_{clients}_batches_per_second"] = typical.entries_per_second
    show("SQLite, batches of 20 kept", ("", "batches/s", "ms p50", "ms p99"), rows)
    return figures


def _start(stack: ExitStack, names: Sequence[str]) -> tuple[dict[str, Target], Load]:
    """The named servers and the load process."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sessionmood-bench-")))
    targets: dict[str, Target] = {}
    for number, name in enumerate(names):
        place = folder / str(number)
        if name in (OURS, PLAIN):
            options = ("-X", "plain") if name == PLAIN else ()
            targets[name] = stack.enter_context(service(place, *options))
        else:
            targets[name] = stack.enter_context(peer(name, place))
    return targets, stack.enter_context(load())


def _streams(
    effort: Effort, title: str, window: int, events: int, names: Sequence[str]
) -> dict[str, list[Rates]]:
    return _turns(
        effort,
        title,
        lambda target: Stream(target, SOCKETS, window, events, effort.seconds, effort.warm_up),
        names,
    )


def _turns(
    effort: Effort, title: str, job: Callable[[Target], Stream | Post], names: Sequence[str]
) -> dict[str, list[Rates]]:
    rates: dict[str, list[Rates]] = {}
    with ExitStack() as stack:
        targets, client = _start(stack, names)
        for round in range(effort.rounds):
            for name, target in targets.items():
                progress(f"{title}: {name}, round {round + 1} of {effort.rounds}")
                rates.setdefault(name, []).append(client.run(job(target), Rates))
    return rates


def _us(parts: Sequence[Rates]) -> float:
    return median([part.cpu_us for part in parts])


def _of(rates: Mapping[str, Sequence[Rates]], name: str) -> float:
    """Our work a processor second, as a share of the peer's."""
    pairs = zip(rates[OURS], rates[name], strict=True)
    return median([peer_part.cpu_us / ours.cpu_us for ours, peer_part in pairs])


def _show_rates(title: str, events: int, rates: Mapping[str, list[Rates]]) -> None:
    rows = [
        (
            name,
            median([p.frames_per_second for p in parts]),
            "" if name in ECHOES else median([p.frames_per_second for p in parts]) * events,
            _us(parts),
            "" if name in (OURS, PLAIN) else f"{_of(rates, name):.2f}",
            median([p.client_cpu for p in parts]),
        )
        for name, parts in rates.items()
    ]
    size = rates[OURS][0].frame_bytes
    columns = ("", "batches/s", "events/s", "us CPU/batch", "ours of it, by CPU", "client CPU")
    show(f"{title}; {size} bytes", columns, rows)


SECTIONS: Final[Mapping[str, Callable[[Effort], Figures]]] = {
    "latency": latency,
    "singles": singles,
    "batches": batches,
    "posts": posts,
    "moods": moods,
    "idle": idle,
    "accepts": accepts,
    "engine": engine,
    "disk": disk,
}
