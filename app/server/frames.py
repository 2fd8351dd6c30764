"""Frames of RFC 6455 that are read and written without websockets' parser: the ones that come most."""

from typing import Final

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

#: A lone text frame of so many bytes is taken at once, a ping or pong too; anything else takes turns with others
#: (`SlowLane`).
AT_ONCE: Final = 16_384
#: Frames that came together are handed on together, up to so many, or so many bytes: that is 0.3 ms of work.
TOGETHER: Final = 32
TOGETHER_BYTES: Final = 8192


def frame_end(data: bytes, start: int) -> int | None:
    """Where the masked, final text frame without reserved bits that begins at `start` ends, if all of it is there.
    None for anything else, which is the parser's: RFC 6455, section 5.2."""
    if len(data) - start < 6 or data[start] != 0x81:
        return None
    size = data[start + 1] - 0x80
    begin = start + 6
    if size == 126:
        size = int.from_bytes(data[start + 2 : start + 4])
        begin += 2
    elif size < 0 or size == 127:
        return None
    return begin + size if begin + size <= len(data) else None


def whole_texts(data: bytes, start: int, longest: int) -> tuple[list[str], int]:
    """The text frames from `start` on that are there whole, up to one of more than `longest` bytes or that is not UTF-8,
    and where they end: TOGETHER at most, and none after the one that makes it TOGETHER_BYTES."""
    texts: list[str] = []
    enough = start + TOGETHER_BYTES
    while start < enough and len(texts) < TOGETHER:
        end = frame_end(data, start)
        if end is None or end - start > longest:
            break
        try:
            texts.append(payload(data, start, end).decode())
        except UnicodeDecodeError:
            break
        start = end
    return texts, start


def is_lone(data: bytes) -> bool:
    """Whether `data` is one frame that is taken at once. Who answered a ping must not wait for a turn: their next
    batch would wait behind it."""
    if len(data) >= 6 and data[0] in (0x89, 0x8A):
        return len(data) == data[1] - 0x80 + 6 <= 131
    return frame_end(data, 0) == len(data) <= AT_ONCE


def close_code(data: bytes) -> int:
    """The code of a frame that is all of `data`, closes in good order and gives no reason, which is how nearly all close
    (1005 where it has no code); 0 for anything else, which is the parser's: RFC 6455, section 7.4."""
    if len(data) < 6 or data[0] != 0x88 or len(data) != data[1] - 0x80 + 6:
        return 0
    if len(data) == 6:
        return 1005
    if len(data) != 8:
        return 0
    code = (data[6] ^ data[2]) << 8 | (data[7] ^ data[3])
    return code if code in (1000, 1001) or 3000 <= code < 5000 else 0


def payload(data: bytes, start: int, end: int) -> bytes:
    """What the frame of `frame_end` says."""
    begin = start + (8 if data[start + 1] == 0xFE else 6)
    return apply_mask(data[begin:end], data[begin - 4 : begin])


def framed(text: bytes) -> bytes:
    """A text frame of a server."""
    size = len(text)
    if size < 126:
        head = bytes((0x81, size))
    elif size < 65536:
        head = b"\x81\x7e" + size.to_bytes(2)
    else:
        head = b"\x81\x7f" + size.to_bytes(8)
    return head + text
