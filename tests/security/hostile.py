"""Clients that mean no good. Each does one thing, for as long as it is let, again and again until told to stop."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import msgspec

from tests.support.lines import CLICK, HELLO, Line, Target, events, framed, post

Attack = Callable[[Target], Awaitable[None]]


def _watched(answer: Coroutine[Any, Any, int]) -> "asyncio.Task[int]":
    """A task whose failure nobody need look at: the attack ends by it all the same."""
    task = asyncio.ensure_future(answer)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task


async def _opened(target: Target, key: bool = True, window: int = 0) -> Line:
    line = await Line.open(target, window)
    await line.handshake(target, key=key)
    return line


async def never_reads(target: Target) -> None:
    """Says a lot that wants an answer, and reads none."""
    line = await _opened(target)
    line.reader._transport.pause_reading()  # type: ignore[attr-defined]
    try:
        while True:
            await line.frame(b'{"op":"ping"}')
            await asyncio.sleep(0)
    finally:
        line.close()


async def reads_one_byte_a_second(target: Target) -> None:
    line = await _opened(target, window=4096)
    try:
        await line.frame(HELLO)
        seq = 1
        line.reader._transport.pause_reading()  # type: ignore[attr-defined]
        while True:
            for _ in range(20):
                await line.frame(events(seq, 5))
                seq += 5
                await asyncio.sleep(0.05)
            line.reader._transport.resume_reading()  # type: ignore[attr-defined]
            await line.reader.read(1)
            line.reader._transport.pause_reading()  # type: ignore[attr-defined]
    finally:
        line.close()


async def says_nothing(target: Target) -> None:
    line = await Line.open(target)
    try:
        await line.reader.read()
    finally:
        line.close()


async def half_a_handshake(target: Target) -> None:
    line = await Line.open(target)
    try:
        await line.say(b"GET /v1/sessions/s/ws HTTP/1.1\r\nhost: localhost\r\nupgrade: webs")
        target.seen.append(await line.status())
    finally:
        line.close()


async def handshake_and_no_hello(target: Target) -> None:
    line = await _opened(target, key=False)
    try:
        target.seen.append(await line.code())
    finally:
        line.close()


async def headers_without_end(target: Target) -> None:
    line = await Line.open(target)
    try:
        await line.say(b"GET / HTTP/1.1\r\nhost: localhost\r\n")
        with_an_answer = _watched(line.status())
        while not with_an_answer.done():
            await line.say(b"x-%d: " % target.dice.getrandbits(30) + b"y" * 1000 + b"\r\n")
            await asyncio.sleep(0)
        target.seen.append(with_an_answer.result())
    finally:
        line.close()


async def dribbles_a_body(target: Target) -> None:
    line = await Line.open(target)
    try:
        head = (
            f"POST /v1/sessions/{target.session()}/events HTTP/1.1\r\nhost: a\r\nx-api-key: {target.key}\r\n"
        )
        await line.say(head.encode() + b"content-length: 100000\r\n\r\n")
        answer = _watched(line.status())
        while not answer.done():
            await line.say(b" ")
            await asyncio.wait([answer], timeout=1)
        target.seen.append(answer.result())
    finally:
        line.close()


async def dribbles_a_frame(target: Target) -> None:
    line = await _opened(target)
    try:
        code = _watched(line.code())
        data = framed(b" " * 100_000)
        for n in range(len(data)):
            await line.say(data[n : n + 1])
            if (await asyncio.wait([code], timeout=1))[0]:
                break
        target.seen.append(await code)
    finally:
        line.close()


async def _until_closed(target: Target, say: Callable[[Line], Awaitable[None]]) -> None:
    """Say it again and again until the server closes; note its code."""
    line = await _opened(target)
    code = _watched(line.code())
    try:
        while not code.done():
            await say(line)
            await asyncio.sleep(0)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    except asyncio.CancelledError:  # told to stop, whatever the server would have said
        line.close()
        raise
    try:
        target.seen.append(await asyncio.wait_for(code, 20))
    finally:
        line.close()


async def fragments_without_end(target: Target) -> None:
    started = False

    async def say(line: Line) -> None:
        nonlocal started
        await line.frame(b"", 0 if started else 1, fin=False)
        started = True

    await _until_closed(target, say)


async def a_megabyte(target: Target) -> None:
    await _until_closed(target, lambda line: line.frame(b'{"type":"' + b"x" * 1_000_000 + b'"}'))


async def two_megabytes_in_pieces(target: Target) -> None:
    started = False

    async def say(line: Line) -> None:
        nonlocal started
        await line.frame(b"x" * 20_000, 0 if started else 1, fin=False)
        started = True

    await _until_closed(target, say)


async def broken_utf8(target: Target) -> None:
    await _until_closed(target, lambda line: line.frame(b'{"type":"\xff\xfe"}'))


async def deep_json(target: Target) -> None:
    await _until_closed(target, lambda line: line.frame(b'{"a":' * 40_000))


async def huge_names(target: Target) -> None:
    body = msgspec.json.encode({"type": "x" * 200_000, "name": "y" * 50_000})
    await _until_closed(target, lambda line: line.frame(body))


async def floods_events(target: Target) -> None:
    seq = 1

    async def say(line: Line) -> None:
        nonlocal seq
        await line.frame(events(seq, 500, target="#" + "x" * 100))
        seq += 500

    await _until_closed(target, say)


async def floods_pings(target: Target) -> None:
    await _until_closed(target, lambda line: line.say(framed(b"", 9) * 2000))


async def floods_hellos(target: Target) -> None:
    async def say(line: Line) -> None:
        await line.frame(msgspec.json.encode({"op": "hello", "producer": f"{target.dice.getrandbits(60):x}"}))

    await _until_closed(target, say)


async def floods_nonsense_in_one_packet(target: Target) -> None:
    await _until_closed(target, lambda line: line.say(framed(b'{"op":"events","events":[]}') * 5000))


async def _floods_http(target: Target, request: Callable[[], bytes]) -> None:
    line = await Line.open(target)
    try:
        while True:
            await line.say(request())
            target.seen.append(await line.status())
            size = 0
            while (header := await line.reader.readline()) not in (b"\r\n", b""):
                if header.lower().startswith(b"content-length:"):
                    size = int(header.split(b":")[1])
            await line.reader.readexactly(size)
    finally:
        line.close()


async def opens_session_after_session(target: Target) -> None:
    """A million session ids, if it is let."""
    await _floods_http(target, lambda: post(target.session(), target.key, b'{"type":"click"}'))


async def guesses_keys(target: Target) -> None:
    await _floods_http(target, lambda: post("s", f"sk_{target.dice.getrandbits(190):x}", b'{"type":"click"}'))


async def bad_bodies(target: Target) -> None:
    await _floods_http(target, lambda: post(target.session(), target.key, b"[" * 200_000))


async def asks_without_end_at_once(target: Target) -> None:
    """Requests in one packet, more than anybody needs: each would be held until those before it are answered."""
    line = await Line.open(target)
    try:
        await line.say(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n" * 5000)
        await line.reader.read()
    finally:
        line.close()


async def asks_whether_all_is_well(target: Target) -> None:
    await _floods_http(target, lambda: b"GET /readyz HTTP/1.1\r\nhost: a\r\n\r\n")


async def connects_and_leaves(target: Target) -> None:
    line = await _opened(target)
    line.close()


async def trailers_without_end(target: Target) -> None:
    """Lines after the last chunk of a body, which no limit of a body or a head is for."""
    line = await Line.open(target)
    try:
        head = (
            f"POST /v1/sessions/{target.session()}/events HTTP/1.1\r\nhost: a\r\nx-api-key: {target.key}\r\n"
        )
        await line.say(head.encode() + b"transfer-encoding: chunked\r\n\r\n1\r\n[\r\n0\r\n")
        answer = _watched(line.status())
        while not answer.done():
            await line.say(b"x-api-key: " + b"y" * 1000 + b"\r\n")
            await asyncio.sleep(0)
        target.seen.append(answer.result())
    finally:
        line.close()


async def wishes_to_upgrade(target: Target) -> None:
    """Handshakes that parsers stumble over, each left open until the server ends it."""
    head = (
        f"{target.dice.choice(('GET', 'POST'))} /v1/sessions/{target.session()}/ws HTTP/1.1\r\nhost: a\r\n"
        "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
        "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    ).encode()
    more = (
        b"content-length: 9\r\n", b"transfer-encoding: chunked\r\n", b"x: y\r\n" * 200,
        b"cookie: " + b"c" * 9000 + b"\r\n", b"sec-websocket-protocol: " + b"c" * 9000 + b"\r\n",
    )  # fmt: skip
    lines = [await Line.open(target) for _ in more]
    try:
        for line, headers in zip(lines, more, strict=True):
            await line.say(head + headers + b"\r\n")
        target.seen += [await line.status() for line in lines]
        for line in lines:
            await line.reader.read()
    finally:
        for line in lines:
            line.close()


#: Lines with half a message each that one attacker holds.
HALVES: Final = 20


async def _halves(target: Target, say: Callable[[Line], Awaitable[None]]) -> None:
    lines: list[Line] = []
    try:
        for _ in range(HALVES):
            lines.append(await Line.open(target))
            await say(lines[-1])
        await asyncio.sleep(5)
    finally:
        for line in lines:
            line.close()


async def half_messages(target: Target) -> None:
    """A quarter of a MiB that never becomes whole, after the hello."""

    async def say(line: Line) -> None:
        await line.handshake(target)
        await line.frame(HELLO)
        await line.say(framed(b" " * 250_000)[:-1])

    await _halves(target, say)


async def half_hellos(target: Target) -> None:
    """The same before it."""

    async def say(line: Line) -> None:
        await line.handshake(target, key=False)
        await line.say(framed(b" " * 250_000)[:-1])

    await _halves(target, say)


async def half_bodies(target: Target) -> None:
    """The same as requests."""
    await _halves(
        target, lambda line: line.say(post(target.session(), target.key, b"[" + b" " * 250_000)[:-1])
    )


async def sends_into_others(target: Target) -> None:
    """Batches without a token into the sessions of visitors (those of `soak`): refused, and not at their expense."""
    body = msgspec.json.encode([CLICK] * 500)
    await _floods_http(target, lambda: post(f"good-{target.dice.randrange(200)}", target.key, body))


ATTACKS: Final[tuple[Attack, ...]] = (
    never_reads,
    reads_one_byte_a_second,
    says_nothing,
    half_a_handshake,
    handshake_and_no_hello,
    headers_without_end,
    dribbles_a_body,
    dribbles_a_frame,
    fragments_without_end,
    a_megabyte,
    two_megabytes_in_pieces,
    broken_utf8,
    deep_json,
    huge_names,
    floods_events,
    floods_pings,
    floods_hellos,
    floods_nonsense_in_one_packet,
    opens_session_after_session,
    guesses_keys,
    bad_bodies,
    asks_without_end_at_once,
    asks_whether_all_is_well,
    connects_and_leaves,
    trailers_without_end,
    wishes_to_upgrade,
    half_messages,
    half_hellos,
    half_bodies,
    sends_into_others,
)


async def again_and_again(attack: Attack, target: Target, seconds: float, pause: float = 0.05) -> None:
    """For so long; then cancel what is left: an attack that is just being answered may not notice."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            await attack(target)
        except (OSError, EOFError, ConnectionError, AssertionError, IndexError, TimeoutError) as cut:
            target.seen.append(type(cut).__name__)
        await asyncio.sleep(pause)
