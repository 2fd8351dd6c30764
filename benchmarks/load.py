"""The load process: reads one job a line from standard input, writes one result a line."""

import faulthandler
import sys
from typing import Final

import msgspec
import uvloop

from benchmarks.hold import hold
from benchmarks.jobs import Hold, Job, Latency, Moods, Post, Result, Storm, Stream
from benchmarks.latency import latency
from benchmarks.moods import moods
from benchmarks.rates import post, stream
from benchmarks.storm import storm

#: Seconds that a job may take beyond those that it asks for: to open 15,000 sockets takes a slow machine three minutes.
#: One that takes longer hangs: the process says where, and ends.
PATIENCE: Final = 240.0

_decode = msgspec.json.Decoder(Job).decode


def run(job: Job) -> Result:
    if isinstance(job, Latency):
        return latency(job)
    if isinstance(job, Stream):
        return uvloop.run(stream(job))
    if isinstance(job, Post):
        return uvloop.run(post(job))
    if isinstance(job, Moods):
        return uvloop.run(moods(job))
    if isinstance(job, Hold):
        return uvloop.run(hold(job))
    assert isinstance(job, Storm)
    return uvloop.run(storm(job))


def main() -> None:
    for line in sys.stdin.buffer:
        job = _decode(line)
        faulthandler.dump_traceback_later(PATIENCE + getattr(job, "seconds", 0.0), exit=True)
        sys.stdout.buffer.write(msgspec.json.encode(run(job)) + b"\n")
        sys.stdout.buffer.flush()
        faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main()
