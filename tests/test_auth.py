"""Keys, tokens and origins, against real storage."""

from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest

from app.auth import Access, check_origin, month_of, new_key
from app.errors import BadKey, BadOrigin, BadToken, Forbidden, OverQuota, Revoked
from app.storage import Key
from app.storage.sqlite import SQLiteStorage

NOVEMBER = 1_795_500_000_000  # 2026-11-24
DAY = 86_400_000


class Clock:
    def __init__(self) -> None:
        self.now = NOVEMBER

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def access(tmp_path: Path, clock: Clock) -> AsyncIterator[Access]:
    store = SQLiteStorage(str(tmp_path / "a.db"))
    await store.open()
    yield Access(store, clock, token_ttl=86_400)
    await store.close()


async def test_a_key_opens_and_is_never_kept(access: Access, tmp_path: Path) -> None:
    plain, kept = new_key("sk", "shop", NOVEMBER)
    await access.store.add_key(kept)
    await access.refresh()
    assert access.key(plain) == kept
    assert access.secret_key(plain) == kept
    for wrong in (None, "", plain + "x", plain[:-1], "sk_", "ключ", plain.upper()):
        with pytest.raises(BadKey):
            access.key(wrong)
    secret = plain[3:].encode()
    assert all(secret not in path.read_bytes() for path in tmp_path.iterdir())


async def test_a_publishable_key_manages_nothing(access: Access) -> None:
    plain, kept = new_key("pk", "shop", NOVEMBER)
    await access.store.add_key(kept)
    await access.refresh()
    with pytest.raises(Forbidden):
        access.secret_key(plain)


async def test_revoked_keys_are_told_of_once(access: Access) -> None:
    plain, kept = new_key("pk", "shop", NOVEMBER)
    await access.store.add_key(kept)
    await access.refresh()
    told: list[Key] = []
    access.on_revoked = told.append
    await access.store.revoke_key(kept.id, NOVEMBER)
    await access.refresh()
    await access.refresh()
    assert [key.id for key in told] == [kept.id]
    with pytest.raises(Revoked):
        access.key(plain)


async def test_tokens_are_for_one_session_of_one_project(access: Access, clock: Clock) -> None:
    await access.refresh()
    token = access.issue_token("shop", "s1")
    access.check_token(token, "shop", "s1")
    forged = jwt.encode(
        {"p": "shop", "s": "s1", "exp": 9_999_999_999},
        "x" * 32,
        "HS256",
        headers={"kid": month_of(clock.now)},
    )
    unsigned = jwt.encode(
        {"p": "shop", "s": "s1", "exp": 9_999_999_999}, "", "none", headers={"kid": "2026-11"}
    )
    for bad, project, session in (
        (token, "shop", "s2"), (token, "other", "s1"), (forged, "shop", "s1"), (unsigned, "shop", "s1"),
        ("", "shop", "s1"), (None, "shop", "s1"), ("a.b.c", "shop", "s1"), (token + "x", "shop", "s1"),
    ):  # fmt: skip
        with pytest.raises(BadToken):
            access.check_token(bad, project, session)


async def test_tokens_expire_and_outlive_a_change_of_signing_key(access: Access, clock: Clock) -> None:
    await access.refresh()
    clock.now = 1_796_083_100_000  # 2026-11-30 23:58 UTC
    assert month_of(clock.now) == "2026-11"
    token = access.issue_token("shop", "s1")
    clock.now += 3_600_000
    assert month_of(clock.now) == "2026-12"
    await access.refresh()
    access.check_token(token, "shop", "s1")
    assert jwt.get_unverified_header(access.issue_token("shop", "s1"))["kid"] == "2026-12"
    clock.now += DAY
    with pytest.raises(BadToken, match="expired"):
        access.check_token(token, "shop", "s1")
    clock.now += 40 * DAY
    await access.refresh()
    with pytest.raises(BadToken):
        access.check_token(token, "shop", "s1")


async def test_a_monthly_quota_counts_sessions_once(access: Access, clock: Clock) -> None:
    plain, kept = new_key("pk", "shop", NOVEMBER, monthly_sessions=2)
    await access.store.add_key(kept)
    await access.refresh()
    key = access.key(plain)
    for session in ("a", "b", "a", "b"):
        await access.count_session(key, session, clock.now)
    with pytest.raises(OverQuota) as refused:
        await access.count_session(key, "c", clock.now)
    assert refused.value.retry_ms is not None
    assert month_of(clock.now + refused.value.retry_ms) == "2026-12"
    await access.count_session(key, "c", clock.now + 10 * DAY)


@pytest.mark.parametrize(
    ("allowed", "origin", "fine"),
    [
        ((), "https://any.example", True),
        ((), None, True),
        (("https://shop.example",), "https://shop.example", True),
        (("https://shop.example",), "https://shop.example.evil.test", False),
        (("https://shop.example",), "http://shop.example", False),
        (("https://shop.example",), None, False),
        (("https://shop.example",), "null", False),
        (("https://*.shop.example",), "https://a.shop.example", True),
        (("https://*.shop.example",), "https://a.b.shop.example", True),
        (("https://*.shop.example",), "https://shop.example", False),
        (("https://*.shop.example",), "https://evilshop.example", False),
        (("https://*.shop.example",), "https://evil.test/.shop.example", False),
        (("*",), "https://any.example", True),
    ],
)
def test_origins(allowed: tuple[str, ...], origin: str | None, fine: bool) -> None:
    _, key = new_key("pk", "shop", NOVEMBER, origins=allowed)
    if fine:
        check_origin(key, origin)
    else:
        with pytest.raises(BadOrigin):
            check_origin(key, origin)
