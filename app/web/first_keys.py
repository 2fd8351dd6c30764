"""Keys that a server makes itself: a pair for a database that has none, and the demo page's."""

import base64
import contextlib
import hashlib
from collections.abc import Callable
from typing import Final

import msgspec

from app.auth.access import DEMO_PROJECT
from app.auth.keys import PUBLISHABLE, SECRET, digest, hashed_key, new_key
from app.errors import BadRequest
from app.storage import Storage

_PROJECT: Final = "default"


async def development_keys(store: Storage, clock: Callable[[], int]) -> dict[str, str]:
    """A pair of keys for a database that has none: those that were made, by kind, to be shown once."""
    made: dict[str, str] = {}
    if await store.keys():
        return made
    for kind in (SECRET, PUBLISHABLE):
        plain, entry = new_key(kind, _PROJECT, clock(), "development")
        # of several nodes that start together on an empty database, one makes each
        once = hashlib.sha256(f"{kind} of {store.epoch.name}".encode()).hexdigest()
        with contextlib.suppress(BadRequest):
            await store.add_key(msgspec.structs.replace(entry, id=f"key_{once[:12]}"))
            made[kind] = plain
    return made


async def demo_key(store: Storage, clock: Callable[[], int]) -> str:
    """The demo page's publishable key, of a project of its own. It is public by nature, so it is made from a stored
    secret and the same after a restart."""
    plain = "pk_" + base64.urlsafe_b64encode((await store.secret("demo page"))[:24]).decode()
    if digest(plain) not in {key.digest for key in await store.keys()}:
        with contextlib.suppress(BadRequest):  # another node was first
            await store.add_key(hashed_key(plain, DEMO_PROJECT, clock(), "demo page"))
    return plain
