"""What rows are called by on Postgres: a digest of project and session, and the day a session began."""

import hashlib
from functools import lru_cache
from typing import Final

DAY_MS: Final = 86_400_000
_ID_BYTES: Final = 16


@lru_cache(maxsize=65_536)
def session_id(project: str, session: str) -> bytes:
    """The key of everything that is kept of a session. Computed, so that nothing is looked up to append a row; 128 bits,
    so that no two sessions that anybody can make share it."""
    name = f"{len(project)} {project} {session}"
    return hashlib.blake2b(name.encode(errors="surrogatepass"), digest_size=_ID_BYTES).digest()


def day_of(at: int) -> int:
    """Days since 1970 of a time in ms (UTC)."""
    return at // DAY_MS


def text(value: str | None) -> str | None:
    """As Postgres takes it: its texts have no NUL."""
    return value.replace("\0", "\ufffd") if value is not None and "\0" in value else value
