"""Keys, tokens and origins, without a server. Storage is a real file; time is an argument."""

import base64
import hmac
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import jwt
import pytest

from app.auth import access as auth
from app.auth.access import Access
from app.auth.keys import new_key
from app.auth.origins import Origins, check_origin, normal_origin
from app.errors import BadKey, BadOrigin, BadToken, OverQuota, Revoked
from app.storage.sqlite.database import SQLiteStorage
from tests.support.clock import Clock

DAY = 86_400_000
NOVEMBER = 1_793_750_400_000  # 2026-11-04


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStorage]:
    store = SQLiteStorage(tmp_path / "keys.db")
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def access(store: SQLiteStorage) -> Access:
    access = Access(store, Clock(NOVEMBER), token_ttl=86_400)
    await access.refresh()
    return access


def clock_of(access: Access) -> Clock:
    assert isinstance(access.clock, Clock)
    return access.clock


async def test_a_key_is_kept_as_a_digest_only(access: Access, store: SQLiteStorage) -> None:
    plain, kept = new_key("sk", "shop", NOVEMBER)
    await store.add_key(kept)
    await access.refresh()
    assert access.key(plain).project == "shop"
    assert plain not in repr(await store.keys())
    for wrong in (None, "", plain[:-1], plain + "x", plain.upper(), "sk_", "\udcff", "x" * 100_000):
        with pytest.raises(BadKey):
            access.key(wrong)


async def test_a_revoked_key_is_refused_and_told_of_once(access: Access, store: SQLiteStorage) -> None:
    plain, kept = new_key("pk", "shop", NOVEMBER)
    await store.add_key(kept)
    await access.refresh()
    told: list[str] = []
    access.on_revoked = lambda key: told.append(key.id)
    await store.revoke_key(kept.id, NOVEMBER)
    await access.refresh()
    await access.refresh()
    assert told == [kept.id]
    with pytest.raises(Revoked):
        access.key(plain)
    with pytest.raises(Revoked):
        access.check_alive(kept)


async def test_a_token_is_for_one_session_of_one_project(access: Access) -> None:
    token = access.issue_token("shop", "s", "n")
    assert access.check_token(token, "shop", "s").fixed is False
    assert access.check_token(token, "shop", "s").session == "s"  # again: from what is remembered
    for project, session in (("shop", "t"), ("other", "s"), ("", "s"), ("shop", "s.")):
        with pytest.raises(BadToken):
            access.check_token(token, project, session)


