"""Through PgBouncer in transaction mode, as Debian ships it, and with TLS: every statement may meet another process."""

import asyncio
import contextlib
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from app import errors
from app.storage import Entry
from app.storage.postgres.database import PostgresStorage
from tests.support.engines import Postgres
from tests.support.server import free_port, wait_until
from tests.support.stored import batch, change, row

SESSIONS = 40


def program(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/bin:/usr/local/bin")
    if found is None:
        pytest.skip(f"{name} is missing (Debian: apt-get install {name})")
    return found


@pytest.fixture(scope="module")
def pgbouncer(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    """Its port, and the certificate by which it is known as `localhost`. Four connections to the server for all."""
    folder, port = tmp_path_factory.mktemp("pgbouncer"), free_port()
    found, certificate, key = program("pgbouncer"), folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    (folder / "users.txt").write_text('"postgres" ""\n')
    (folder / "pgbouncer.ini").write_text(f"""
[databases]
* = host=127.0.0.1 port={postgres.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = trust
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = 4
client_tls_sslmode = require
client_tls_cert_file = {certificate}
client_tls_key_file = {key}
unix_socket_dir =
""")
    another = []
    if os.geteuid() == 0:  # which it refuses to be
        another = ["-u", "nobody"]
        for each in (folder, *folder.iterdir()):
            shutil.chown(each, "nobody")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [found, *another, folder / "pgbouncer.ini"], stdout=log, stderr=log, cwd="/"
        )
    try:
        wait_until(lambda: b"listening on 127.0.0.1" in (folder / "log").read_bytes(), what="its start")
        assert process.poll() is None
        yield port, certificate
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
async def nodes(pgbouncer: tuple[int, Path], postgres_url: str) -> AsyncIterator[list[PostgresStorage]]:
    port, certificate = pgbouncer
    database = postgres_url.rpartition("/")[2]
    url = f"postgresql://postgres@localhost:{port}/{database}?sslmode=verify-full&sslrootcert={certificate}"
    async with contextlib.AsyncExitStack() as stack:
        found = []
        for _ in range(2):
            node = PostgresStorage(url, server="node", retry_scale=0.02)
            await node.open()
            stack.push_async_callback(node.close)
            found.append(node)
        yield found


async def test_many_write_and_read_at_once(nodes: list[PostgresStorage]) -> None:
    one, two = nodes

    async def live(n: int) -> None:
        node = nodes[n % 2]
        await node.submit(Entry(row(f"s{n}"), batch(), [change(n)], b"state"))
        for version in range(2, 6):
            await node.submit(Entry(None, batch(version), of=("p", f"s{n}")))
            stored = await nodes[version % 2].load("p", f"s{n}")
            assert stored is not None
            assert stored.batches[-1].version == version
            assert await one.versions([("p", f"s{n}")]) == [version]
            assert len(await two.changes("p", f"s{n}")) == 1

    await asyncio.gather(*(live(n) for n in range(SESSIONS)))
    assert await two.erase("p", "s0")
    assert await one.load("p", "s0") is None


async def test_a_certificate_that_is_not_known_is_not_talked_to(pgbouncer: tuple[int, Path]) -> None:
    port, certificate = pgbouncer
    by_address = (
        f"postgresql://postgres@127.0.0.1:{port}/postgres?sslmode=verify-full&sslrootcert={certificate}"
    )
    with pytest.raises(errors.SessionMoodError, match=r"(?i)certificate"):
        await PostgresStorage(by_address).open()
