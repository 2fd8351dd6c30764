"""What every test may use."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.support import engines
from tests.support.server import ServerProcess, running


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-seed", type=int, help="the seed of tests/faults, printed where one fails")
    parser.addoption(
        "--backend",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="where the shared server keeps everything",
    )


#: Files that take longest, begun first where several processes share the files. A process is given one more as soon as
#: it has two tests left: those with one or two tests stand behind those with many, or before small ones.
LONGEST = (
    "test_restore.py",
    "test_docs.py",
    "test_drain.py",
    "test_attacks.py",
    "test_files.py",
    "test_nodes.py",
    "test_kill.py",
    "test_disk.py",
    "test_tune.py",
    "test_replay.py",
    "test_keys.py",
    "test_one_session.py",
    "test_cuts.py",
    "test_doctor.py",
    "test_laws.py",
    "test_evaluate.py",
    "test_clock.py",
    "test_soak.py",
    "test_conformance.py",
    "test_gallery.py",
    "test_migrate.py",
    # the browser's
    "test_capture.py",
    "test_card.py",
    "test_help.py",
    "test_link.py",
    "test_package.py",
    "test_cases.py",
    "test_edges.py",
    "test_firefox.py",
    "test_page.py",
    "test_rolling.py",
    "test_axe.py",
    "test_reactions.py",
)


def _rank(item: pytest.Item) -> int:
    return LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests come last: its driver keeps an event loop that asynchronous tests can't share."""
    items.sort(key=lambda item: ("browser" in item.path.parts, _rank(item), str(item.path)))


@pytest.fixture(scope="session")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """One real server for all tests that use sessions of their own and leave it as it is. It lets nobody wait:
    all its refusals go to one address."""
    settings: dict[str, object] = {"SESSIONMOOD_HELP_WARMUP": 0.5, "SESSIONMOOD_LONGEST_HOLD": 0}
    with contextlib.ExitStack() as stack:
        if request.config.getoption("--backend") == "postgres":
            postgres: engines.Postgres = request.getfixturevalue("postgres")
            settings["DATABASE_URL"] = postgres.url(stack.enter_context(postgres.database()))
        yield stack.enter_context(running(tmp_path_factory.mktemp("server"), **settings))


@pytest.fixture(scope="session")
def postgres() -> Iterator[engines.Postgres]:
    """One Postgres for the whole run, started by the first test that asks for it. Those that stop or kill it start it
    again."""
    with engines.postgres() as server:
        yield server


@pytest.fixture
def postgres_database(postgres: engines.Postgres) -> Iterator[str]:
    """The name of a new, empty database of it; `postgres.url(name)` is its address."""
    with postgres.database() as name:
        yield name


@pytest.fixture
def postgres_url(postgres: engines.Postgres) -> Iterator[str]:
    """The address of a new database of it that has the tables."""
    with postgres.database(template=postgres.migrated) as name:
        yield postgres.url(name)


@pytest.fixture(scope="session")
def valkey() -> Iterator[engines.Valkey]:
    """One Valkey for the whole run; `valkey.empty()` makes it as new."""
    with engines.valkey() as server:
        yield server


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine's reaches a test."""
    import os

    for name in list(os.environ):
        if name.startswith("SESSIONMOOD_") or name in ("PORT", "DATABASE_URL", "REDIS_URL"):
            monkeypatch.delenv(name)
