"""`/docs`: the calls, what they may be answered with, and every refusal, for people. Made from what
`/openapi.json` is made from, so that neither can say more than the code does."""

import html
from collections.abc import Iterable
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app.errors import SessionMoodError
from app.transport.openapi import CALLS, Call
from app.transport.static import STATIC

_PAGE: Final = STATIC / "docs.html"


class Docs:
    """The page."""

    def __init__(self) -> None:
        page = _PAGE.read_text()
        self._page = page.replace("{{calls}}", _calls()).replace("{{refusals}}", _refusals())

    def routes(self) -> list[Route]:
        return [Route("/docs", self._show)]

    async def _show(self, request: Request) -> Response:
        return HTMLResponse(self._page, headers={"cache-control": "public, max-age=300"})


def _calls() -> str:
    return "\n".join(_call(call) for call in CALLS)


def _call(call: Call) -> str:
    facts = [("Key", "none" if call.open else "needed")]
    facts += [(f"?{query['name']}", str(query["description"])) for query in call.query]
    if call.body is not None:
        facts.append(("Body", " or ".join(call.types)))
    facts.append(("Answers", ", ".join(map(str, call.answers))))
    if call.refused:
        facts.append(("Refusals", ", ".join(f"{status}" for status in _statuses(call))))
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(fact)}</dd>" for name, fact in facts)
    name = f"<code>{call.method.upper()} {html.escape(call.path)}</code>"
    return f"<section><h3>{name}</h3><p>{html.escape(call.says)}.</p><dl>{rows}</dl></section>"


def _statuses(call: Call) -> list[int]:
    return sorted({error.status for error in call.refused})


def _refusals() -> str:
    kinds = sorted(_kinds(SessionMoodError), key=lambda kind: (kind.status, kind.close_code, kind.code))
    return "".join(
        f"<tr><td><code>{kind.code}</code></td><td>{kind.status}</td><td>{kind.close_code}</td>"
        f"<td>{html.escape(kind.title)}</td></tr>"
        for kind in kinds
    )


def _kinds(root: type[SessionMoodError]) -> Iterable[type[SessionMoodError]]:
    """Every refusal that a client may see: those of app.errors."""
    for kind in root.__subclasses__():
        if kind.__module__ == SessionMoodError.__module__:
            yield kind
            yield from _kinds(kind)
