"""Three nodes on one Postgres and one Valkey, a crowd that goes from one to the other, and faults.

`python -m tests.faults.nodes 200` is the long run: so many faults, and the figures at the end. `--seed N` repeats one.
"""

import argparse
import asyncio
import contextlib
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final, Self

import asyncpg
import msgspec
import websockets

from app.storage.postgres.rows import session_id
from tests.faults import truth
from tests.faults.crowd import CROWDED, Crowd
from tests.faults.gate import Gate
from tests.faults.http import Answer, CutOff, request
from tests.faults.page import Broken
from tests.faults.visitor import Visitor
from tests.support.engines import Postgres, Valkey, postgres, valkey
from tests.support.nodes import Node, share_keys
from tests.support.server import wait_until

CLOCKED: Final = str(Path(__file__).with_name("clocked.py"))
#: By how many seconds the machines' clocks differ.
SKEWS: Final = (0.0, -5.0, 5.0)
FAULTS: Final = (
    "kill",
    "restart",
    "pause",
    "clock",
    *(f"{how}_{engine}" for how in ("cut", "silent", "restart") for engine in ("postgres", "valkey")),
)
#: Whoever watches must know the last mood within so many seconds.
CONVERGE_SECONDS: Final = 5.0
#: A change that a late event brings is dated by when it was learned, so many milliseconds at most after its `since`.
LEARNED_LATE_MS: Final = 30_000


class Roaming(Visitor):
    """A visitor behind a load balancer that sends each connection and each request to any node."""

    def __init__(self, session: str, key: str, ports: list[int], rng: random.Random) -> None:
        self._ports = ports
        super().__init__(session, key, 0, rng)
        self.pushed: set[tuple[str, int]] = set()
        see = self.standing.see

        def note(reading: dict[str, Any] | None, how: str) -> None:
            see(reading, how)
            if reading is not None:
                self.pushed.add((reading["mood"], reading["since"]))

        self.standing.see = note  # type: ignore[method-assign]

    @property
    def port(self) -> int:
        return self.rng.choice(self._ports)

    @port.setter
    def port(self, _: int) -> None:
        pass


class Watcher:
    """Somebody who only listens to a session, on one node after the other: wherever a line ends, on the next."""

    def __init__(self, visitor: Roaming, key: str, ports: list[int], rng: random.Random) -> None:
        self.visitor = visitor
        self._key = key
        self._ports = ports
        self._rng = rng
        self.position = (0, 0)
        self.mood: str | None = None
        self.codes: set[int | None] = set()  # with which nodes closed the line

    async def run(self) -> None:
        while True:
            with contextlib.suppress(OSError, websockets.WebSocketException, TimeoutError, EOFError):
                await self._watch(self._rng.choice(self._ports))
            await asyncio.sleep(self._rng.uniform(0.05, 0.3))

    async def _watch(self, port: int) -> None:
        address = f"ws://127.0.0.1:{port}/v1/sessions/{self.visitor.session}/ws"
        headers = {"x-api-key": self._key}
        async with websockets.connect(
            address,
            additional_headers=headers,
            open_timeout=3,
            close_timeout=0.2,
            proxy=None,
            compression=None,
        ) as socket:
            await socket.send(msgspec.json.encode({"op": "hello", "have": self.position}).decode())
            while True:
                # a page takes a line for dead that says nothing for so long; here that comes sooner
                try:
                    async with asyncio.timeout(4):
                        frame = msgspec.json.decode(await socket.recv())
                except websockets.ConnectionClosed:
                    self.codes.add(socket.close_code)
                    raise
                if frame["op"] == "ping":
                    await socket.send('{"op":"pong"}')
                reading = frame if frame["op"] == "mood" else frame.get("mood")
                if isinstance(reading, dict):
                    self._see(reading)

    def _see(self, reading: dict[str, Any]) -> None:
        position = (reading["event_count"], reading["as_of"])
        if position < self.position:
            raise Broken(f"a watcher of {self.visitor.session} goes back from {self.position} to {position}")
        self.position, self.mood = position, reading["mood"]
        self.visitor.pushed.add((reading["mood"], reading["since"]))


