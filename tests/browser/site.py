"""A website for tests: pages from memory on their own origin, with handlers where a test needs them."""

import contextlib
import mimetypes
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Site:
    """Serves `pages` (path -> HTML). `answers` (path -> status, seconds to wait) stands for the site's own API,
    `folder` for its files."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.folder: Path | None = None
        self.headers: dict[str, Mapping[str, str]] = {}
        self.answers: dict[str, tuple[int, float]] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path in site.answers:
                    status, seconds = site.answers[path]
                    time.sleep(seconds)
                    self._answer(status, "application/json", b"{}")
                elif path in site.pages:
                    self._answer(
                        200, "text/html; charset=utf-8", site.pages[path].encode(), site.headers.get(path, {})
                    )
                elif site.folder and (site.folder / path.lstrip("/")).is_file():
                    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
                    self._answer(200, kind, (site.folder / path.lstrip("/")).read_bytes())
                else:
                    self._answer(404, "text/plain", b"nothing here")

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length") or 0))
                self.do_GET()

            def _answer(
                self, status: int, kind: str, body: bytes, extra: Mapping[str, str] | None = None
            ) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                for name, value in (extra or {}).items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        #: another origin than the service's, though the same machine
        self.base = f"http://localhost:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
