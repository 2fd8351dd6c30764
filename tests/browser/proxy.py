"""A TCP proxy in front of the server that treats WebSockets as some networks do."""

import contextlib
import socket
import threading
from typing import Literal

Mode = Literal["pass", "refuse", "swallow", "down"]


class Proxy:
    """`mode`: `pass` lets everything through; `refuse` answers an upgrade with 403; `swallow` takes it and never
    says a word; `down` refuses every connection. `set` also cuts what is open, sockets only unless down."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: list[tuple[bool, socket.socket]] = []
        self._lock = threading.Lock()
        self.mode: Mode = "pass"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, mode: Mode) -> None:
        with self._lock:
            self.mode = mode
            for upgraded, end in self._open:
                if upgraded or mode == "down":
                    with contextlib.suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.set("down")
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            head = b"" if self.mode == "down" else client.recv(65536)
            upgrade = b"upgrade: websocket" in head.lower()
            with self._lock:
                if self.mode == "down":  # browsers open lines ahead: it may have come before
                    return
                self._open.append((upgrade, client))
            if upgrade and self.mode == "refuse":
                client.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            elif upgrade and self.mode == "swallow":
                while client.recv(65536):
                    pass
            else:
                with socket.create_connection(("127.0.0.1", self._port)) as server:
                    server.sendall(head)
                    back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
                    back.start()
                    self._pump(client, server)
                    back.join()

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