class Cluster:
    """The nodes, what stands between them and their engines, and what is done to them."""

    def __init__(
        self, folder: Path, engines: tuple[Postgres, Valkey], database: str, rng: random.Random
    ) -> None:
        self.folder = folder
        self.postgres, self.valkey = engines
        self.database = database
        self.rng = rng
        self.nodes: list[Node] = []
        self.gates: list[tuple[Gate, Gate]] = []
        self.done: Counter[str] = Counter()
        self.skews: list[Path] = []
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        for n, skew in enumerate(SKEWS):
            to_postgres = await self._stack.enter_async_context(Gate(self.postgres.port))
            to_valkey = await self._stack.enter_async_context(Gate(self.valkey.port))
            node = Node(
                self.folder / f"node{n}",
                self.postgres.url(self.database, to_postgres.port),
                self.valkey.url(to_valkey.port),
                **CROWDED | {"SESSIONMOOD_DRAIN_GAP": 0.1, "SESSIONMOOD_DRAIN_SPREAD": 0.5},
            )
            self._stack.callback(node.close)
            clock = node.folder / "clock"
            clock.write_text(str(skew))
            node.python = [sys.executable, CLOCKED, str(clock)]
            self.skews.append(clock)
            self.nodes.append(node)
            self.gates.append((to_postgres, to_valkey))
        await asyncio.gather(*(asyncio.to_thread(self._start, node) for node in self.nodes))
        share_keys(self.nodes)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _start(self, node: Node) -> None:
        node.launch()
        wait_until(node.answers, 60, "a node's start")

    @property
    def ports(self) -> list[int]:
        return [node.port for node in self.nodes]

    async def fault(self, longest: float) -> str:
        """Something breaks, for at most so many seconds, and is mended."""
        kind = self.rng.choice(FAULTS)
        n = self.rng.randrange(len(self.nodes))
        node, (to_postgres, to_valkey) = self.nodes[n], self.gates[n]
        seconds = self.rng.uniform(0.2, longest)
        gate = to_postgres if kind.endswith("_postgres") else to_valkey
        self.done[kind] += 1
        if kind == "kill":
            await asyncio.to_thread(node.kill)
            await asyncio.to_thread(self._start, node)
        elif kind == "restart":
            await asyncio.to_thread(node.stop)
            await asyncio.to_thread(self._start, node)
        elif kind == "pause":
            assert node.process is not None
            node.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(seconds)
            node.process.send_signal(signal.SIGCONT)
        elif kind.startswith("restart_"):
            engine: Postgres | Valkey = self.postgres if kind == "restart_postgres" else self.valkey
            await asyncio.to_thread(engine.kill)
            await asyncio.to_thread(_start_again, engine)
        elif kind == "clock":
            fresh = self.skews[n].with_suffix(".new")  # whoever reads finds the old one or the new one whole
            fresh.write_text(str(self.rng.uniform(-5, 5)))
            fresh.replace(self.skews[n])
        else:
            (gate.shut if kind.startswith("cut") else gate.silence)()
            await asyncio.sleep(seconds)
            gate.mend()
        return kind


def _start_again(engine: Postgres | Valkey) -> None:
    """A killed Postgres leaves processes behind, which notice their orphanhood only after a while."""
    for _ in range(20):
        with contextlib.suppress(AssertionError):
            engine.start()
            return
        time.sleep(0.3)
    engine.start()


#: How far a session is, and the last rows of its log, for a report.
_STANDING: Final = """
SELECT heads.version AS head, heads.writer AS last_writer, log.version, log.writer, producer, first_seq, last_seq, count
FROM heads LEFT JOIN log ON log.id = heads.id WHERE heads.id = $1 ORDER BY log.version DESC LIMIT 40
"""


class Roamers(Crowd):
    """A crowd of roaming visitors, and watchers of every fourth session."""

    def __init__(self, cluster: Cluster, size: int, rng: random.Random) -> None:
        super().__init__(cluster.nodes[0], 0, rng)
        self.cluster = cluster
        self.roamers = [
            Roaming(f"v{n}", cluster.nodes[0].sk, cluster.ports, random.Random(rng.random()))
            for n in range(size)
        ]
        self.visitors = list(self.roamers)
        self.watchers = [
            Watcher(each, cluster.nodes[0].sk, cluster.ports, random.Random(rng.random()))
            for each in self.roamers[::4]
        ]
        self._watching: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self._watching = [asyncio.create_task(each.run()) for each in self.watchers]
        return self

    async def __aexit__(self, *failure: object) -> None:
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        await super().__aexit__(*failure)

    def raise_broken(self) -> None:
        super().raise_broken()
        for task in self._watching:
            if task.done() and not task.cancelled():
                task.result()

    async def settle(self, seconds: float = 60.0) -> None:
        try:
            await super().settle(seconds)
        except Broken:
            for visitor in self.roamers:
                if not visitor.settled:
                    print(visitor.session, *await self._rows(_STANDING, visitor.session), sep="\n  ")
            raise

    async def ask(self, path: str) -> Answer:
        """Any node has the answer."""
        deadline = time.monotonic() + 30
        while True:
            try:
                answer = await request(
                    self.cluster.rng.choice(self.cluster.ports), "GET", path, {"x-api-key": self.server.sk}
                )
            except CutOff:
                answer = Answer(503, {}, None)
            if answer.status != 503 or time.monotonic() > deadline:
                return answer
            await asyncio.sleep(0.2)

    async def _rows(self, query: str, session: str) -> list[Any]:
        connection = await asyncpg.connect(self.cluster.postgres.url(self.cluster.database))
        try:
            return list(await connection.fetch(query, session_id("default", session)))
        finally:
            await connection.close()

    async def log_of(self, session: str) -> list[truth.Row]:
        query = (
            "SELECT version, producer, first_seq, last_seq, reports, count, events FROM log WHERE id = $1 "
            "ORDER BY version"
        )
        return [truth.Row(*row) for row in await self._rows(query, session)]

    async def converge(self) -> float:
        """Wait until all who watch know the last mood; how long (s) that took. Raises Broken."""
        began = time.monotonic()
        wrong: list[str] = []
        while time.monotonic() - began < 4 * CONVERGE_SECONDS:
            wrong = []
            for watcher in self.watchers:
                answer = await self.ask(f"/v1/sessions/{watcher.visitor.session}/mood")
                if answer.status == 200 and answer.body["mood"] != watcher.mood:
                    wrong.append(f"{watcher.visitor.session}: {watcher.mood}, is {answer.body['mood']}")
            if not wrong:
                return time.monotonic() - began
            self.raise_broken()
            await asyncio.sleep(0.1)
        raise Broken(f"who watches does not know: {wrong}")

    async def check_timeline(self) -> int:
        """Every mood that was pushed stands in the timeline, once. How many did."""
        pushed = 0
        for visitor in self.roamers:
            rows = await self._rows(
                "SELECT mood, at FROM changes WHERE id = $1 ORDER BY place", visitor.session
            )
            changes = [(row["mood"], row["at"]) for row in rows]
            assert len(changes) == len(set(changes)), (visitor.session, changes)
            missing = [
                (mood, since)
                for mood, since in visitor.pushed
                if not any(told == mood and 0 <= at - since <= LEARNED_LATE_MS for told, at in changes)
            ]
            assert not missing, (visitor.session, missing, changes[-20:])
            pushed += len(visitor.pushed)
        return pushed


