"""Who may do what: keys, session tokens, origins.

Keys are random, so a plain SHA-256 of them is a safe thing to keep; a presented key is looked up by its
digest and compared in constant time. Tokens are JWTs signed with a secret that changes every month.
"""

import asyncio
import datetime
import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable
from typing import Final

import jwt

from app.errors import BadKey, BadOrigin, BadToken, Forbidden, OverQuota, Revoked, StorageUnavailable
from app.storage import Key, Storage

logger = logging.getLogger("sessionmood.auth")

SECRET: Final = "sk"  # noqa: S105 - a kind of key, not a key
PUBLISHABLE: Final = "pk"
#: Keys are read again this often (s), so that one made or revoked by the command line counts within a second.
REFRESH_EVERY: Final = 0.5
_ALGORITHM: Final = "HS256"


def new_key(
    kind: str,
    project: str,
    now: int,
    name: str = "",
    origins: tuple[str, ...] = (),
    monthly_sessions: int | None = None,
    events_per_second: float | None = None,
) -> tuple[str, Key]:
    """A fresh key (to show once) and what is kept of it. `kind`: "sk" or "pk"; `now`: ms."""
    if kind not in (SECRET, PUBLISHABLE):
        raise ValueError(f"a key is of kind sk or pk, not {kind!r}")
    plain = f"{kind}_{secrets.token_urlsafe(24)}"
    return plain, kept_key(plain, project, now, name, origins, monthly_sessions, events_per_second)


def kept_key(
    plain: str,
    project: str,
    now: int,
    name: str = "",
    origins: tuple[str, ...] = (),
    monthly_sessions: int | None = None,
    events_per_second: float | None = None,
) -> Key:
    """What is kept of the key `plain`: never the key itself."""
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


def month_of(now: int) -> str:
    """The calendar month (UTC) of `now` (ms), as "2026-11"."""
    return datetime.datetime.fromtimestamp(now / 1000, datetime.UTC).strftime("%Y-%m")


def _months(now: int) -> tuple[str, str]:
    this = datetime.datetime.fromtimestamp(now / 1000, datetime.UTC).replace(day=1)
    return this.strftime("%Y-%m"), (this - datetime.timedelta(days=1)).strftime("%Y-%m")


class Access:
    """The keys of all projects in memory, and the tokens signed here. `clock`: ms since the epoch."""

    def __init__(self, store: Storage, clock: Callable[[], int], token_ttl: float) -> None:
        self.store = store
        self.clock = clock
        self.token_ttl = token_ttl
        self.on_revoked: Callable[[Key], None] = lambda key: None
        self._keys: dict[bytes, Key] = {}
        self._signing: dict[str, bytes] = {}
        self._refresher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.refresh()
        self._refresher = asyncio.create_task(self._refresh_forever(), name="keys")

    async def stop(self) -> None:
        if self._refresher is not None:
            self._refresher.cancel()
            await asyncio.gather(self._refresher, return_exceptions=True)

    async def refresh(self) -> None:
        """Read keys and signing secrets; tell of keys revoked since the last time."""
        fresh = {key.digest: key for key in await self.store.keys()}
        before, self._keys = self._keys, fresh
        for month in _months(self.clock()):
            if month not in self._signing:
                self._signing[month] = await self.store.secret(f"token:{month}")
        for mark, key in before.items():
            now = fresh.get(mark)
            if key.revoked_at is None and (now is None or now.revoked_at is not None):
                self.on_revoked(key)

    async def _refresh_forever(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_EVERY)
            try:
                await self.refresh()
            except StorageUnavailable:
                pass  # the keys known so far go on
            except Exception:
                logger.exception("keys could not be read again")

    # Keys

    def key(self, presented: str | None) -> Key:
        """The key behind what a client presented. Raises BadKey or Revoked."""
        if not presented:
            raise BadKey("no key: send it as `x-api-key`, as a bearer token, or in the hello frame")
        mark = digest(presented)
        found = self._keys.get(mark)
        if found is None or not hmac.compare_digest(found.digest, mark):
            raise BadKey("this key is not known here")
        if found.revoked_at is not None:
            raise Revoked("this key was revoked")
        return found

    def secret_key(self, presented: str | None) -> Key:
        """Like `key`, for what only a secret key may do. Raises Forbidden for a publishable one."""
        found = self.key(presented)
        if found.kind != SECRET:
            raise Forbidden("this needs a secret key (sk_…); a publishable key may only use its own session")
        return found

    def by_id(self, project: str, key_id: str) -> Key | None:
        return next((k for k in self._keys.values() if k.id == key_id and k.project == project), None)

    def of_project(self, project: str) -> list[Key]:
        return [key for key in self._keys.values() if key.project == project]

    async def count_session(self, key: Key, session: str, now: int) -> None:
        """Count a session that `key` opens. Raises OverQuota when its month is used up."""
        if key.monthly_sessions is None:
            return
        count = await self.store.count_session(key.id, month_of(now), session)
        if count > key.monthly_sessions:
            raise OverQuota(
                f"this key may open {key.monthly_sessions} sessions a month; the next month begins in UTC",
                retry_ms=_ms_to_next_month(now),
            )

    # Tokens

    def issue_token(self, project: str, session: str, ttl: float | None = None) -> str:
        """A token for one session of one project, good for `ttl` seconds (default: the setting)."""
        now = self.clock()
        month = month_of(now)
        claims = {"p": project, "s": session, "exp": now // 1000 + int(ttl or self.token_ttl)}
        return jwt.encode(claims, self._signing[month], _ALGORITHM, headers={"kid": month})

    def check_token(self, token: str | None, project: str, session: str) -> None:
        """Raises BadToken unless `token` was signed here for this session and is not expired."""
        if not token:
            raise BadToken("this session belongs to whoever holds its token: send it as `x-session-token`")
        try:
            month = str(jwt.get_unverified_header(token).get("kid"))
            if month not in _months(self.clock()):
                raise BadToken("the session token is too old")
            claims = jwt.decode(token, self._signing[month], [_ALGORITHM], options={"verify_exp": False})
            fine = claims["p"] == project and claims["s"] == session
            expires = int(claims["exp"])
        except (jwt.PyJWTError, LookupError, ValueError, TypeError, UnicodeError):
            raise BadToken("the session token is not one of ours") from None
        if not fine:
            raise BadToken("the session token is for another session")
        if expires <= self.clock() // 1000:
            raise BadToken("the session token has expired")


def _ms_to_next_month(now: int) -> int:
    this = datetime.datetime.fromtimestamp(now / 1000, datetime.UTC)
    start = (this.replace(day=1) + datetime.timedelta(days=32)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    return int((start - this).total_seconds() * 1000)


def check_origin(key: Key, origin: str | None) -> None:
    """Raises BadOrigin unless `origin` (a browser's Origin header) is on the key's list; an empty list takes
    any. An entry is an origin (`https://shop.example`) or stands for all subdomains (`https://*.shop.example`)."""
    if not key.origins:
        return
    if origin is None:
        raise BadOrigin("this key is bound to origins, and the request names none")
    for allowed in key.origins:
        if allowed in ("*", origin) or _covers(allowed, origin):
            return
    raise BadOrigin(f"{origin[:200]} is not on this key's list of origins")


def _covers(allowed: str, origin: str) -> bool:
    scheme, star, rest = allowed.partition("*.")
    return (
        bool(star)
        and origin.startswith(scheme)
        and origin.endswith("." + rest)
        and "/" not in origin[len(scheme) :]
    )
