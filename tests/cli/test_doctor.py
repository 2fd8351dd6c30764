import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import Ran, sessionmood
from tests.support.server import ServerProcess


def doctor(database: object, *args: object, **environment: str) -> Ran:
    return sessionmood("doctor", *args, stdin=b"", DATABASE_URL=f"sqlite:///{database}", **environment)


def test_a_sound_server_has_nothing_to_mend(server: ServerProcess) -> None:
    ran = doctor(server.database, "--url", server.base, "--key", server.sk)
    assert ran.code == 0, ran.out + ran.err
    assert "fail " not in ran.out
    for said in ("can be read and written", "/readyz: it takes traffic", "the WebSocket works"):
        assert said in ran.out
    assert "may be used from any page" in ran.out  # the development key is bound to no origin
    assert server.sk not in ran.out


def test_before_the_first_start(tmp_path: Path) -> None:
    ran = doctor(tmp_path / "none.db")
    assert ran.code == 0
    assert "there is no database" in ran.out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environment", "code", "said"),
    [
        ({"SESSIONMOOD_MODEL": "nowhere.json"}, 1, "fail  SESSIONMOOD_MODEL: nowhere.json: cannot be read"),
        ({"SESSIONMOOD_MAX_CONNECTIONS": "99999999"}, 1, "raise `ulimit -n`"),
        ({"SESSIONMOOD_PUBLIC_URL": "http://x", "SESSIONMOOD_HOST": "0.0.0.0"}, 0, "unencrypted"),
        ({"PORT": "ninety"}, 2, "PORT is 'ninety'"),
        (
            {"SESSIONMOOD_RETENTION_DAY": "7"},
            0,
            "warn  SESSIONMOOD_RETENTION_DAY is set, but there is no such",
        ),
        ({"SESSIONMOOD_TRUSTED_PROXIES": "*"}, 0, "may claim any address"),
    ],
)
def test_settings_that_do_not_fit(tmp_path: Path, environment: dict[str, str], code: int, said: str) -> None:
    ran = doctor(tmp_path / "none.db", **environment)
    assert (ran.code, said in ran.out + ran.err) == (code, True), ran.out + ran.err


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_bytes(b"these are my notes\n" * 1000)
    ran = doctor(tmp_path / "notes.db")
    assert ran.code == 1
    assert "fail  the database" in ran.out


def test_what_a_client_sees(server: ServerProcess) -> None:
    assert "not known" in doctor(server.database, "--url", server.base, "--key", "sk_x").out
    ran = doctor(server.database, "--url", "http://127.0.0.1:1")
    assert (ran.code, "no answer" in ran.out) == (1, True)
    ran = doctor(server.database, "--url", "mood.example")
    assert (ran.code, "an address like" in ran.err) == (2, True)


@pytest.fixture
def deaf_proxy(server: ServerProcess) -> Iterator[str]:
    """Passes requests on, but drops what asks for a WebSocket: the usual mistake."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            # a client that has read enough of a script hangs up on the rest of it
            with client, contextlib.suppress(ConnectionError):
                request = client.recv(65_536)
                lines = [
                    line
                    for line in request.split(b"\r\n")
                    if not line.lower().startswith((b"upgrade", b"connection"))
                ]
                with socket.create_connection(("127.0.0.1", server.port)) as behind:
                    behind.sendall(b"\r\n".join([lines[0], b"Connection: close", *lines[1:]]))
                    while part := behind.recv(65_536):
                        client.sendall(part)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def test_a_proxy_that_passes_no_websockets_is_named(server: ServerProcess, deaf_proxy: str) -> None:
    ran = doctor(server.database, "--url", deaf_proxy, "--key", server.sk)
    assert ran.code == 1
    assert "a proxy must pass `Upgrade` and `Connection`" in ran.out


def test_what_others_could_read(server: ServerProcess) -> None:
    server.database.chmod(0o644)
    ran = doctor(server.database, SESSIONMOOD_HOST="0.0.0.0")
    assert "can be read by other users of this machine (644)" in ran.out
    assert "/metrics is open" in ran.out
    server.database.chmod(0o600)
    assert "is for this user only" in doctor(server.database).out
    assert "SQLite 3." in ran.out