@contextlib.asynccontextmanager
async def cluster(
    folder: Path, engines: tuple[Postgres, Valkey], rng: random.Random
) -> AsyncIterator[Cluster]:
    with engines[0].database() as database:
        async with Cluster(folder, engines, database, rng) as found:
            yield found


async def run(
    folder: Path,
    engines: tuple[Postgres, Valkey],
    seed: int,
    *,
    faults: int,
    visitors: int,
    longest: float,
    say: Callable[[str], None] = lambda line: None,
) -> str:
    """The trial; its figures. Raises Broken or AssertionError."""
    rng = random.Random(seed)
    async with cluster(folder, engines, rng) as found:
        try:
            async with Roamers(found, visitors, rng) as crowd:
                await crowd.more_acks(visitors)
                for n in range(faults):
                    kind = await found.fault(longest)
                    crowd.raise_broken()
                    say(f"{n + 1}/{faults} {kind}: {crowd.acked} acked")
                    await crowd.more_acks(rng.randint(10, 100), 60)
                await crowd.settle(90)
                took = await crowd.converge()
                tally = await crowd.check()
                pushed = await crowd.check_timeline()
            assert (tally.lost, tally.doubled, tally.altered) == (0, 0, 0), tally
            assert took <= CONVERGE_SECONDS, f"it took {took:.1f} s until all who watch knew the last mood"
            for node in found.nodes:
                assert "Traceback" not in node.output(), node.output()[-8000:]
        except BaseException:
            for node in found.nodes:
                print(f"--- {node.folder.name}\n{node.output()[-3000:]}")
            raise
    sums = [
        f"{name} {sum(getattr(v, name) for v in crowd.visitors)}"
        for name in ("connects", "cuts", "nacks", "refusals")
    ]
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(found.done.items()))
    return (
        f"seed {seed}; faults: {kinds}; {', '.join(sums)}; {tally}; moods pushed {pushed}; "
        f"watchers knew after {took:.2f} s"
    )


async def roll(folder: Path, engines: tuple[Postgres, Valkey], seed: int, visitors: int) -> str:
    """Restart all nodes, one after the other, under load: whoever has a line is told to go, and every ack holds."""
    rng = random.Random(seed)
    async with cluster(folder, engines, rng) as found:
        async with Roamers(found, visitors, rng) as crowd:
            await crowd.more_acks(visitors)
            for node in found.nodes:
                assert await asyncio.to_thread(node.stop) == 0
                await asyncio.to_thread(found._start, node)
                await crowd.more_acks(20)
            await crowd.settle(90)
            await crowd.converge()
            tally = await crowd.check()
            await crowd.check_timeline()
        codes = {code for watcher in crowd.watchers for code in watcher.codes}
        assert codes <= {4200}, codes
        assert (tally.lost, tally.doubled, tally.altered) == (0, 0, 0), tally
        for node in found.nodes:
            assert "Traceback" not in node.output(), node.output()[-8000:]
    return f"closed with {sorted(map(str, codes))}; {tally}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("faults", type=int)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--visitors", type=int, default=60)
    parser.add_argument("--longest", type=float, default=20.0, help="seconds that a fault lasts at most")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, postgres() as database, valkey() as bus:
        print(
            asyncio.run(
                run(
                    Path(folder),
                    (database, bus),
                    options.seed,
                    faults=options.faults,
                    visitors=options.visitors,
                    longest=options.longest,
                    say=lambda line: print(line, flush=True),
                )
            )
        )


if __name__ == "__main__":
    main()
