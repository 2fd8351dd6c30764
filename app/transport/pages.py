"""What people open in a browser, and what machines ask to see whether the service is well."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.errors import NotFound, StorageUnavailable
from app.transport import Doors
from app.transport.scripts import Scripts

#: A commit that was begun so long ago (s) at most, and is done, shows that writing works and is not slow.
FRESH: Final = 1.0

STATIC: Final = Path(__file__).resolve().parent.parent.parent / "static"


class Pages:
    """The demo page with its files, the embed script, `/livez` and `/readyz`."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        #: what to print at a first start, empty later
        self.fresh_keys: dict[str, str] = {}
        #: the publishable key of the demo page
        self.demo_key = ""
        #: what `/readyz` says although all is well
        self.remarks: Callable[[], list[str]] = list
        self._checking: asyncio.Future[None] | None = None

    def routes(self) -> list[Route]:
        return [
            Route("/", self._home),
            Route("/livez", self._live),
            Route("/readyz", self._ready),
            Route("/demo", self._demo),
            *Scripts(STATIC).routes(),
            Route("/static/{name:path}", self._static),
        ]

    async def _home(self, request: Request) -> Response:
        demo = self._doors.access.demo_on
        return Response(status_code=307, headers={"location": "/demo" if demo else "/docs"})

    async def _live(self, request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _ready(self, request: Request) -> Response:
        if self._doors.leaving:
            return PlainTextResponse("draining\n", 503)
        well = PlainTextResponse("".join(f"{line}\n" for line in ("ok", *self.remarks())))
        if self._writes():
            return well
        if self._checking is None or self._checking.done():
            # whoever asks meanwhile shares the answer: each check writes to the disk
            self._checking = asyncio.ensure_future(self._doors.store.check())
        try:
            await asyncio.shield(self._checking)
        except StorageUnavailable as error:
            return PlainTextResponse(f"storage: {error.detail}\n", 503)
        return well

    def _writes(self) -> bool:
        """Whether something was written a moment ago, in good time, and nothing failed since."""
        state = self._doors.store.state()
        since = state.committed_since
        return not state.failing and since is not None and time.monotonic() - since < FRESH

    async def _demo(self, request: Request) -> Response:
        if not self._doors.access.demo_on:
            raise NotFound("the demo is off: SESSIONMOOD_DEMO=on turns it on")
        page = (STATIC / "demo.html").read_text()
        return HTMLResponse(page.replace("{{key}}", self.demo_key))

    async def _static(self, request: Request) -> Response:
        path = (STATIC / request.path_params["name"]).resolve()
        if not path.is_relative_to(STATIC) or not path.is_file() or path.suffix == ".html":
            raise NotFound(f"there is no page {request.url.path}")
        return FileResponse(path)
