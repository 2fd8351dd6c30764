"""The embed script and the parts it loads on demand: any page may load them, compressed once, cached a while."""

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import brotli
import zopfli.gzip
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.errors import NotFound

#: Browsers look for a new version after ten minutes, and use the old one while they look.
_CACHE: Final = "public, max-age=600, stale-while-revalidate=86400"

_NAME: Final = re.compile(r"sessionmood(-[a-z]{1,40})?\.js")
#: What we can send, the smaller first. Slow to make (0.1 s each), made once; Zopfli's gzip is any browser's.
_CODINGS: Final[Mapping[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {"br": brotli.compress, "gzip": zopfli.gzip.compress}
)


def coding(accepted: str) -> str | None:
    """The coding to send of those that an Accept-Encoding header takes (RFC 9110, 12.5.3); None: none."""
    takes: dict[str, bool] = {}
    for item in accepted.lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        takes[name] = not any(re.fullmatch(r"q\s*=\s*0(\.0*)?", parameter) for parameter in parameters)
    return next((name for name in _CODINGS if takes.get(name, takes.get("*", False))), None)


class Scripts:
    """`/sessionmood.js` and `/sessionmood-PART.js` from `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[bytes, str]] = {}
        self._packed: dict[tuple[str, str], bytes] = {}

    def routes(self) -> list[Route]:
        return [Route("/sessionmood.js", self._script), Route("/sessionmood-{part}.js", self._script)]

    async def _script(self, request: Request) -> Response:
        name = request.scope["path"].removeprefix("/")
        body, tag = self._load(name)
        headers = {
            "cache-control": _CACHE,
            "etag": tag,
            "vary": "Accept-Encoding",
            # other people's pages load it, also as a module and under a COEP
            "access-control-allow-origin": "*",
            "cross-origin-resource-policy": "cross-origin",
            "x-content-type-options": "nosniff",
        }
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        packed = coding(request.headers.get("accept-encoding", ""))
        if packed:
            headers["content-encoding"] = packed
            if (name, packed) not in self._packed:
                self._packed[name, packed] = await asyncio.to_thread(_CODINGS[packed], body)
            body = self._packed[name, packed]
        return Response(body, media_type="text/javascript", headers=headers)

    def _load(self, name: str) -> tuple[bytes, str]:
        """The script and its entity tag. Raises NotFound."""
        if name not in self._read:
            path = self._folder / name
            if not _NAME.fullmatch(name) or not path.is_file():
                raise NotFound(f"there is no script {name[:200]}")
            plain = path.read_bytes()
            self._read[name] = (plain, f'"{hashlib.sha256(plain).hexdigest()[:16]}"')
        return self._read[name]
