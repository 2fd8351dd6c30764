"""The embed script and the parts it loads on demand: any page may load them, compressed once, cached a while."""

import gzip
import hashlib
import re
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.errors import NotFound

#: Browsers look for a new version after ten minutes, and use the old one while they look.
_CACHE: Final = "public, max-age=600, stale-while-revalidate=86400"

_NAME: Final = re.compile(r"sessionmood(-[a-z]{1,40})?\.js")
#: `gzip` in Accept-Encoding, unless it is refused (RFC 9110, 12.4.2).
_GZIP: Final = re.compile(
    r"(?:^|,)\s*(?:gzip|\*)\s*(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))(?:;|,|$)", re.IGNORECASE
)


class Scripts:
    """`/sessionmood.js` and `/sessionmood-PART.js` from `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ready: dict[str, tuple[bytes, bytes, str]] = {}

    def routes(self) -> list[Route]:
        return [Route("/sessionmood.js", self._script), Route("/sessionmood-{part}.js", self._script)]

    async def _script(self, request: Request) -> Response:
        plain, packed, tag = self._load(request.scope["path"].removeprefix("/"))
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
        zipped = _GZIP.search(request.headers.get("accept-encoding", "")) is not None
        if zipped:
            headers["content-encoding"] = "gzip"
        return Response(packed if zipped else plain, media_type="text/javascript", headers=headers)

    def _load(self, name: str) -> tuple[bytes, bytes, str]:
        """The script, the same compressed, and its entity tag. Raises NotFound."""
        if name not in self._ready:
            path = self._folder / name
            if not _NAME.fullmatch(name) or not path.is_file():
                raise NotFound(f"there is no script {name[:200]}")
            plain = path.read_bytes()
            tag = f'"{hashlib.sha256(plain).hexdigest()[:16]}"'
            self._ready[name] = (plain, gzip.compress(plain, 9, mtime=0), tag)
        return self._ready[name]
