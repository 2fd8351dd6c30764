"""Settings: the environment, what a start prints, and what is refused in words."""

import re
from pathlib import Path

import pytest

from app.config import BadSetting, Settings
from tests.cli.running import sessionmood
from tests.server import ServerProcess, running


def test_a_first_start_prints_both_keys_and_the_addresses_and_later_ones_the_addresses_only(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as server:  # into a file: seen at once because standard output is line-buffered
        first = server.output()
        assert first.count("sk_") == first.count("pk_") == 1
        assert f"{server.base}/demo" in first
        assert server.stop() == 0
        server.log.unlink()
        server.start()
        again = server.output()
        assert "sk_" not in again
        assert "pk_" not in again
        assert f"{server.base}/demo" in again
        assert server.get("/v1/sessions").status_code == 200


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"DATABASE_URL": "postgresql://db/mood"}, "PostgreSQL is not supported by this version"),
        ({"DATABASE_URL": "mysql://db/mood"}, "sqlite:///FILE"),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "outlive"),
        ({"PORT": "http"}, "PORT is 'http'"),
        ({"PORT": "65536"}, "65535"),
        ({"SESSIONMOOD_PING_INTERVAL": "often"}, "SESSIONMOOD_PING_INTERVAL is 'often'"),
        ({"SESSIONMOOD_DRAIN_GRACE": "-1"}, "below 0"),
    ],
)
def test_a_setting_that_can_not_be_is_refused_in_words(environment: dict[str, str], said: str) -> None:
    with pytest.raises(BadSetting, match=re.escape(said)):
        Settings.from_env(environment)


def test_serve_says_so_and_exits_with_2() -> None:
    ran = sessionmood("serve", DATABASE_URL="postgresql://db/mood")
    assert ran.code == 2
    assert "PostgreSQL is not supported by this version" in ran.err


def test_a_second_process_on_the_same_database_is_refused_in_words(server: ServerProcess) -> None:
    ran = sessionmood("serve", PORT="0", DATABASE_URL=f"sqlite:///{server.database}")
    assert ran.code != 0
    assert "another server runs on" in ran.err


def test_a_file_that_is_no_database_and_a_port_in_use_are_told_in_words(
    server: ServerProcess, tmp_path: Path
) -> None:
    (tmp_path / "text.db").write_text("this is no database, as anybody can see" * 100)
    ran = sessionmood("serve", PORT="0", DATABASE_URL=f"sqlite:///{tmp_path / 'text.db'}")
    assert ran.code != 0
    assert "is not a database" in ran.err
    ran = sessionmood("serve", PORT=str(server.port), DATABASE_URL=f"sqlite:///{tmp_path / 'new.db'}")
    assert ran.code != 0
    assert "address already in use" in ran.err
