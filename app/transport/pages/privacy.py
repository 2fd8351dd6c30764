"""`/privacy`: what is kept and for how long, from the live settings, for people and (as JSON) for machines."""

import html
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from app.config.settings import Settings
from app.transport.api.manage import json_answer
from app.transport.pages.html_parts import footer, header, with_anchors
from app.transport.pages.static import STATIC

_PAGE: Final = STATIC / "privacy.html"


class Kept(msgspec.Struct):
    """One kind of thing that is kept, or never is."""

    what: str
    holds: str
    why: str
    how_long: str


class Statement(msgspec.Struct):
    """The whole page. `retention_days`: None for ever."""

    retention_days: float | None
    session_token_hours: float
    help_holdout: float
    kept: list[Kept]
    in_memory: list[Kept]
    in_browser: list[Kept]
    never: list[str]
    rights: list[str]


def statement(settings: Settings) -> Statement:
    """What this service does with these settings."""
    days = settings.retention_days
    until = f"{days:g} days after the session's last event" if days else "until somebody erases it"
    hours = settings.token_ttl / 3600
    return Statement(
        retention_days=days or None,
        session_token_hours=round(hours, 2),
        help_holdout=settings.help_holdout,
        kept=[
            Kept(
                "Events",
                "Type, time, a selector of the element (at most 200 characters), coordinates, one number or word "
                "by type, the page's path without its query, the page load's random id and the event's number",
                "to tell the mood, and to tell it again the same way",
                until,
            ),
            Kept(
                "Sessions",
                "The id that the app chose, the times of the first and the last event, how many came, the last "
                "page, the mood when the visitor was last seen with its confidence and action, the random ids of "
                "its page loads and how many events came from each",
                "to list sessions and to go on after a restart",
                until,
            ),
            Kept(
                "Changes of mood",
                "Time, mood, the one before, confidence, the signals' names, the page",
                "the timeline of a session",
                until,
            ),
            Kept(
                "How visits went",
                "Every mood that the visitor was in, the worst one with its time, page and reasons (which may name "
                "elements), and which help was offered and what came of it",
                "to find the visits that went badly, and to see whether help helps",
                until,
            ),
            Kept(
                "What is usual for an element",
                "Of each element, for all visitors together: how many clicked it, how often it answered, how fast, and "
                "how often in a row it was clicked. Nothing of this points to a session",
                "to tell a button that is broken from one that is slow for everybody",
                "it fades by half in two weeks; the longest unused give way to others",
            ),
            Kept(
                "Keys",
                "A digest (SHA-256) of each key, its name, origins and limits; never the key",
                "to know who may send and read",
                "until the project is removed; revoked ones stay listed",
            ),
            Kept(
                "Monthly counts",
                "How many sessions a key opened in a month, and keyed digests of their ids during that month",
                "quotas, for keys that have one",
                "the digests until the next month begins or the session is erased; the counts for good",
            ),
            Kept(
                "Requests to erase",
                "The id and project of a session that sessionmood erase asked the running server to erase",
                "the server also has to forget what it has in memory",
                "until it is erased: about a second while the server runs, else until its next start",
            ),
            Kept(
                "What cannot be read",
                "The id and project of a session of which a part is damaged on the disk, and which part",
                "telling the operator",
                "until the session is erased",
            ),
            Kept("Signing secrets", "One random number a month", "session tokens", "for good"),
        ],
        in_memory=[
            Kept(
                "Network addresses",
                "The address of an open connection, and how fast it opened connections and sessions",
                "limits against abuse",
                "while it is connected or among the last 20,000 seen; never written down",
            ),
            Kept(
                "Session tokens",
                "The last 10,000 tokens that were checked",
                "not to check them again",
                f"until they expire (after {hours:g} hours without use) or a restart",
            ),
        ],
        in_browser=[
            Kept(
                "The visit",
                "sessionmood.session in the tab's session storage: the session's id, its token, when it was last "
                "active, and whether it is one of those that send nothing (sampling)",
                "so that the next page of the tab goes on with the same visit",
                "until the tab is closed",
            ),
            Kept(
                "Events not delivered",
                "sessionmood.tail in the tab's session storage: the last events, if the page was left before they "
                "arrived",
                "so that the next page of the tab can send them",
                "until they are delivered or the tab is closed",
            ),
            Kept(
                "Help that was shown",
                "sessionmood.help and sessionmood.snooze in the local storage: the times of the last day at which the "
                "popup was shown, and until when it shall not come again",
                "not to bother anybody too often",
                "until the next offer a day later; the site's data can be cleared at any time",
            ),
        ],
        never=[
            "what was typed, pasted, copied or selected: no text, no values, no keystrokes",
            "query strings and fragments of addresses",
            "names, addresses, account ids, unless the app puts one into a session's id, an element's name, or a goal",
            "the user that an app names with identify(user): only a SHA-256 digest of it with the app's key leaves the "
            "page. It ties visits of one user together. Who has a list of users can find out which one it is, so treat "
            "it as personal data",
            "cookies and fingerprints: none are set, none are read",
            "recordings of the screen or of the page's content",
            "keys and tokens, in any log",
        ],
        rights=[
            "Erase one session: DELETE /v1/sessions/{id}, or sessionmood erase SESSION. Events, changes, "
            "state and counts go, from free pages and the write-ahead log of the database too.",
            "See what is kept of one session: GET /v1/sessions/{id} and GET /v1/sessions/{id}/timeline.",
            "Browsers that say Do Not Track or Global Privacy Control send nothing.",
            *(
                [
                    f"{settings.help_holdout:.0%} of the sessions are never shown help, so that its use can be measured."
                ]
                if settings.help_holdout
                else []
            ),
        ],
    )


class Privacy:
    """The page."""

    def __init__(self, settings: Settings) -> None:
        self._statement = statement(settings)
        page = _PAGE.read_text().replace("{{header}}", header("/privacy")).replace("{{footer}}", footer())
        self._page = with_anchors(page.replace("{{statement}}", _in_words(self._statement)))

    def routes(self) -> list[Route]:
        return [Route("/privacy", self._show)]

    async def _show(self, request: Request) -> Response:
        accepts = request.headers.get("accept", "")
        if "application/json" in accepts and "text/html" not in accepts:
            return json_answer(self._statement)
        return HTMLResponse(self._page, headers={"cache-control": "no-cache", "vary": "Accept"})


def _in_words(said: Statement) -> str:
    parts = [
        "<h2>Kept on disk</h2>",
        _table(said.kept),
        "<h2>Held in memory only</h2>",
        _table(said.in_memory),
        "<h2>Stored in the visitor's browser</h2>",
        _table(said.in_browser),
    ]
    parts += ["<h2>Never taken</h2>", _list(said.never), "<h2>What you can do</h2>", _list(said.rights)]
    return "\n".join(parts)


def _table(rows: list[Kept]) -> str:
    cells = "".join(
        f"<section><h3>{html.escape(row.what)}</h3><p>{html.escape(row.holds)}.</p>"
        f"<dl><dt>Why</dt><dd>{html.escape(row.why)}</dd>"
        f"<dt>How long</dt><dd>{html.escape(row.how_long)}</dd></dl></section>"
        for row in rows
    )
    return f'<div class="cards">{cells}</div>'


def _list(items: list[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in items) + "</ul>"
