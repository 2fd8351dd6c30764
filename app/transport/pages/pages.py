"""What people open in a browser, and what machines ask to see whether the service is well."""

import asyncio
import re
import time
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.errors import NotFound, StorageUnavailable
from app.transport import Doors
from app.transport.answers import NOSNIFF, Message, Send
from app.transport.pages.html_parts import notice
from app.transport.pages.scripts import Scripts
from app.transport.pages.static import STATIC

#: A commit that was begun so long ago (s) at most, and is done, shows that writing works and is not slow.
FRESH: Final = 1.0

#: A file of `static/`: none begins with a dot, which would lead out of there.
_NAME: Final = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}/){0,4}[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
#: For whatever is no answer of the two hot calls: told to nobody else, and read as what it says it is, as those are.
_SAFE: Final = (NOSNIFF, (b"referrer-policy", b"same-origin"))
#: For pages: they load from here only, and are shown in no frame of others.
_SAFE_PAGE: Final = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    ),
    (b"x-frame-options", b"SAMEORIGIN"),
)

_DEMO_OFF: Final = notice(
    "The demo is off",
    "It goes off by itself once a key is bound to origins: from then on this server is for real pages. "
    "`SESSIONMOOD_DEMO=on` at its start keeps it. The [API](/docs) and [what is kept](/privacy) are here as ever.",
)


def safe(send: Send) -> Send:
    """Says with every answer what browsers may do with it."""

    async def said(message: Message) -> None:
        if message["type"] == "http.response.start":
            lines = list(message.get("headers", ()))
            known = {name for name, _ in lines}
            html = any(name == b"content-type" and value.startswith(b"text/html") for name, value in lines)
            lines += [line for line in (*_SAFE, *(_SAFE_PAGE if html else ())) if line[0] not in known]
            message["headers"] = lines
        await send(message)

    return said


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
            if "text/html" in request.headers.get("accept", ""):
                return HTMLResponse(_DEMO_OFF, 404)
            raise NotFound("the demo is off: SESSIONMOOD_DEMO=on turns it on")
        page = (STATIC / "demo.html").read_text()
        return HTMLResponse(page.replace("{{key}}", self.demo_key))

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        path = STATIC / name
        # no file system sees a name that none of ours could have: with a zero byte, or too long for it
        if not _NAME.fullmatch(name) or path.suffix == ".html" or not path.is_file():
            raise NotFound(f"there is no page /static/{name[:200]}")
        return FileResponse(path)
