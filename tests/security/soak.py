"""Healthy sessions beside hostile clients, measured: `python -m tests.security.soak SECONDS [first]` starts a server
of its own and prints what it saw. The hostile ones are a process of their own that gets what processor time the
others leave: from outside they would not take the server's processor either. What they take all the same is told
apart by a phase in which they attack a neighbour, a second server on the same machine; and with `first` (as root)
server and healthy ones come before them also in the scheduler's eyes: real-time, so that who wakes does not wait
until a hostile one has finished its system call elsewhere."""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec
import websockets

from tests.security.hostile import ATTACKS, again_and_again
from tests.support.lines import Target
from tests.support.server import PATIENCE, ROOT, ServerProcess, running

HEALTHY = 200
#: Two of each attack.
HOSTILE = 2 * len(ATTACKS)
#: The hostile ones share so many addresses, one for each five: limits of one must not be what holds them all.
ADDRESSES = 10
#: Each healthy session sends a batch of five so often (s).
EVERY = 1.0


class Report(msgspec.Struct):
    """Latencies in ms (a batch sent until it is acked), memory in MiB, and what the hostile ones saw."""

    seconds: float
    calm_p50: float
    calm_p99: float
    neighbour_p50: float
    neighbour_p99: float
    p50: float
    p99: float
    acks: int
    unacked: int
    reconnects: int
    rss_start: float
    rss_peak: float
    rss_end: float
    files_end: int
    seen: dict[str, int]


class Healthy:
    """One well-behaved session."""

    def __init__(self, server: ServerProcess, number: int) -> None:
        self.server = server
        self.number = number
        # visitors share their addresses with few others, and not with those who attack
        self.address = f"127.0.1.{number % 50 + 1}"
        self.seq = 1
        self.acked = 0
        self.reconnects = -1
        self.latencies: list[float] = []

    async def run(self) -> None:
        await asyncio.sleep(EVERY * self.number / HEALTHY)
        token = None
        while True:
            self.reconnects += 1
            with contextlib.suppress(OSError, websockets.WebSocketException):
                url = f"{self.server.ws}/v1/sessions/good-{self.number}/ws"
                async with websockets.connect(
                    url, compression=None, local_addr=(self.address, 0), open_timeout=PATIENCE
                ) as raw:
                    hello = {"op": "hello", "key": self.server.pk, "producer": "p", "token": token}
                    await raw.send(json.dumps(hello))
                    welcome = json.loads(await raw.recv())
                    assert welcome["op"] == "welcome", welcome
                    token = welcome["token"]
                    self.acked = welcome["ack"]
                    self.seq = self.acked + 1
                    await self._send_for_ever(raw)
            await asyncio.sleep(0.5)

    async def _send_for_ever(self, raw: websockets.ClientConnection) -> None:
        while True:
            began = time.perf_counter()
            events = [{"type": "click", "target": f"#b{n}", "x": n, "y": n} for n in range(5)]
            await raw.send(json.dumps({"op": "events", "seq": self.seq, "events": events}))
            self.seq += 5
            while self.acked < self.seq - 1:
                frame = json.loads(await raw.recv())
                if frame["op"] == "ack":
                    self.acked = frame["seq"]
            self.latencies.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(max(0.0, EVERY - (time.perf_counter() - began)))


def rss(server: ServerProcess) -> float:
    """MiB of memory that the server holds."""
    assert server.process is not None
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def files(server: ServerProcess) -> int:
    assert server.process is not None
    return sum(1 for _ in Path(f"/proc/{server.process.pid}/fd").iterdir())


