"""Settings: the environment, what a start prints, and what is refused in words."""

import re
from pathlib import Path

import pytest

from app.config.settings import BadSetting, Settings
from app.config.unknown import unknown_names
from tests.cli.running import sessionmood
from tests.support.server import FirstStart, ServerProcess, running


def test_a_first_start_prints_both_keys_and_the_addresses_and_later_ones_the_addresses_only(
    tmp_path: Path,
) -> None:
    with running(
        tmp_path, FirstStart
    ) as server:  # into a file: seen at once because standard output is line-buffered
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
        (
            {"DATABASE_URL": "mysql://me:secret@here/it"},
            "mysql://me:***@here/it, not sqlite:///FILE or postgresql://",
        ),
        ({"DATABASE_URL": "mysql://db/mood"}, "sqlite:///FILE"),
        ({"DATABASE_URL": "sqlite:///:memory:"}, "outlive"),
        (
            {"REDIS_URL": "redis://bus:6379"},
            "REDIS_URL is set, but several nodes share one Postgres: set DATABASE_URL=postgresql://",
        ),
        ({"REDIS_URL": "bus:6379", "DATABASE_URL": "postgresql://db/mood"}, "like redis://HOST:6379"),
        ({"SESSIONMOOD_WORKERS": "2"}, "SESSIONMOOD_WORKERS is 2, but more than one process needs both"),
        (
            {"SESSIONMOOD_WORKERS": "2", "DATABASE_URL": "postgresql://db/mood"},
            "DATABASE_URL=postgresql://… and REDIS_URL=redis://…",
        ),
        ({"SESSIONMOOD_WORKERS": "0"}, "must be above 0"),
        ({"SESSIONMOOD_WORKERS": "1000"}, "can't be above 256"),
        ({"PORT": "http"}, "PORT is 'http'"),
        ({"PORT": "65536"}, "65535"),
        ({"SESSIONMOOD_PING_INTERVAL": "often"}, "SESSIONMOOD_PING_INTERVAL is 'often'"),
        ({"SESSIONMOOD_DRAIN_GRACE": "-1"}, "below 0"),
        ({"SESSIONMOOD_HELP_HOLD": "nan"}, "not a number"),
        ({"SESSIONMOOD_RETENTION_DAYS": "inf"}, "not a number"),
        ({"SESSIONMOOD_REQUEST_TIMEOUT": "-inf"}, "not a number"),
        ({"SESSIONMOOD_DRAIN_GRACE": "1e300"}, "can't be above"),
        ({"SESSIONMOOD_MAX_SESSIONS": "99999999999999"}, "can't be above"),
        ({"SESSIONMOOD_MAX_BATCH_EVENTS": "0"}, "must be above 0"),
        ({"SESSIONMOOD_TRUSTED_PROXIES": "127.0.0.1, load-balancer"}, "'load-balancer', which is no address"),
        ({"SESSIONMOOD_TRUSTED_PROXIES": "10.0.0.0/99"}, "'10.0.0.0/99'"),
        ({"SESSIONMOOD_PUBLIC_URL": "mood.example"}, "like https://mood.example"),
        ({"SESSIONMOOD_HOST": "http://0.0.0.0"}, "SESSIONMOOD_HOST is"),
    ],
)
def test_a_setting_that_can_not_be_is_refused_in_words(environment: dict[str, str], said: str) -> None:
    with pytest.raises(BadSetting, match=re.escape(said)):
        Settings.from_env(environment)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SESSIONMOOD_HELP_WARM_UP", "5", "did you mean SESSIONMOOD_HELP_WARMUP?"),
        ("SESSIONMOOD_RETENTION_DAY", "5", "did you mean SESSIONMOOD_RETENTION_DAYS?"),
        ("SESSION_MOOD_HOST", "0.0.0.0", "did you mean SESSIONMOOD_HOST?"),
        ("SESSIONMOOD_PORT", "9000", "did you mean PORT?"),
        ("SESSIONMOOD_DATABASE_URL", "sqlite:///x", "did you mean DATABASE_URL?"),
        ("SESSIONMOOD_COLOUR_OF_LOGO", "red", "no such setting"),
        ("SESSIONMOOD_HOST", "0.0.0.0", None),
        ("SESSIONMOOD_KEY", "sk_x", None),
        # what Kubernetes sets by itself for a service of that name is no typo
        ("SESSIONMOOD_SERVICE_HOST", "10.0.0.1", None),
        ("SESSIONMOOD_PORT_8000_TCP_ADDR", "10.0.0.1", None),
        ("SESSIONMOOD_PORT", "tcp://10.0.0.1:8000", None),
    ],
)
def test_a_name_that_is_no_setting_is_told_with_what_was_meant(
    name: str, value: str, said: str | None
) -> None:
    found = unknown_names({"PATH": "/bin", name: value})
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


def test_proxies_that_can_be_are_taken() -> None:
    for proxies in ("", "*", "::1, 10.0.0.0/8,192.168.1.5", "fd00::/8"):
        assert Settings.from_env({"SESSIONMOOD_TRUSTED_PROXIES": proxies})


def test_serve_says_so_and_exits_with_2() -> None:
    ran = sessionmood("serve", DATABASE_URL="oracle://db/mood")
    assert ran.code == 2
    assert "oracle://db/mood, not sqlite:///FILE or postgresql://" in ran.err


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
