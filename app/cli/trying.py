"""`sessionmood try`: one short visit against a running server, and what the server says of it."""

import sys
import time
from typing import Annotated

import typer

from app.cli.console import fail, misused, say
from app.cli.options import Key, Url, checked_address, needed

#: Seconds that the server may take to answer.
_PATIENCE = 30.0


def try_story(
    story: Annotated[
        str,
        typer.Argument(
            metavar="MOOD",
            help="frustrated, engaged, bored, confused, curious or satisfied.",
            show_default=False,
        ),
    ],
    url: Url,
    key: Key = "",
    session: Annotated[
        str | None,
        typer.Option("--session", metavar="ID", help="The session's id.", show_default="a new one"),
    ] = None,
) -> None:
    """Send one short visit to a running server.

    It prints the reading that comes back.

    There is a visit for each mood. All its events are sent at once, dated back as if they had just happened.
    """
    import secrets

    import msgspec

    from app.lab.simulate.stories import story as visit_of

    try:
        visit = visit_of(story)
    except ValueError as error:
        misused(str(error))
    needed(key)
    base = checked_address(url)
    id = session or f"try-{story}-{secrets.token_hex(4)}"
    begins = time.time_ns() // 1_000_000 - int(visit.events[-1].at or 0)
    for event in visit.events:
        event.at = begins + int(event.at or 0)
    body = {"producer": secrets.token_hex(8), "seq": 1, "events": visit.events, "reports": visit.reports}
    answer = _post(base, id, key, msgspec.json.encode(body))
    say(f"sent {len(visit.events)} events as session {id}; the server's reading:")
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(answer["mood"]), indent=2) + b"\n")
    sys.stdout.buffer.flush()


def _post(base: str, id: str, key: str, body: bytes) -> dict[str, object]:
    """The server's answer; ends the command where there is none."""
    import urllib.error
    import urllib.request

    import msgspec

    request = urllib.request.Request(  # noqa: S310 - checked by `checked_address`
        f"{base}/v1/sessions/{id}/events", body, {"x-api-key": key, "content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE) as response:  # noqa: S310
            return msgspec.json.decode(response.read(), type=dict[str, object])
    except urllib.error.HTTPError as refused:
        told = refused.read()
        try:
            detail = str(msgspec.json.decode(told)["detail"])
        except (msgspec.MsgspecError, KeyError, TypeError):
            detail = refused.reason
        fail(f"the server at {base} refused it: {detail} ({refused.code})")
    except msgspec.MsgspecError:
        fail(f"what answers at {base} is no SessionMood server")
    except OSError as error:
        reason = getattr(error, "reason", error)
        fail(f"no server answers at {base}: {getattr(reason, 'strerror', None) or reason}")
