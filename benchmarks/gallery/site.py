"""The website that the gallery visits, and the sink that the peers report to. One origin, one event loop.

/TOOL/RUN/PAGE      a page with that tool's script in its head
/build/FILE         bundles
/api/ok?ms=500      JSON after that time; /api/page?ms= a page; /api/never never; /api/fail a 500;
                    /api/drop closes the line
/sink/TOOL/RUN/…    keeps what comes, answers as the tool's service would
"""

import asyncio
import gzip
import io
import math
import socket
import struct
import threading
import time
import wave
import zlib
from collections import defaultdict
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from benchmarks.gallery.tools import TOOLS

BUILD = Path(__file__).resolve().parents[2] / "build" / "gallery"
#: in the head of every page: what a site has that is cared for
HEAD = '<meta charset=utf-8><meta name=viewport content="width=device-width"><link rel=icon href="data:,">'


class GallerySite:
    """Serves until `close`. `kept[(tool, run)]`: the bodies that the tool sent, decompressed."""

    def __init__(self, folders: tuple[Path, ...], server: str, key: str) -> None:
        self.folders = folders
        self.server, self.key = server, key
        self.kept: dict[tuple[str, str], list[tuple[str, bytes]]] = defaultdict(list)
        app = Starlette(
            routes=[
                Route("/build/{file:path}", self._build),
                Route("/api/{call}", self._api, methods=["GET", "POST"]),
                Route("/tile/{z}/{x}/{y}.png", self._tile),
                Route("/tone.wav", self._tone),
                WebSocketRoute("/socket", self._socket),
                Route("/sink/{tool}/{run}", self._sink, methods=["GET", "POST", "OPTIONS"]),
                Route("/sink/{tool}/{run}/{rest:path}", self._sink, methods=["GET", "POST", "OPTIONS"]),
                Route("/{tool}/{run}/{page}", self._page, methods=["GET", "POST"]),
            ]
        )
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        self.port = int(listener.getsockname()[1])
        self.base = f"http://localhost:{self.port}"
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=1)
        )
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._uvicorn.serve(sockets=[listener])), daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + 20
        while not self._uvicorn.started and time.monotonic() < deadline:
            time.sleep(0.02)

    def close(self) -> None:
        self._uvicorn.should_exit = True
        self._thread.join(10)

    async def _page(self, request: Request) -> Response:
        tool, run, page = (request.path_params[name] for name in ("tool", "run", "page"))
        tag = TOOLS[tool].tag.format(
            sink=f"/sink/{tool}/{run}", server=self.server, key=self.key, host=self.base
        )
        style = f"<link rel=stylesheet href=/build/{page}.css>" if (BUILD / f"{page}.css").exists() else ""
        script = (
            f"<script type=module src=/build/{page}.js></script>" if (BUILD / f"{page}.js").exists() else ""
        )
        body = "<main id=root></main>"
        for folder in self.folders:
            if (folder / f"{page}.html").exists():
                body = (folder / f"{page}.html").read_text()
        if page == "done":
            body = "<h1>Done</h1><p>Here is what you asked for.</p>"
        return HTMLResponse(
            f"<!doctype html><html lang=en><head>{HEAD}{tag}<title>{page}</title>{style}</head>"
            f"<body>{body}{script}</body></html>"
        )

    async def _build(self, request: Request) -> Response:
        path = (BUILD / request.path_params["file"]).resolve()
        if not path.is_file() or BUILD not in path.parents:
            return Response("nothing here", 404)
        kinds = {
            ".js": "text/javascript",
            ".css": "text/css",
            ".svg": "image/svg+xml",
            ".woff2": "font/woff2",
        }
        return Response(
            path.read_bytes(),
            media_type=kinds.get(path.suffix, "application/octet-stream"),
            headers={"cache-control": "max-age=3600"},
        )

    async def _api(self, request: Request) -> Response:
        call = request.path_params["call"]
        await asyncio.sleep(float(request.query_params.get("ms", 30)) / 1000)
        if call == "never":
            while not await request.is_disconnected():
                await asyncio.sleep(0.5)
        if call == "fail":
            return JSONResponse({"error": "broken"}, 500)
        if call == "html":
            return HTMLResponse(f"<b>Answer</b> of {time.strftime('%X')}, number {time.time_ns() % 1000}")
        if call == "page":
            return HTMLResponse(f"<!doctype html><html lang=en><head>{HEAD}</head><body><h1>Here it is</h1>")
        return JSONResponse({"ok": True, "n": time.time_ns() % 100000})

    async def _socket(self, line: WebSocket) -> None:
        """Answers each word after as many ms as it says."""
        await line.accept()
        try:
            while True:
                ms = await line.receive_text()
                await asyncio.sleep(float(ms) / 1000)
                await line.send_text(f"answer after {ms} ms")
        except WebSocketDisconnect:
            return

    async def _tile(self, request: Request) -> Response:
        x, y, z = (int(request.path_params[name]) for name in "xyz")
        shade = 150 + (x * 37 + y * 91 + z * 13) % 90
        return Response(_png(shade), media_type="image/png", headers={"cache-control": "max-age=3600"})

    async def _tone(self, request: Request) -> Response:
        sound = _wav()
        span = request.headers.get("range", "")
        if span.startswith("bytes="):
            low, _, high = span[6:].partition("-")
            end = int(high) if high else len(sound) - 1
            part = sound[int(low) : end + 1]
            headers = {"content-range": f"bytes {low}-{end}/{len(sound)}", "accept-ranges": "bytes"}
            return Response(part, 206, headers, "audio/wav")
        return Response(sound, headers={"accept-ranges": "bytes"}, media_type="audio/wav")

    async def _sink(self, request: Request) -> Response:
        tool, run = request.path_params["tool"], request.path_params["run"]
        body = await request.body()
        rest = request.path_params.get("rest", "")
        if body:
            self.kept[tool, run].append((f"{rest}?{request.url.query}", unpacked(body)))
        allow = {
            "access-control-allow-origin": request.headers.get("origin", "*"),
            "access-control-allow-headers": "*",
            "access-control-allow-credentials": "true",
        }
        content, kind = TOOLS[tool].answer(rest)
        return Response(content, media_type=kind, headers=allow)


def unpacked(body: bytes) -> bytes:
    """What was compressed on the way: gzip or zlib, known by its first bytes."""
    try:
        if body[:2] == b"\x1f\x8b":
            return gzip.decompress(body)
        if body[:1] == b"\x78":
            return zlib.decompressobj().decompress(body)
    except (OSError, EOFError, zlib.error):
        pass
    return body


def _png(shade: int) -> bytes:
    rows = (b"\0" + bytes([shade, 200, 180]) * 256) * 256

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 256, 256, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


_SOUND: list[bytes] = []


def _wav() -> bytes:
    """A minute of a quiet tone, 8 kHz."""
    if not _SOUND:
        file = io.BytesIO()
        with wave.open(file, "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(1)
            sound.setframerate(8000)
            second = bytes(128 + round(6 * math.sin(2 * math.pi * 440 * n / 8000)) for n in range(8000))
            sound.writeframes(second * 60)
        _SOUND.append(file.getvalue())
    return _SOUND[0]
