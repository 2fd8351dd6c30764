from pathlib import Path

import pytest

from tests.cli.running import Ran, sessionmood
from tests.support.server import ServerProcess, wait_until


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/kept/sessionmood.db"


def keys(database: str, *args: object) -> Ran:
    return sessionmood("keys", *args, DATABASE_URL=database)


def test_a_key_is_shown_once_and_kept_hashed(database: str) -> None:
    made = keys(
        database, "create", "--kind", "pk", "--name", "the shop", "--origin", "https://Shop.Example/",
        "--origin", "https://*.shop.example", "--monthly-sessions", 5000, "--events-per-second", 12.5,
    )  # fmt: skip
    assert made.code == 0, made.err
    (plain,) = made.lines
    assert plain.startswith("pk_")
    assert "the demo page goes off" in made.err
    listed = keys(database, "list")
    head, row = listed.lines
    assert plain not in listed.out
    for value in (
        "pk",
        "default",
        "the shop",
        "https://shop.example https://*.shop.example",
        "5,000",
        "12.5",
    ):
        assert value in row
    assert row.index("the shop") == head.index("name")
    kept = Path(database.removeprefix("sqlite:///"))
    assert all(plain.encode() not in path.read_bytes() for path in kept.parent.iterdir())


def test_the_first_bound_key_only_says_what_it_does_to_the_demo(database: str) -> None:
    pages = ("create", "--kind", "pk")
    assert "demo" not in keys(database, *pages).err
    assert "demo" in keys(database, *pages, "--origin", "https://a.example").err
    assert "demo" not in keys(database, *pages, "--origin", "https://b.example").err


def test_revoked_keys_are_hidden_unless_asked_for(database: str) -> None:
    keys(database, "create", "--kind", "sk")
    key_id = keys(database, "list").lines[1].split()[0]
    assert keys(database, "revoke", key_id).code == 0
    assert len(keys(database, "list").lines) == 1
    assert keys(database, "list", "--all").lines[1].split()[0] == key_id
    again = keys(database, "revoke", "key_unknown")
    assert (again.code, "there is no key key_unknown" in again.err) == (1, True)


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["create"], 2, "--kind"),
        (["create", "--kind", "xk"], 2, "xk"),
        (["create", "--kind", "pk", "--origin", "shop.example"], 2, "is no origin: a scheme and a host"),
        (["create", "--kind", "pk", "--origin", "https://shop.example/path"], 2, "is no origin"),
        (["create", "--kind", "pk", "--monthly-sessions", "-1"], 2, "--monthly-sessions"),
        (["create", "--kind", "pk", "--events-per-second", "0"], 2, "--events-per-second"),
        (["revoke", "sk_secret"], 2, "not the key"),
        (["list"], 1, "there is no database"),
    ],
)
def test_mistakes_are_told_in_words(database: str, args: list[str], code: int, said: str) -> None:
    ran = keys(database, *args)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert "sk_secret" not in ran.out


def test_another_kind_of_database_is_refused() -> None:
    ran = sessionmood("keys", "list", DATABASE_URL="mysql://here/it")
    assert ran.code == 2
    assert "sqlite:///FILE" in ran.err


def test_a_running_server_knows_of_it_within_a_second(server: ServerProcess) -> None:
    database = f"sqlite:///{server.database}"
    key = keys(database, "create", "--kind", "sk", "--name", "made beside").lines[0]
    path = "/v1/sessions"
    wait_until(lambda: server.get(path, key=key).status_code == 200, what="the new key")
    key_id = next(line.split()[0] for line in keys(database, "list").lines if "made beside" in line)
    assert keys(database, "revoke", key_id).code == 0
    wait_until(lambda: server.get(path, key=key).status_code == 401, what="the revocation")
