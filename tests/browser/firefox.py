"""Firefox as Debian ships it, driven by WebDriver BiDi, the protocol it speaks itself.

Playwright needs a patched Firefox, or one newer than the ESR; Selenium needs geckodriver, which neither Debian, npm
nor PyPI has as a program. What these tests need of BiDi is small.
"""

import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from tests.browser.site import Site
from tests.browser.visit import LISTEN
from tests.support.server import ServerProcess, wait_until

#: No pages of its own, no calls home: they fail here anyway, and take processor time.
PREFERENCES = {
    "browser.aboutConfig.showWarning": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.disable_beforeunload": True,
    "extensions.getAddons.cache.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.active-protocols": 1,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "ui.prefersReducedMotion": 0,
}
PATIENCE_S = 60.0


def firefox_path() -> str:
    for name in ("firefox-esr", "firefox"):
        found = shutil.which(name)
        if found:
            return found
    why = "no Firefox found: install it (Debian: apt-get install firefox-esr)"
    if os.environ.get("CI") and os.geteuid() == 0:
        pytest.fail(why)
    pytest.skip(why)


class Firefox:
    """A running Firefox with a profile of its own in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()
        ]
        (folder / "user.js").write_text("\n".join(lines))
        self.log = folder / "firefox.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    firefox_path(),
                    "--headless",
                    "--no-remote",
                    "--profile",
                    str(folder),
                    "--remote-debugging-port=0",
                ],
                stdout=log,
                stderr=log,
                env={**os.environ, "HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"},
            )
        found = wait_until(
            lambda: re.search(r"BiDi listening on (ws://\S+)", self.log.read_text(errors="replace")),
            PATIENCE_S,
            "Firefox's own door",
        )
        self._open = contextlib.ExitStack()
        self._line = self._open.enter_context(
            connect(f"{found[1]}/session", max_size=None, open_timeout=PATIENCE_S)
        )
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self.call("session.new", capabilities={})

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its answer; events in between are passed over. RuntimeError if it was refused."""
        with self._lock:
            number = next(self._numbers)
            self._line.send(json.dumps({"id": number, "method": method, "params": parameters}))
            while True:
                answer = json.loads(self._line.recv(timeout=PATIENCE_S))
                if answer.get("id") == number:
                    break
        if answer["type"] == "error":
            raise RuntimeError(f"{method}: {answer['error']}: {answer['message']}")
        return dict(answer["result"])

    def close(self) -> None:
        self._open.close()
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class FirefoxVisit:
    """A visitor in Firefox: a tab in a container of its own (no storage is shared), on a page of the test's with the
    script in it, as `Visit` is one in Chromium."""

    def __init__(
        self, firefox: Firefox, server: ServerProcess, site: Site, body: str, path: str = "/"
    ) -> None:
        self.firefox, self.server, self.site = firefox, server, site
        self.container = firefox.call("browser.createUserContext")["userContext"]
        self.tab = firefox.call("browsingContext.create", type="tab", userContext=self.container)["context"]
        tag = f'<script async src="{server.base}/sessionmood.js" data-key="{server.pk}"></script>'
        start = "<!doctype html><html lang=en><head><meta charset=utf-8></head><body>"
        seen = "<script>window.failed = []; addEventListener('error', e => failed.push(String(e.message)))</script>"
        site.pages[path] = f"{start}{seen}{LISTEN}{tag}{body}</body></html>"
        self.go(path)

    def go(self, path: str) -> None:
        self.firefox.call(
            "browsingContext.navigate", context=self.tab, url=self.site.base + path, wait="complete"
        )

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page, by way of JSON."""
        answer = self.firefox.call(
            "script.evaluate", expression=f"JSON.stringify({expression})", target={"context": self.tab},
            awaitPromise=True,
        )  # fmt: skip
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        text = answer["result"].get("value")
        return None if text is None else json.loads(text)

    def ready(self) -> "FirefoxVisit":
        """Wait until the server has welcomed the visitor."""
        self.until(lambda: self.ask("window.SessionMood && SessionMood.mood && window.producer"), "the hello")
        self.until(lambda: self.log(), "a first fact in the timeline")
        return self

    def until(self, condition: Any, what: str, seconds: float = PATIENCE_S) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = condition()
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"{what} did not come true within {seconds} s")

    def click(self, selector: str, times: int = 1, pause_ms: int = 100) -> None:
        """Real presses on the middle of it; Firefox counts them itself, as it does for people."""
        place = self.ask(
            f"(b => [b.x + b.width / 2, b.y + b.height / 2].map(Math.round))"
            f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        )
        steps: list[dict[str, Any]] = [
            {"type": "pointerMove", "x": 3, "y": 3},
            {"type": "pointerMove", "x": place[0], "y": place[1], "duration": 80},
            {"type": "pause", "duration": 60},
        ]
        for _ in range(times):
            steps += [
                {"type": "pointerDown", "button": 0},
                {"type": "pause", "duration": 30},
                {"type": "pointerUp", "button": 0},
                {"type": "pause", "duration": max(0, pause_ms - 30)},
            ]
        self._act(
            {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}
        )

    def keys(self, *values: str) -> None:
        """Keys for whatever has the focus: a character, or BiDi's name of a key (`\\ue00c` is Escape)."""
        steps = [{"type": kind, "value": value} for value in values for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keys", "actions": steps})

    def _act(self, source: dict[str, Any]) -> None:
        self.firefox.call("input.performActions", context=self.tab, actions=[source])

    @property
    def told(self) -> list[dict[str, Any]]:
        return list(self.ask("window.told || []"))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.told if event["type"] == kind]

    @property
    def mood(self) -> dict[str, Any]:
        return dict(self.ask("SessionMood.mood()") or {})

    def cards(self) -> int:
        return int(self.ask("document.querySelectorAll('session-mood').length"))

    @property
    def session(self) -> str:
        return str(self.ask("JSON.parse(sessionStorage['sessionmood.session'] || '{}').id || ''"))

    def log(self) -> list[dict[str, Any]]:
        """What the server keeps of this session, in its order."""
        if not self.session:
            return []
        answer = self.server.get(f"/v1/sessions/{self.session}/timeline?limit=1000")
        return list(answer.json()["events"]) if answer.status_code == 200 else []

    def close(self) -> list[str]:
        """Close the tab; the errors that its last page saw."""
        failed = list(self.ask("window.failed || []"))
        self.firefox.call("browser.removeUserContext", userContext=self.container)
        return failed
