"""How many nodes, Valkey shards and databases so many sessions need, from measured figures: `python -m benchmarks.scale`.

The tables of docs/scaling.md are made by this. `reconnect` simulates the moment that the rest does not show: a node
dies, and all its visitors come to the others within half a second.
"""

import heapq
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Figures:
    """What one thing costs, measured on two virtual processors: `make bench`, docs/performance.md and
    docs/storage.md say how. us: microseconds of CPU."""

    #: us in the app's process for a batch, whatever is in it, and for each event in it
    batch_us: float = 55.0
    event_us: float = 8.5
    #: us for a handshake, hello, welcome and close
    connect_us: float = 1200.0
    #: of which for one who has hung up before its turn
    hung_up_us: float = 60.0
    #: us for a request of REST
    request_us: float = 520.0
    #: of one idle session with its socket, and of what a node takes without any
    session_kib: float = 20.0
    node_mib: float = 60.0
    #: us of a processor for the pings of one silent socket a second (one each 25 s)
    idle_us: float = 8.6
    #: rows of the log a second that one processor of Postgres takes, and bytes a row with its index and WAL
    rows_per_second: float = 37_000.0
    row_bytes: float = 900.0
    #: bytes of an event on its way in, with its share of a frame of three and of TCP; bytes out for a batch
    event_bytes: float = 130.0
    answer_bytes: float = 110.0
    #: mood changes a session and minute, the highest of the recordings (maps)
    changes_per_minute: float = 0.8
    #: notices that one processor of Valkey passes on a second
    notices_per_second: float = 100_000.0


MEASURED: Final = Figures()
#: Open sockets of one node that were measured; memory and the time after a loss (`reconnect`) speak for fewer.
MOST_SOCKETS: Final = 15_000
#: US dollars a month, rounded from what large clouds ask (November 2026): a virtual processor with 2 GB, a GB on fast
#: disks.
CPU_PRICE: Final = 30.0
GIGABYTE_PRICE: Final = 0.12
#: A processor that is busier than this has no room for a burst.
BUSY: Final = 0.5
#: The part of a busy node's time that connects may take (`app/transport/slow_lane.py`).
CONNECTS_SHARE: Final = 0.25
#: What the browser script does (`static/src/link.js`, `rest.js`), in seconds.
FIRST_RETRY: Final = (0.5, 1.0)
WELCOME: Final = 4.0
PROBE: Final = (2.0, 12.0)


@dataclass(frozen=True)
class Plan:
    """What is needed. `nodes`: processes of one processor each, one more than needed, so that one may go."""

    sessions: int
    events_per_second: float
    batch_events: float
    nodes: int
    sockets_per_node: int
    node_memory_mib: float
    database_cpus: int
    gigabytes_per_day: float
    notices_per_second: float
    valkey_shards: int
    megabits_in: float
    megabits_out: float

    def dollars(self, days: int) -> float:
        """A month's price of processors and of the log of so many days; traffic and copies come on top."""
        processors = self.nodes + self.database_cpus + self.valkey_shards
        return processors * CPU_PRICE + self.gigabytes_per_day * days * GIGABYTE_PRICE


def plan(sessions: int, events_per_second: float, batch_events: float, figures: Figures = MEASURED) -> Plan:
    """For so many open sessions, that send so many events a second in all, so many a batch."""
    batches = events_per_second / batch_events
    busy = (
        batches * figures.batch_us + events_per_second * figures.event_us + sessions * figures.idle_us
    ) / 1e6
    nodes = max(math.ceil(busy / BUSY), math.ceil(sessions / MOST_SOCKETS)) + 1
    per_node = math.ceil(sessions / (nodes - 1))
    notices = sessions * figures.changes_per_minute / 60
    return Plan(
        sessions,
        events_per_second,
        batch_events,
        nodes,
        per_node,
        figures.node_mib + per_node * figures.session_kib / 1024,
        math.ceil(batches / figures.rows_per_second / BUSY),
        batches * figures.row_bytes * 86_400 / 1e9,
        notices,
        math.ceil(notices / figures.notices_per_second / BUSY),
        events_per_second * figures.event_bytes * 8 / 1e6,
        batches * figures.answer_bytes * 8 / 1e6,
    )


