"""The engines that other tests stand on."""

import os
import signal
import subprocess
import sys

import asyncpg
import pytest
import redis

from tests.support import engines
from tests.support.server import wait_until

_STARTS_BOTH = """
from tests.support.engines import Postgres, Valkey
postgres, valkey = Postgres(), Valkey()
postgres.start()
valkey.start()
print(postgres.process.pid, valkey.process.pid, postgres.folder, valkey.folder, flush=True)
input()
"""


async def test_a_database_a_test(postgres: engines.Postgres, postgres_database: str) -> None:
    with postgres.database() as other:
        connection = await asyncpg.connect(postgres.url(postgres_database))
        await connection.execute("CREATE TABLE here (id int)")
        elsewhere = await asyncpg.connect(postgres.url(other))
        with pytest.raises(asyncpg.UndefinedTableError):
            await elsewhere.execute("SELECT * FROM here")
        await connection.close()
    with pytest.raises((asyncpg.PostgresError, OSError)):  # dropped under it
        await elsewhere.execute("SELECT 1")
    elsewhere.terminate()


async def test_postgres_comes_back_with_what_it_had(
    postgres: engines.Postgres, postgres_database: str
) -> None:
    postgres.execute("CREATE TABLE kept (id int)", database=postgres_database)
    for end in (postgres.kill, postgres.stop):
        end()
        postgres.start()
        postgres.execute("SELECT * FROM kept", database=postgres_database)


async def test_valkey_comes_back_empty(valkey: engines.Valkey) -> None:
    with redis.Redis.from_url(valkey.url()) as client:
        client.set("a", 1)
        valkey.empty()
        assert client.get("a") is None
    valkey.kill()
    valkey.start()
    with redis.Redis.from_url(valkey.url()) as client:
        assert client.ping()


def test_they_end_with_a_process_that_is_killed() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _STARTS_BOTH], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    postgres, valkey, *folders = process.stdout.readline().split()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait_until(lambda: not _runs(postgres) and not _runs(valkey), what="the end of both")
    subprocess.run(["rm", "-rf", *folders], check=True)


def _runs(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
