"""Which history of the database a server tells."""

import logging
import secrets
import time

from app.storage import Epoch
from app.storage.postgres.connection import Connection

logger = logging.getLogger("sessionmood.storage")


async def read_epoch(connection: Connection) -> Epoch:
    """Which history of the database this is. One in a database that is not the noted one was restored there."""
    place = await connection.fetchval(
        "SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || oid FROM pg_database "
        "WHERE datname = current_database()"
    )
    found = await connection.fetchrow("SELECT name, began_at, place FROM epochs WHERE id = 1")
    if found is not None and found["place"] == place:
        return Epoch(found["name"], found["began_at"])
    if found is not None:
        logger.warning(
            "this is a restored copy of the database served last: keys revoked since it was made are valid again, "
            "sessions erased since are back"
        )
    epoch = Epoch(secrets.token_urlsafe(6), 0 if found is None else time.time_ns() // 1_000_000)
    await connection.execute(
        "INSERT INTO epochs (id, name, began_at, place) VALUES (1, $1, $2, $3) ON CONFLICT (id) DO UPDATE "
        "SET name = excluded.name, began_at = excluded.began_at, place = excluded.place "
        "WHERE epochs.place IS DISTINCT FROM excluded.place",
        epoch.name,
        epoch.began_at,
        place,
    )
    kept = await connection.fetchrow("SELECT name, began_at FROM epochs WHERE id = 1")
    return Epoch(*kept)  # of several that start at once, the first
