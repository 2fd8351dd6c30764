"""API keys: made, and stored as digests only.

Keys are random, so a plain SHA-256 of them is safe to store.
"""

import hashlib
import secrets
from typing import Final

from app.storage import Key

SECRET: Final = "sk"  # noqa: S105 - a kind of key, not a key
PUBLISHABLE: Final = "pk"


def new_key(
    kind: str,
    project: str,
    now: int,
    name: str = "",
    origins: tuple[str, ...] = (),
    monthly_sessions: int | None = None,
    events_per_second: float | None = None,
) -> tuple[str, Key]:
    """A fresh key (to show once) and what is stored of it. `kind`: "sk" or "pk"; `now`: ms."""
    if kind not in (SECRET, PUBLISHABLE):
        raise ValueError(f"a key is of kind sk or pk, not {kind!r}")
    plain = f"{kind}_{secrets.token_urlsafe(24)}"
    return plain, hashed_key(plain, project, now, name, origins, monthly_sessions, events_per_second)


def hashed_key(
    plain: str,
    project: str,
    now: int,
    name: str = "",
    origins: tuple[str, ...] = (),
    monthly_sessions: int | None = None,
    events_per_second: float | None = None,
) -> Key:
    """What is stored of the key `plain`: its digest, never the key itself."""
    return Key(
        id=f"key_{secrets.token_hex(6)}",
        project=project,
        kind=plain[:2],
        digest=digest(plain),
        name=name,
        created_at=now,
        origins=origins,
        monthly_sessions=monthly_sessions,
        events_per_second=events_per_second,
    )


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def is_bound(key: Key) -> bool:
    """Whether only pages of some origins may use it."""
    return key.kind == PUBLISHABLE and key.revoked_at is None and bool(key.origins)
