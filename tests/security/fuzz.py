"""Mutated input for the decoders: `python -m tests.security.fuzz COUNT [SEED]`. Whatever comes, either it is a
batch or frame within the limits, or it is refused with an error of the contract."""

import math
import random
import sys
import time
from collections import Counter

import msgspec

from app import protocol
from app.errors import SessionMoodError
from app.protocol.batches import Batch, Limits
from app.protocol.events import VALUE_RANGES, to_event
from app.protocol.frames import Frame

LIMITS = Limits(50, 4096, 32)
SEEDS: tuple[bytes, ...] = (
    b'{"type":"click"}',
    b'{"type":"scroll","value":50,"dy":-3.5,"at":1764000000000}',
    b'[{"type":"click","target":"#pay","x":120,"y":340},{"type":"error","kind":"js","value":500}]',
    b'{"producer":"p1","seq":1,"events":[{"type":"page_view","url":"/a?b=c#d"}],"reports":["response"],"lost":2}',
    b'{"key":"pk_x","token":"a.b.c","now":1764000000000.5,"producer":"p","seq":9007199254740992,"events":[]}',
    b'{"op":"hello","key":"sk_x","producer":"p","have":[3,4],"reports":["response","dead_click"],"every":true}',
    b'{"op":"events","seq":7,"events":[{"type":"input","name":"\\u00e9\\ud83d\\ude00"}],"lost":1}',
    b'{"op":"ping"}',
    b'{"op":"pong"}',
)
TOKENS: tuple[bytes, ...] = (
    b"null", b"true", b"-0", b"1e309", b"-1e400", b"NaN", b"Infinity", b"1" * 400, b"0.1e-999", b'"' + b"x" * 300 + b'"',
    b"\\ud800", b"\\u0000", b"\xff", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"[" * 200, b'{"a":' * 200,
    b"]" * 3, b"}", b",", b":", b'"type":', b'"events":', b'"op":"events",', b'"seq":-1,', b'"seq":1.5,',
    b'"value":1e15,',
    b'"at":"now",', b'"lost":99999999999999999999,', b" " * 500, b"\n", b"\x00", b'"op":null,', b'"op":[],',
    b'"type":"",',
)  # fmt: skip


def mutate(dice: random.Random) -> bytes:
    """A seed, changed a little or a lot."""
    data = bytearray(dice.choice(SEEDS))
    for _ in range(dice.choice((0, 1, 1, 2, 3, 6))):
        at = dice.randrange(len(data) + 1)
        kind = dice.randrange(6)
        if kind == 0 and data:
            data[at % len(data)] = dice.randrange(256)
        elif kind == 1:
            data[at:at] = dice.choice(TOKENS)
        elif kind == 2:
            del data[at : at + dice.randrange(1, 12)]
        elif kind == 3:
            other = dice.choice(SEEDS)
            data[at:at] = other[dice.randrange(len(other)) :]
        elif kind == 4:
            data[at:at] = data[at : at + dice.randrange(1, 60)] * dice.choice((1, 2, 60))
        else:
            data[at : at + 1] = bytes([dice.randrange(32, 127)])
    return bytes(data)


def check(data: bytes) -> str:
    """Feed both decoders; what came of it. Raises whatever should not have happened."""
    said = []
    for name, decode in (("body", _body), ("frame", _frame)):
        try:
            result = decode(data)
        except SessionMoodError as error:
            assert error.status in (400, 413, 422), error
            assert 0 < len(error.detail) <= 400, error.detail
            msgspec.json.encode(protocol.problem(error))
            said.append(f"{name}: {error.code}")
        else:
            said.append(f"{name}: {type(result).__name__.lower()}")
            if isinstance(result, Batch):
                _within_limits(result)
    return ", ".join(said)


def _body(data: bytes) -> Batch:
    return protocol.decode_body(data, LIMITS)


def _frame(data: bytes) -> Frame | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None  # the socket closes with 1007 before it comes to this
    return protocol.decode_frame(text, LIMITS)


def _within_limits(batch: Batch) -> None:
    assert len(batch.events) <= LIMITS.events
    assert batch.seq is None or 1 <= batch.seq <= 2**53
    for event in batch.events:
        assert 1 <= len(event.type) <= 64
        assert event.target is None or len(event.target) <= 200
        assert event.url is None or ("?" not in event.url and "#" not in event.url)
        assert event.at is None or math.isfinite(event.at)  # any clock is taken, and clamped
        for number in (event.value, event.x, event.y, event.dy):
            assert number is None or abs(number) <= 1e15
        low, high = VALUE_RANGES.get(event.type, (-1e15, 1e15))
        assert event.value is None or low <= event.value <= high
        to_event(event, 0)
    # what is taken can be kept, and read again as it was
    kept = protocol.encode_log(batch.events)
    assert protocol.encode_log(protocol.decode_log(kept)) == kept


def run(count: int, seed: int) -> Counter[str]:
    """Check `count` inputs; how they fared. A failing input is printed before it raises."""
    dice = random.Random(seed)
    outcomes: Counter[str] = Counter()
    for _ in range(count):
        data = mutate(dice)
        try:
            outcomes[check(data)] += 1
        except BaseException:
            print(f"seed {seed}, input {data!r}")
            raise
    return outcomes


def main(arguments: list[str]) -> None:
    count, seed = int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 1
    began = time.perf_counter()
    for outcome, times in run(count, seed).most_common():
        print(f"{times:12,}  {outcome}")
    print(
        f"{count:,} inputs, seed {seed}, {count / (time.perf_counter() - began):,.0f} a second, no surprise"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