def _forge(change: Callable[[dict[str, object], dict[str, str]], None], secret: bytes) -> str:
    claims: dict[str, object] = {"p": "shop", "s": "s", "exp": NOVEMBER // 1000 + 3600}
    headers = {"kid": "2026-11"}
    change(claims, headers)
    return jwt.encode(claims, secret, "HS256", headers=headers)


def _sha512(secret: bytes, body: str) -> str:
    """A token that says it is signed another way, and is."""
    header = base64.urlsafe_b64encode(b'{"alg":"HS512","kid":"2026-11"}').decode()
    signature = hmac.digest(secret, f"{header}.{body}".encode(), "sha512")
    return f"{header}.{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


async def test_forged_tokens_are_refused(access: Access, store: SQLiteStorage) -> None:
    month = await store.secret("token:2026-11")
    demo = await store.secret("demo")

    def same(claims: dict[str, object], headers: dict[str, str]) -> None:
        pass

    def other_month(claims: dict[str, object], headers: dict[str, str]) -> None:
        headers["kid"] = "2026-10"

    def no_kid(claims: dict[str, object], headers: dict[str, str]) -> None:
        headers["kid"] = "../../etc/passwd"

    def no_end(claims: dict[str, object], headers: dict[str, str]) -> None:
        del claims["exp"]

    def odd_end(claims: dict[str, object], headers: dict[str, str]) -> None:
        claims["exp"] = {"$gt": 0}

    good = _forge(same, month)
    assert access.check_token(good, "shop", "s")
    header, body, signature = good.split(".")
    forged = [
        _forge(same, demo),
        _sha512(month, body),
        _forge(other_month, month),
        _forge(no_kid, month),
        _forge(no_end, month),
        _forge(odd_end, month),
        jwt.encode({"p": "shop", "s": "s", "exp": 9e9}, None, "none", headers={"kid": "2026-11"}),
        f"{header}.{body}.",
        f"{header}.{body}",
        f"{header}.{body[:-2]}AA.{signature}",
        good + "x",
        "..",
        "\x00",
        "é.é.é",
        "x" * 100_000,
    ]
    for token in forged:
        with pytest.raises(BadToken):
            access.check_token(token, "shop", "s")
    for absent in (None, ""):
        with pytest.raises(BadToken):
            access.check_token(absent, "shop", "s")


async def test_tokens_end_also_when_they_are_remembered(access: Access) -> None:
    clock = clock_of(access)
    token = access.issue_token("shop", "s", "n", ttl=60)
    assert access.check_token(token, "shop", "s").fixed is True
    clock.now += 59_000
    access.check_token(token, "shop", "s")
    clock.now += 1_000
    with pytest.raises(BadToken):
        access.check_token(token, "shop", "s")


async def test_the_signing_secret_changes_each_month_and_old_tokens_live_their_time(access: Access) -> None:
    clock = clock_of(access)
    clock.now = NOVEMBER + 26 * DAY  # the 30th
    long = access.issue_token("shop", "s", "n", ttl=30 * 86_400)
    clock.now += DAY  # December begins, and nobody has refreshed yet: its secret was made ahead
    fresh = access.issue_token("shop", "s", "n")
    assert jwt.get_unverified_header(long)["kid"] == "2026-11"
    assert jwt.get_unverified_header(fresh)["kid"] == "2026-12"
    again = Access(access.store, clock, 86_400)
    await again.refresh()
    for token in (long, fresh):
        again.check_token(token, "shop", "s")
    clock.now += 28 * DAY
    again.check_token(long, "shop", "s")
    clock.now += 62 * DAY
    last = Access(access.store, clock, 86_400)
    await last.refresh()
    with pytest.raises(BadToken, match="too old"):
        last.check_token(long, "shop", "s")


async def test_a_token_is_renewed_in_the_second_half_of_its_life_unless_minted_to_end(access: Access) -> None:
    clock = clock_of(access)
    token = access.issue_token("shop", "s", "n")
    minted = access.issue_token("shop", "s", "n", ttl=60)
    claims, fixed = (access.check_token(each, "shop", "s") for each in (token, minted))
    assert access.next_token(token, claims, "shop", "s", "n") == token
    assert access.next_token(minted, fixed, "shop", "s", "n") == minted
    clock.now += 13 * 3_600_000
    renewed = access.next_token(token, claims, "shop", "s", "n")
    assert renewed != token
    assert access.next_token(minted, fixed, "shop", "s", "n") == minted
    clock.now += 12 * 3_600_000
    access.check_token(renewed, "shop", "s")


async def test_what_is_remembered_of_tokens_is_bounded(
    access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "MAX_VERIFIED", 10)
    for n in range(30):
        access.check_token(access.issue_token("shop", f"s{n}", "n"), "shop", f"s{n}")
    assert len(access._verified) == 10


async def test_a_quota_ends_new_sessions_not_open_ones(access: Access, store: SQLiteStorage) -> None:
    _, key = new_key("pk", "shop", NOVEMBER, monthly_sessions=2)
    for session in ("a", "b", "a"):
        await access.count_session(key, session, NOVEMBER)
    for session in ("c", "d"):
        with pytest.raises(OverQuota) as refused:
            await access.count_session(key, session, NOVEMBER)
        assert refused.value.retry_ms == 26 * DAY + DAY  # the first of December
    await access.count_session(key, "a", NOVEMBER)  # counted before
    await access.count_session(key, "c", NOVEMBER + 27 * DAY)
    assert await store.count_session(key.id, "2026-11", "x", 2) == 3


@pytest.mark.parametrize(
    ("entry", "origin", "fits"),
    [
        ("https://shop.example", "https://shop.example", True),
        ("https://shop.example", "http://shop.example", False),
        ("https://shop.example", "https://shop.example:8443", False),
        ("https://shop.example", "https://shop.example.evil.com", False),
        ("https://shop.example", "https://evilshop.example", False),
        ("https://shop.example", "null", False),
        ("https://*.shop.example", "https://a.shop.example", True),
        ("https://*.shop.example", "https://a.b.shop.example", True),
        ("https://*.shop.example", "https://shop.example", False),
        ("https://*.shop.example", "https://.shop.example", False),
        ("https://*.shop.example", "https://evil.com/.shop.example", False),
        ("https://*.shop.example", "https://evil.com#.shop.example", False),
        ("https://*.shop.example", "https://evil.com:80@a.shop.example", False),
        ("https://*.shop.example", "http://a.shop.example", False),
        ("https://*.shop.example:8443", "https://a.shop.example:8443", True),
        ("https://*.shop.example:8443", "https://a.shop.example", False),
        ("*", "https://anything.example", True),
        ("capacitor://localhost", "capacitor://localhost", True),
    ],
)
def test_origins(entry: str, origin: str, fits: bool) -> None:
    _, key = new_key("pk", "shop", NOVEMBER, origins=(normal_origin(entry),))
    assert Origins([key]).known(origin) is fits
    if fits:
        check_origin(key, origin)
    else:
        with pytest.raises(BadOrigin):
            check_origin(key, origin)
    with pytest.raises(BadOrigin):
        check_origin(key, None)


def test_entries_are_written_as_browsers_send_them() -> None:
    assert normal_origin(" HTTPS://Shop.Example/ ") == "https://shop.example"
    assert normal_origin("https://shop.example:443") == "https://shop.example"
    assert normal_origin("http://localhost:80") == "http://localhost"
    for wrong in (
        "shop.example",
        "https://",
        "https://a/b",
        "https://*",
        "https://a.*.b",
        "null",
        "",
        "https://a?b",
    ):
        with pytest.raises(ValueError, match="is no origin"):
            normal_origin(wrong)


def test_origins_of_all_keys_together() -> None:
    bound = new_key("pk", "shop", NOVEMBER, origins=("https://shop.example",))[1]
    secret = new_key("sk", "shop", NOVEMBER)[1]
    assert not Origins([bound, secret]).known("https://other.example")
    assert Origins([bound, secret]).known("https://shop.example")
    assert Origins([bound, new_key("pk", "shop", NOVEMBER)[1]]).known("https://other.example")
    assert not Origins([]).known("https://other.example")
