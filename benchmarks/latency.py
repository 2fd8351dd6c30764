"""How long one visitor waits: a blocking socket, because an event loop would add its own turns."""

import socket
import time
import uuid

from benchmarks.jobs import Latency, Waits
from benchmarks.visitor import batches
from benchmarks.wire import TEXT, Inbox, masked, upgrade

_WARM_UP = 50


def latency(job: Latency) -> Waits:
    target, make = job.target, batches(1)
    answers = ("events",) if target.echo else ("mood", "ack")
    waits = Waits([], [])
    with socket.create_connection(("127.0.0.1", target.port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        inbox = Inbox()
        sock.sendall(upgrade(f"/v1/sessions/{uuid.uuid4().hex}/ws"))
        while not inbox.open:
            list(inbox.frames(sock.recv(65536)))
        hello = b'{"op":"hello","key":"%s","producer":"p","every":true}' % target.key.encode()
        sock.sendall(masked(hello))
        _read(sock, inbox, "hello" if target.echo else "welcome")
        for number in range(1, job.samples + _WARM_UP + 1):
            frame = masked(b'{"op":"events","seq":%d,"events":[%s]}' % (number, make()))
            time.sleep(job.pause)
            sent = time.perf_counter()
            sock.sendall(frame)
            seen = _read(sock, inbox, *answers)
            if number > _WARM_UP:
                waits.first.append((seen[answers[0]] - sent) * 1000)
                waits.ack.append((seen[answers[-1]] - sent) * 1000)
    return waits


def _read(sock: socket.socket, inbox: Inbox, *wanted: str) -> dict[str, float]:
    """When a frame of each `op` in `wanted` had arrived."""
    seen: dict[str, float] = {}
    while not all(op in seen for op in wanted):
        data = sock.recv(65536)
        now = time.perf_counter()
        if not data:
            raise ConnectionError("the server closed the connection")
        for opcode, payload in inbox.frames(data):
            if opcode == TEXT:
                seen.setdefault(payload[7 : payload.index(b'"', 7)].decode(), now)
    return seen
