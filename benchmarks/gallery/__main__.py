"""`make gallery`: how often is each tool right about what a page answered?"""

import argparse
import asyncio
import os
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks.gallery import items as data
from benchmarks.gallery import report
from benchmarks.gallery.build import bundle, install, scripts
from benchmarks.gallery.run import Gallery, Visit, load, save
from benchmarks.gallery.site import BUILD, GallerySite
from benchmarks.gallery.tools import PEERS, TOOLS
from benchmarks.table import progress
from benchmarks.usage import machine
from tests.support.server import running


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gallery", description=__doc__)
    parser.add_argument(
        "--only", action="append", default=[], help="items whose name has this; may be repeated"
    )
    parser.add_argument(
        "--library", action="append", default=[], help="pages of this library, or of this name"
    )
    parser.add_argument(
        "--tool", action="append", default=[], choices=TOOLS, help="this tool; may be repeated"
    )
    parser.add_argument("--truth", choices=data.TRUTHS, help="items of this kind")
    parser.add_argument(
        "--fresh",
        action="store_const",
        dest="set",
        const="fresh",
        help="pages for first contact, the first set",
    )
    parser.add_argument(
        "--latest",
        action="store_const",
        dest="set",
        const="latest",
        help="pages for first contact, the second set",
    )
    parser.add_argument(
        "--third",
        action="store_const",
        dest="set",
        const="third",
        help="pages for first contact, the third set",
    )
    parser.add_argument("--side-by-side", type=int, default=10, help="visits at a time (10)")
    parser.add_argument("--resume", action="store_true", help="leave out what an earlier run has tried")
    parser.add_argument("--list", action="store_true", help="name the items and stop")
    parser.add_argument("--report", action="store_true", help="no visits: report what is in build/gallery")
    parser.add_argument(
        "--write", action="store_true", help="keep the result and the picture in the repository"
    )
    parser.add_argument("--folder", type=Path, default=BUILD, help="where results go (build/gallery)")
    parser.add_argument("--verbose", action="store_true", help="a line for each visit")
    options = parser.parse_args()
    name = options.set or "gallery"
    folder = {"gallery": data.PAGES, "fresh": data.FRESH, "latest": data.LATEST, "third": data.THIRD}[name]
    raw = options.folder / ("visits.jsonl" if name == "gallery" else f"{name}.jsonl")
    items = chosen(data.read(folder), options)
    if os.environ.get("GALLERY_QUICK") == "1":
        items = data.sample(items, every=10)
    if options.list:
        for item in items:
            print(f"{item.truth:8} {item.library:18} {item.name}  {item.why}")
        print({truth: sum(item.truth == truth for item in items) for truth in data.TRUTHS})
        return
    tools = options.tool or ["sessionmood", *PEERS]
    if not options.report:
        act(items, tools, folder, raw, options)
    names = {item.name for item in items}
    visits = [v for v in load(raw) if v.item.name in names and v.tool in tools]
    if not visits:
        print("Nothing was tried.")
        return
    found = report.result(visits, time.strftime("%Y-%m-%d", time.gmtime()), machine())
    print(report.text(found))
    report.picture(found, raw.with_suffix(".png"))
    raw.with_suffix(".json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1))
    progress(f"gallery: raw visits, JSON and picture in {raw.parent}")
    if options.write:
        report.keep(name, found)


def chosen(items: list[data.Item], options: argparse.Namespace) -> list[data.Item]:
    return [
        item
        for item in items
        if (
            not options.library
            or any(one.lower() in (item.library.lower(), item.page) for one in options.library)
        )
        and (not options.only or any(part in item.name for part in options.only))
        and (options.truth in (None, item.truth))
    ]


def act(
    items: list[data.Item], tools: list[str], folder: Path, raw: Path, options: argparse.Namespace
) -> None:
    pages, peers = {item.page for item in items}, any(tool in PEERS for tool in tools)
    if peers or scripts([folder], pages):
        install()
        bundle([folder], pages, peers)
    done_before = {(v.item.name, v.tool) for v in load(raw) if not v.failed} if options.resume else set()
    jobs = [(item, tool) for tool in tools for item in items if (item.name, tool) not in done_before]
    began = time.monotonic()
    visited: list[Visit] = []

    def done(visit: Visit) -> None:
        visited.append(visit)
        if len(visited) % 20 == 0:
            save(visited, raw)
        wrong = report.wrong(visit)
        if options.verbose or wrong or visit.failed or visit.tool == "none":
            progress(
                f"[{len(visited)}/{len(jobs)}, {time.monotonic() - began:.0f} s] {visit.tool} · {visit.item.truth} · "
                f"{visit.item.name}: {report.said(visit)}{' ← ' + wrong if wrong else ''}"
            )
        elif len(visited) % 25 == 0:
            progress(f"[{len(visited)}/{len(jobs)}, {time.monotonic() - began:.0f} s]")

    with (
        tempfile.TemporaryDirectory() as place,
        running(
            Path(place),
            SESSIONMOOD_HELP_WARMUP=0,
            SESSIONMOOD_HELP_HOLDOUT=0,
        ) as server,
    ):
        site = GallerySite((folder,), server.base, server.pk)
        try:
            gallery = Gallery(site, server, options.side_by_side)
            progress(f"gallery: {len(items)} items, {len(tools)} tools, {len(jobs)} visits …")
            asyncio.run(gallery.run(jobs, done))
        finally:
            site.close()
    save(visited, raw)


if __name__ == "__main__":
    main()
