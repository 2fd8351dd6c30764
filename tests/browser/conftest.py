"""A real Chromium, a real server, and a website to visit."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.site import Site
from tests.browser.visit import Visit
from tests.support.server import ServerProcess, running

#: `no-sandbox`: containers run as root. The rest keeps Chromium from calling home, which fails here anyway.
#: The back/forward cache is on, as it is for people.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


#: The same engine without a window of its own to draw: a third of the processor time.
SHELL = "chromium-headless-shell"


def chromium_path(*names: str) -> str:
    for name in (*names, "chromium", "chromium-browser", "google-chrome"):
        found = shutil.which(name)
        if found:
            return found
    why = "no Chromium found: install it (Debian: apt-get install chromium)"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    chromium_path()
    with sync_playwright() as driver:
        yield driver


def launched(playwright: Playwright, path: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(
        executable_path=path, args=FLAGS, ignore_default_args=["--disable-back-forward-cache"]
    )
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Chromium without a window, where it is installed; else the whole one."""
    yield from launched(playwright, chromium_path(SHELL))


@pytest.fixture(scope="session")
def whole_chromium(playwright: Playwright) -> Iterator[Browser]:
    """Chromium as people have it, for what the shell lacks: the back/forward cache, windows."""
    yield from launched(playwright, chromium_path())


@pytest.fixture(scope="session")
def helpful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose policy allows help at once, to everybody."""
    folder = tmp_path_factory.mktemp("helpful")
    with running(
        folder, SESSIONMOOD_HELP_WARMUP=0, SESSIONMOOD_HELP_HOLD=0, SESSIONMOOD_HELP_HOLDOUT=0
    ) as server:
        yield server


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


@pytest.fixture
def visit(
    request: pytest.FixtureRequest, helpful: ServerProcess, site: Site
) -> Iterator[Callable[..., Visit]]:
    """Opens a page of the test's own with the script in it: `visit(body, path="/", …)`. At the end of the test
    no visited page may have seen an error. Tests marked `whole_chromium` get that one."""
    whole = request.node.get_closest_marker("whole_chromium")
    chromium: Browser = request.getfixturevalue("whole_chromium" if whole else "chromium")
    open_visits: list[Visit] = []

    def visit(body: str = "", path: str = "/", **options: object) -> Visit:
        server = options.pop("server", helpful)
        assert isinstance(server, ServerProcess)
        new = Visit(chromium, server, site, **options)  # type: ignore[arg-type]
        open_visits.append(new)
        site.pages[path] = new.html(body)
        new.go(path)
        return new

    yield visit
    for each in open_visits:
        each.close()
    for each in open_visits:
        assert each.errors == []
