"""Keys for tests, put into a running server's database as the command line does it."""

import asyncio
import time

from app.auth.keys import new_key
from app.storage import Key
from app.storage.sqlite.database import SQLiteStorage
from tests.support.server import ServerProcess, wait_until


def add_key(server: ServerProcess, kind: str, project: str = "default", **limits: object) -> tuple[str, Key]:
    """A key, known to the server on return."""
    plain, kept = new_key(kind, project, time.time_ns() // 1_000_000, **limits)  # type: ignore[arg-type]

    async def work() -> None:
        store = SQLiteStorage(server.database)
        await store.open()
        await store.add_key(kept)
        await store.close()

    asyncio.run(work())
    wait_until(lambda: server.get("/v1/sessions", key=plain).status_code != 401, what="the key")
    return plain, kept
