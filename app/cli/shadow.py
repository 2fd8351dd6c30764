"""`sessionmood shadow`: where a candidate model differs from the live one."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.console import columns, counted, fail, misused
from app.cli.options import Url

if TYPE_CHECKING:
    from app.ingest.shadow import Tally


def shadow(
    url: Url,
    key: Annotated[
        str, typer.Option(metavar="KEY", envvar="SESSIONMOOD_KEY", show_default=False, help="A secret key.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show where a running server's candidate model differs. SESSIONMOOD_SHADOW_MODEL sets it.

    For recordings, `replay --shadow MODEL` does the same without a server.
    """
    import msgspec

    from app.ingest.shadow import Tally

    if not key:
        misused("--key (or SESSIONMOOD_KEY) is needed: a secret key, sk_…")
    body = _get(url, key)
    tally = msgspec.convert(body, Tally)
    print_tally(tally, as_json)


def print_tally(tally: "Tally", as_json: bool = False) -> None:
    """The report, for people or as JSON."""
    import msgspec

    if as_json:
        content = {"agreement": tally.agreement} | msgspec.to_builtins(tally)
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")
        sys.stdout.buffer.flush()
        return
    if not tally.sessions:
        print("No session has begun since the candidate watches.")
        return
    hours = tally.watched_ms / 3_600_000
    print(f"{counted(tally.sessions, 'session')}, {counted(tally.events, 'event')}, {hours:,.1f} hours")
    if tally.agreement is not None:
        print(
            f"The same mood {tally.agreement:.1%} of the time; "
            f"{counted(tally.differed, 'session')} ({tally.differed / tally.sessions:.1%}) differed at some time."
        )
    if tally.skipped or tally.failed:
        print(f"Not compared: {tally.skipped:,} begun before, {tally.failed:,} that the candidate failed on.")
    print()
    columns(
        ["model", "changes>", "sessions frustrated>", "offers of help>"],
        [
            (name, f"{side.changes:,}", f"{side.frustrated:,}", f"{side.offers:,}")
            for name, side in (("live", tally.live), ("candidate", tally.candidate))
        ],
    )
    if tally.pairs:
        print()
        columns(
            ["live", "candidate", "times>", "minutes>"],
            [
                (*name.split(" > "), f"{pair.times:,}", f"{pair.ms / 60_000:,.1f}")
                for name, pair in sorted(tally.pairs.items(), key=lambda item: -item[1].ms)
            ],
        )


def _get(url: str, key: str) -> Any:
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    if not url.startswith(("http://", "https://")):
        misused(f"{url}: an address like http://127.0.0.1:8000 is needed")
    # the scheme is checked right above
    request = Request(url.rstrip("/") + "/v1/shadow", headers={"x-api-key": key})  # noqa: S310
    try:
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)
    except HTTPError as error:
        fail(_detail(error.read(), f"the server answered {error.code}"))
    except URLError as error:
        fail(f"no server answers at {url}: {error.reason}")


def _detail(body: bytes, otherwise: str) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, LookupError, TypeError):
        return otherwise
