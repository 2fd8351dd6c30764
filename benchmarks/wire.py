"""WebSocket and HTTP by hand, for a client that costs far less than the server it measures."""

from collections.abc import Iterator, Sequence
from typing import Final

TEXT: Final = 1
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10


def masked(payload: bytes, opcode: int = TEXT) -> bytes:
    """One client frame. The mask is four zeros: by the book for the server, nothing to do here."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | opcode, 0x80 | size))
    elif size < 65536:
        head = bytes((0x80 | opcode, 0xFE)) + size.to_bytes(2)
    else:
        head = bytes((0x80 | opcode, 0xFF)) + size.to_bytes(8)
    return head + b"\0\0\0\0" + payload


def upgrade(path: str, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """A handshake request."""
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def post(path: str, body: bytes, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    """A POST of JSON on a connection that stays open."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Inbox:
    """Bytes as they arrive to frames or HTTP answers. The handshake's answer is passed over first."""

    __slots__ = ("_rest", "open")

    def __init__(self) -> None:
        self._rest = b""
        self.open = False  # the handshake is done

    def frames(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """(opcode, payload) of each whole frame. Raises ConnectionError for a handshake that was refused.

        A client must not send frames before `open`: uvicorn drops what comes with the handshake."""
        if self._rest:
            data = self._rest + data
        start = 0
        if not self.open:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                raise ConnectionError(data[:end].decode("latin-1"))
            self.open = True
            start = end + 4
        total = len(data)
        while total - start >= 2:
            size = data[start + 1]
            begin = start + 2
            if size == 126:
                size = int.from_bytes(data[start + 2 : start + 4])
                begin = start + 4
            elif size == 127:
                size = int.from_bytes(data[start + 2 : start + 10])
                begin = start + 10
            end = begin + size
            if end > total:
                break
            yield data[start] & 0x0F, data[begin:end]
            start = end
        self._rest = data[start:]

    def answers(self, data: bytes) -> Iterator[bytes]:
        """The head of each whole HTTP answer. Raises ConnectionError for one that is not 200."""
        data = self._rest + data
        while (end := data.find(b"\r\n\r\n")) >= 0:
            head = data[:end].lower()
            if not head.startswith(b"http/1.1 200"):
                raise ConnectionError(data[:300].decode("latin-1"))
            mark = head.index(b"content-length: ") + 16
            size = int(head[mark:].partition(b"\r")[0])
            if len(data) < end + 4 + size:
                break
            yield head
            data = data[end + 4 + size :]
        self._rest = data