@dataclass(frozen=True)
class Return:
    """How visitors came back: seconds after the loss until half, 99 of a hundred and all were served (by a socket or by
    REST), how many gave a socket up first, and when the last had a socket again."""

    half: float
    most: float
    all: float
    gave_up: int
    sockets: float


def reconnect(
    sockets: int, nodes: int, figures: Figures = MEASURED, share: float = CONNECTS_SHARE, seed: int = 1
) -> Return:
    """One of `nodes` dies with `sockets` on it; the others serve connects with `share` of a processor each, first come
    first served. Who waits for longer than the script does hangs up, speaks REST, and tries a socket again later."""
    chance = random.Random(seed)
    servers = [0.0] * (nodes - 1)  # when each is free again
    arrivals = [(chance.uniform(*FIRST_RETRY), number, "socket") for number in range(sockets)]
    heapq.heapify(arrivals)
    served: dict[int, float] = {}
    sockets_at: dict[int, float] = {}
    gave_up: set[int] = set()
    while arrivals:
        now, number, door = heapq.heappop(arrivals)
        server = min(range(len(servers)), key=servers.__getitem__)
        begins = max(now, servers[server])
        late = door == "socket" and begins - now > WELCOME
        cost = figures.hung_up_us if late else figures.connect_us if door == "socket" else figures.request_us
        done = servers[server] = begins + cost / 1e6 / share
        if door == "rest":
            served.setdefault(number, done)
            heapq.heappush(arrivals, (done + chance.uniform(*PROBE), number, "socket"))
        elif done - now <= WELCOME:
            served.setdefault(number, done)
            sockets_at[number] = done
        elif number in gave_up:
            heapq.heappush(arrivals, (now + WELCOME + chance.uniform(*PROBE), number, "socket"))
        else:
            gave_up.add(number)
            heapq.heappush(arrivals, (now + WELCOME, number, "rest"))
    times = sorted(served.values())
    return Return(
        times[len(times) // 2],
        times[len(times) * 99 // 100],
        times[-1],
        len(gave_up),
        max(sockets_at.values()),
    )


#: The sizes in docs/scaling.md: sessions open at a time, events a second in all, events a batch.
SIZES: Final = (
    (2_000, 400.0, 3.0),
    (10_000, 2_000.0, 3.0),
    (100_000, 20_000.0, 3.0),
    (1_000_000, 200_000.0, 3.0),
    (1_000_000, 1_000_000.0, 3.0),
)
#: Nodes and sockets on each in the table of what a loss costs.
LOSSES: Final = ((2, 2_000), (2, 5_000), (2, 10_000), (4, 5_000), (4, 15_000), (10, 15_000), (50, 15_000))


def sizes_table() -> str:
    """Markdown: what each of SIZES needs."""
    rows = []
    for sessions, events, batch in SIZES:
        need = plan(sessions, events, batch)
        rows.append(
            (
                f"{sessions:,}",
                f"{events:,.0f}",
                f"{need.nodes}",
                f"{need.sockets_per_node:,}",
                f"{need.node_memory_mib:,.0f} MiB",
                f"{need.database_cpus}",
                f"{need.gigabytes_per_day:,.0f} GB",
                f"{need.valkey_shards}",
                f"{need.megabits_in:,.0f} / {need.megabits_out:,.0f}",
                f"${need.dollars(7):,.0f}",
            )
        )
    return markdown(
        (
            "open sessions",
            "events/s",
            "nodes",
            "sockets a node",
            "memory a node",
            "Postgres processors",
            "log a day",
            "Valkey shards",
            "Mbit/s in / out",
            "a month, log of 7 days",
        ),
        rows,
    )


def losses_table() -> str:
    """Markdown: how visitors come back after each of LOSSES."""
    rows = []
    for nodes, sockets in LOSSES:
        back = reconnect(sockets, nodes)
        rows.append(
            (
                f"{nodes}",
                f"{sockets:,}",
                f"{back.half:.1f}",
                f"{back.all:.1f}",
                f"{100 * back.gave_up / sockets:.0f} %",
                f"{back.sockets:,.0f}",
            )
        )
    return markdown(
        ("nodes", "sockets on each", "half served, s", "all served, s", "by REST first", "all on sockets, s"),
        rows,
    )


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [columns, ["---:"] * len(columns), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


if __name__ == "__main__":
    print(sizes_table())
    print(losses_table())
