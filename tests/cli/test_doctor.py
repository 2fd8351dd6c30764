"""`sessionmood doctor`, on deployments that are well and on ones that are not."""

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import ROOT, ServerProcess, free_port, running


def examined(database: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """The exit code and what it said."""
    environment = {"PATH": os.environ["PATH"], "DATABASE_URL": f"sqlite:///{database}", **environment}
    command = [sys.executable, "-m", "app", "doctor", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running(tmp_path_factory.mktemp("doctor")) as server:
        yield server


def test_a_healthy_one(served: ServerProcess) -> None:
    code, said = examined(served.database, "--url", served.base, SESSIONMOOD_KEY=served.sk)
    assert code == 0, said
    for line in ("it answers within", "WebSockets get through", "the key is good", "the clocks agree",
                 "it can write to its storage", "the database is sound", "SQLite 3."):  # fmt: skip
        assert line in said
    assert "may be used from any origin" in said  # the development key
    assert served.sk not in said


def test_a_key_that_is_refused(served: ServerProcess) -> None:
    code, said = examined(served.database, "--url", served.base, "--key", "sk_wrong")
    assert code == 1
    assert "the key is refused" in said


def test_nobody_there(tmp_path: Path) -> None:
    code, said = examined(tmp_path / "none.db", "--url", f"http://127.0.0.1:{free_port()}")
    assert code == 1
    assert "does not answer" in said
    assert "does not exist yet" in said


def test_a_proxy_that_does_not_pass_websockets(tmp_path: Path) -> None:
    class Proxy(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            fine = self.path in ("/livez", "/readyz")
            self.send_response(200 if fine else 400)
            self.send_header("content-length", "3")
            self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(b"ok\n")

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        code, said = examined(tmp_path / "none.db", "--url", f"http://127.0.0.1:{proxy.server_port}")
        proxy.shutdown()
    assert code == 1
    assert "answered with 400" in said
    assert "Upgrade" in said


def test_a_deployment_with_its_doors_open(served: ServerProcess, tmp_path: Path) -> None:
    served.database.chmod(0o644)
    code, said = examined(
        served.database,
        SESSIONMOOD_HOST="0.0.0.0",
        SESSIONMOOD_RETENTION_DAYS="0",
        SESSIONMOOD_MAX_CONNECTIONS="500",
    )
    assert code == 0, said
    for line in ("can be read by other users (644)", "kept for ever", "names no https", "/metrics is open",
                 "keys of the first start", "raise the limit of open files"):  # fmt: skip
        assert line in said


def test_a_database_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "broken.db"
    path.write_bytes(b"this is no database" * 500)
    code, said = examined(path)
    assert code == 1
    assert "can't be read" in said


def test_asked_wrongly(tmp_path: Path) -> None:
    assert examined(tmp_path / "x.db", "--url", "shop.example")[0] == 2
    assert examined(tmp_path / "x.db", SESSIONMOOD_LOG_LEVEL="loud")[0] == 2
