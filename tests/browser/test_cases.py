"""Small pages, working and dead: what the script tells of clicks on them, played with real input."""

import pytest
from playwright.sync_api import Browser

from tests.browser.cases import KNOWN
from tests.browser.playing import play
from tests.browser.site import Site
from tests.support.server import ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.slow]

#: What the pages ask their server for: status, and seconds to wait.
ANSWERS = {
    "/api/quick": (200, 0.05),
    "/api/200": (200, 0.2),
    "/api/slow": (200, 1.5),
    "/api/3s": (200, 3.0),
    "/api/broken": (500, 0.1),
    "/never": (200, 30.0),
}


@pytest.mark.timeout(600)
def test_every_page_is_judged_right(chromium: Browser, server: ServerProcess, site: Site) -> None:
    site.answers.update(ANSWERS)
    site.pages["/next"] = "<p>the next page"
    wrong = [done.case for done in play(chromium, server, site, KNOWN) if done.wrong()]
    # Eight pages share a machine with other work: one that was starved of frames is played again, alone.
    still = {
        done.case.name: done.wrong()
        for case in wrong
        for done in play(chromium, server, site, [case])
        if done.wrong()
    }
    assert still == {}