def come_first(server: ServerProcess) -> None:
    """Real-time priority for `server` and this process, all its threads. Raises PermissionError."""
    assert server.process is not None
    for process in (server.process.pid, os.getpid()):
        for thread in Path(f"/proc/{process}/task").iterdir():
            os.sched_setscheduler(int(thread.name), os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


async def attack(server: ServerProcess, seconds: float, idle: bool) -> "asyncio.subprocess.Process":
    """The hostile ones, at `server` for so long. They print what they saw. `idle`: they get only what processor time
    nobody else wants."""
    arguments = [str(server.port), server.pk, str(seconds), *(["idle"] if idle else [])]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.security.soak", "--hostile", *arguments,
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip


class Crowd:
    """All healthy sessions."""

    def __init__(self, server: ServerProcess) -> None:
        self.sessions = [Healthy(server, number) for number in range(HEALTHY)]

    def forget(self) -> None:
        for one in self.sessions:
            one.latencies.clear()

    def latencies(self) -> list[float]:
        """ms each, since they were forgotten."""
        return [latency for one in self.sessions for latency in one.latencies]


async def soak(
    server: ServerProcess,
    calm: float,
    seconds: float,
    neighbour: ServerProcess | None = None,
    *,
    idle: bool = True,
) -> Report:
    """`calm` s without the hostile ones, as long with them at the neighbour (which is ended by that), then `seconds`
    with them here."""
    crowd = Crowd(server)
    tasks = [asyncio.create_task(one.run()) for one in crowd.sessions]
    await asyncio.sleep(max(3.0, 2 * EVERY))
    crowd.forget()
    await asyncio.sleep(calm)
    before = crowd.latencies()
    beside: list[float] = []
    if neighbour is not None:
        crowd.forget()
        attackers = await attack(neighbour, calm, idle)
        await asyncio.sleep(calm)
        beside = crowd.latencies()
        await attackers.communicate()
        neighbour.close()  # or it would go on with what the attack left it
    crowd.forget()
    start = peak = rss(server)
    attackers = await attack(server, seconds, idle)
    output = asyncio.ensure_future(attackers.communicate())
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        await asyncio.wait([output], timeout=min(1.0, max(0.05, ends - time.monotonic())))
        peak = max(peak, rss(server))
    during = crowd.latencies()  # not what follows: the last attacks wait for their answers
    seen = json.loads((await output)[0])
    await asyncio.sleep(2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return Report(
        seconds=seconds,
        calm_p50=round(percentile(before, 0.5), 2),
        calm_p99=round(percentile(before, 0.99), 2),
        neighbour_p50=round(percentile(beside, 0.5), 2),
        neighbour_p99=round(percentile(beside, 0.99), 2),
        p50=round(percentile(during, 0.5), 2),
        p99=round(percentile(during, 0.99), 2),
        acks=len(during),
        unacked=sum(one.seq - 1 - one.acked for one in crowd.sessions),
        reconnects=sum(one.reconnects for one in crowd.sessions),
        rss_start=round(start, 1),
        rss_peak=round(peak, 1),
        rss_end=round(rss(server), 1),
        files_end=files(server),
        seen=seen,
    )


async def be_hostile(server: ServerProcess, seconds: float) -> dict[str, int]:
    """Every attack at least twice at once, for so long; what came of it, by attack and answer."""
    seen: dict[str, list[int | str]] = {attack.__name__: [] for attack in ATTACKS}
    tasks = []
    for number in range(HOSTILE):
        attack = ATTACKS[number % len(ATTACKS)]
        address = f"127.0.2.{number % ADDRESSES + 1}"
        name = f"{attack.__name__}-{number}"
        target = Target(server, server.pk, name, seen[attack.__name__], address)
        tasks.append(asyncio.create_task(again_and_again(attack, target, seconds)))
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    counts = Counter(f"{name} {answer}" for name, answers in seen.items() for answer in answers)
    return dict(sorted(counts.items()))


def main(arguments: list[str]) -> None:
    if arguments[0] == "--hostile":
        if "idle" in arguments[4:]:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        server = ServerProcess(Path("/nowhere"))
        server.port, server.pk = int(arguments[1]), arguments[2]
        print(json.dumps(asyncio.run(be_hostile(server, float(arguments[3])))))
        return
    seconds = float(arguments[0])
    with tempfile.TemporaryDirectory() as here, tempfile.TemporaryDirectory() as there:
        with running(Path(here)) as server, running(Path(there)) as neighbour:
            if "first" in arguments[1:]:
                come_first(server)
            report = asyncio.run(soak(server, min(30.0, seconds), seconds, neighbour))
            began = time.monotonic()
            code, took = server.stop(), time.monotonic() - began
            output = server.output()
        print(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
        print(f"SIGTERM: exit code {code} after {took:.1f} s")
        assert "Traceback" not in output, output[-3000:]


if __name__ == "__main__":
    main(sys.argv[1:])
