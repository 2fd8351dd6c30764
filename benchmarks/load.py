"""The load process: reads one job a line from standard input, writes one result a line."""

import sys

import msgspec
import uvloop

from benchmarks.hold import hold
from benchmarks.jobs import Hold, Job, Latency, Moods, Post, Result, Storm, Stream
from benchmarks.latency import latency
from benchmarks.moods import moods
from benchmarks.rates import post, stream
from benchmarks.storm import storm

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
        sys.stdout.buffer.write(msgspec.json.encode(run(_decode(line))) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
