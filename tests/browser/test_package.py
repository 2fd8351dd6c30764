"""The npm package as a customer gets it: packed, installed into a small Vite app, typed, built, and run."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.npm import CLIENTS, run
from tests.browser.visit import Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]
Open = Callable[..., Visit]
APP = Path(__file__).parent / "app"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The app with the packed package in it."""
    folder = tmp_path_factory.mktemp("app")
    run(CLIENTS, "npm", "pack", "--silent", "--pack-destination", str(folder))
    shutil.copytree(APP, folder / "app")
    quiet = ("--no-audit", "--no-fund", "--prefer-offline")
    run(folder / "app", "npm", "ci", *quiet)
    [package] = folder.glob("sessionmood-*.tgz")
    run(folder / "app", "npm", "install", "--no-save", *quiet, str(package))
    return folder / "app"


def test_what_is_in_it(app: Path) -> None:
    package = app / "node_modules" / "sessionmood"
    assert {"LICENSE", "README.md", "dist", "package.json"} == {path.name for path in package.iterdir()}
    assert "MIT License" in (package / "LICENSE").read_text()
    assert (package / "dist" / "react.js").read_text().startswith('"use client"')
    assert "clients/README.md" not in (package / "README.md").read_text()
    assert "static/src" not in "".join(path.read_text() for path in (package / "dist").glob("*.d.ts"))


def test_it_is_typed(app: Path) -> None:
    tagged = app / "src" / "tagged.ts"
    tagged.write_text(
        """import "sessionmood/global";
        import type { Mood, Reading, SuggestedAction } from "sessionmood";
        window.SessionMood.on("frustrated", (reading) => {
          const mood: Mood = reading.mood;
          const action: SuggestedAction = reading.suggested_action;
          if (action === "offer_help") SessionMood.track(mood, 3);
        });
        SessionMood.push(["goal", "order"]);
        const last: Reading | null = SessionMood.mood();
        export default last;"""
    )
    run(app, "npx", "tsc", "-p", ".")
    run(app, "npx", "vite", "build", "--ssr", "src/tagged.ts", "--outDir", "tagged")
    tagged.unlink()
    wrong = app / "src" / "wrong.ts"
    wrong.write_text('import { on } from "sessionmood";\non("angry", () => {});\n')
    try:
        with pytest.raises(AssertionError, match="angry"):
            run(app, "npx", "tsc", "-p", ".")
    finally:
        wrong.unlink()


def test_it_is_safe_to_import_on_a_server(app: Path) -> None:
    printed = run(
        app, "node", "--input-type=module", "-e",
        """import { createElement } from "react";
           import { renderToString } from "react-dom/server";
           import { init, mood, track } from "sessionmood";
           import { useMood } from "sessionmood/react";
           init({ key: "pk_x", host: "http://127.0.0.1:1" });
           track("nothing");
           console.log(renderToString(createElement(() => String(useMood()))), mood());""",
    )  # fmt: skip
    assert printed.strip() == "null null"


def test_react_and_vue_show_the_mood(app: Path, visit: Open) -> None:
    run(app, "npx", "vite", "build")
    page = visit("<p>x")
    page.site.folder = app / "dist"
    page.site.pages["/app"] = re.sub(r"\s+crossorigin", "", (app / "dist" / "index.html").read_text())
    page.go(f"/app#{page.server.pk}@{page.server.base}")
    page.click("#dead", times=4)
    shown = page.page.locator("#react-mood")
    page.until(lambda: shown.inner_text() == "frustrated", "the mood in React")
    assert page.page.locator("#vue-mood").inner_text() == "frustrated"
    assert page.page.evaluate("seen.change") == "frustrated"
    assert page.page.evaluate("seen.frustrated")
    page.until(lambda: page.cards() == 1, "the card, from the app's own bundle")
    assert not page.loaded("extras")
