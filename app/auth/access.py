"""Who may do what: keys, session tokens, origins.

Keys are random, so a plain SHA-256 of them is safe to store; a presented key is looked up by its
digest and compared in constant time. Tokens are JWTs signed with a secret that changes every month; a token
without a lifetime of its own is renewed while it is used, one minted with a `ttl` ends when it says. A token is for
one incarnation of a session's id, named by a nonce: it ends when that is erased, and is worth nothing where
somebody else's became the session.
"""

import asyncio
import hmac
import logging
import secrets
from collections.abc import Callable
from typing import Final, NamedTuple

import jwt

from app.auth.keys import SECRET, digest, is_bound
from app.auth.months import month_of, ms_to_next_month, signing_months
from app.auth.origins import Origins
from app.auth.signing import signed
from app.errors import BadKey, BadToken, Forbidden, OverQuota, Revoked, StorageUnavailable
from app.storage import Key, Storage

logger = logging.getLogger("sessionmood.auth")

#: Keys are read again this often (s), so that one made or revoked by the command line counts within a second.
REFRESH_EVERY: Final = 0.5
#: The project of the demo page, so that nothing of it counts as, or is seen by, a customer's.
DEMO_PROJECT: Final = "demo"
#: A token that was given before anything was kept may open its session for so long (ms).
OPENING_MS: Final = 600_000
#: Tokens whose signature was found good and need not be checked again; past that the oldest is forgotten.
MAX_VERIFIED: Final = 10_000
_ALGORITHM: Final = "HS256"


class Claims(NamedTuple):
    """What a token says. `nonce`: of the session's incarnation; `expires`: seconds since the epoch; `fixed`: it is
    not renewed; `opens_until`: ms, 0 when it was given for a session that was kept already."""

    project: str
    session: str
    nonce: str
    expires: int
    fixed: bool
    opens_until: int


def new_nonce() -> str:
    """The name of a session's incarnation: 96 random bits."""
    return secrets.token_urlsafe(12)


class Access:
    """The keys of all projects in memory, and the tokens signed here. `clock`: ms since the epoch."""

    def __init__(
        self, store: Storage, clock: Callable[[], int], token_ttl: float, demo: str = "auto"
    ) -> None:
        self.store = store
        self.clock = clock
        self.token_ttl = token_ttl
        self._demo = demo
        #: whether the demo's key is taken
        self.demo_on = demo != "off"
        self.on_revoked: Callable[[Key], None] = lambda key: None
        self._keys: dict[bytes, Key] = {}
        self._signing: dict[str, bytes] = {}
        self._verified: dict[str, Claims] = {}
        self.origins = Origins(())
        self._refreshing = asyncio.Lock()
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
        async with self._refreshing:  # an older answer must not replace a newer one
            await self._refresh()

    async def _refresh(self) -> None:
        fresh = {key.digest: key for key in await self.store.keys()}
        before, self._keys = self._keys, fresh
        if fresh != before:
            if self._demo == "auto":
                self.demo_on = not any(map(is_bound, fresh.values()))
            self.origins = Origins(
                key for key in fresh.values() if self.demo_on or key.project != DEMO_PROJECT
            )
        for month in signing_months(self.clock()):
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
        if found.project == DEMO_PROJECT and not self.demo_on:
            raise BadKey("the demo is off, and this is its key (SESSIONMOOD_DEMO)")
        return found

    def check_alive(self, key: Key) -> None:
        """Raises Revoked when `key` was revoked since it was looked up."""
        now = self._keys.get(key.digest)
        if now is None or now.revoked_at is not None:
            raise Revoked("this key was revoked")

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

    async def check_quota(self, key: Key, session: str, now: int) -> None:
        """Raises OverQuota when `key` could open no session now. Counts nothing."""
        limit = key.monthly_sessions
        if limit is not None:
            used, known = await self.store.sessions_counted(key.id, month_of(now), session)
            if used >= limit and not known:
                raise _over_quota(limit, now)

    async def count_session(self, key: Key, session: str, now: int) -> None:
        """Count a session that `key` opens with its first event. Raises OverQuota when its month is used up."""
        limit = key.monthly_sessions
        if limit is None:
            return
        if await self.store.count_session(key.id, month_of(now), session, limit) > limit:
            raise _over_quota(limit, now)

    # Tokens

    def issue_token(
        self, project: str, session: str, nonce: str, ttl: float | None = None, *, opens: bool = False
    ) -> str:
        """A token for one incarnation of one session of one project. With `ttl` (s) it ends then; without, it is good
        for the time of the setting and renewed while it is used. `opens`: nothing of the session is kept yet, and
        its holder may come again and open it."""
        now = self.clock()
        month = month_of(now)
        if month not in self._signing:
            month = max(
                self._signing
            )  # the clock was set ahead a moment ago: the next look makes that month's
        claims: dict[str, object] = {
            "p": project,
            "s": session,
            "n": nonce,
            "exp": now // 1000 + int(ttl or self.token_ttl),
        }
        if ttl is not None:
            claims["fix"] = 1
        if opens:
            claims["open"] = now + OPENING_MS
        return signed(claims, self._signing[month], month)

    def check_token(self, token: str | None, project: str, session: str) -> Claims:
        """What `token` says. Raises BadToken unless it was signed here for this session and is not expired."""
        if not token:
            raise BadToken("this session belongs to whoever holds its token: send it as `x-session-token`")
        claims = self._verified.get(token)
        if claims is None:
            claims = self._verify(token)
            if len(self._verified) >= MAX_VERIFIED:
                del self._verified[next(iter(self._verified))]
            self._verified[token] = claims
        if claims.expires <= self.clock() // 1000:
            self._verified.pop(token, None)
            raise BadToken("the session token has expired")
        if claims.project != project or claims.session != session:
            raise BadToken("the session token is for another session")
        return claims

    def _verify(self, token: str) -> Claims:
        try:
            month = str(jwt.get_unverified_header(token).get("kid"))
            if month not in signing_months(self.clock()):
                raise BadToken("the session token is too old")
            claims = jwt.decode(token, self._signing[month], [_ALGORITHM], options={"verify_exp": False})
            return Claims(
                str(claims["p"]),
                str(claims["s"]),
                str(claims.get("n", "")),
                int(claims["exp"]),
                bool(claims.get("fix")),
                int(claims.get("open", 0)),
            )
        except (jwt.PyJWTError, LookupError, ValueError, TypeError, UnicodeError):
            raise BadToken("the session token is not one of ours") from None

    def next_token(
        self,
        token: str | None,
        claims: Claims | None,
        project: str,
        session: str,
        nonce: str,
        *,
        opens: bool = False,
    ) -> str:
        """The token to give to one who came with `token`: the same one while more than half of its life is
        left, or when it is not to be renewed; else a new one. One that `opens` is changed for one that does not as
        soon as something is kept."""
        if token is not None and claims is not None and claims.nonce == nonce:
            now = self.clock()
            fit = claims.opens_until > now + OPENING_MS / 2 if opens else not claims.opens_until
            if claims.fixed or (fit and claims.expires - now // 1000 > self.token_ttl / 2):
                return token
        return self.issue_token(project, session, nonce, opens=opens)


def _over_quota(limit: int, now: int) -> OverQuota:
    return OverQuota(
        f"this key may open {limit} sessions a month; the next month begins in UTC",
        retry_ms=ms_to_next_month(now),
        limit="monthly_sessions",
    )
