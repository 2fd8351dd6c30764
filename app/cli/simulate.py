"""`sessionmood simulate`: made-up visitors against a running server, with their moods live."""

import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.console import counted, fail, misused, say
from app.cli.options import Key, Url, needed

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from app.lab.simulate.crowd import Crowd
    from app.lab.simulate.visitor import Visitor

_COLOURS = {
    "frustrated": "red", "engaged": "green", "bored": "bright_black",
    "confused": "yellow", "curious": "cyan", "satisfied": "bright_green",
}  # fmt: skip
#: Columns that a line has at most, where it does not go to a wide terminal.
_COLUMNS = 80
#: Columns from which on there is room for the suggested action.
_WIDE = 100
#: Lines of the view that are no visitor: title, head, the rest, a prompt.
_AROUND = 6


def simulate(
    url: Url,
    key: Key = "",
    minutes: Annotated[float, typer.Option(metavar="MINUTES", min=0.01, help="How long.")] = 1.0,
    visitors: Annotated[int, typer.Option(metavar="N", min=1, help="How many; the personas take turns.")] = 7,
    speed: Annotated[
        float, typer.Option(metavar="TIMES", min=0.1, help="How many times faster than people.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed, the same behaviour.")] = 1,
    record: Annotated[
        bool, typer.Option("--record", help="Need no server: print the visits as recordings instead.")
    ] = False,
) -> None:
    """Play made-up visitors against a running server.

    Watch it read them.
    Seven personas: one for each mood, and one whose fast clicks are all answered and who must stay calm.
    """
    if record:
        _print_recordings(visitors, seed, minutes * 60 * speed)
        return
    import asyncio

    from app.lab.simulate.crowd import Crowd, socket_address
    from app.lab.simulate.visitor import Refused

    needed(key)
    try:
        socket_address(url)
    except ValueError as error:
        misused(str(error))
    live = sys.stdout.isatty()
    crowd = Crowd(visitors, seed, (lambda visitor: None) if live else _print_change)
    try:
        asyncio.run(_watched(crowd, url, key, speed, minutes * 60, live))
    except Refused as error:
        fail(str(error))
    except OSError as error:
        fail(f"no server answers at {url}: {error.strerror or error}")
    except KeyboardInterrupt:
        pass
    _sum_up(crowd)


async def _watched(crowd: "Crowd", url: str, key: str, speed: float, seconds: float, live: bool) -> None:
    if not live:
        await crowd.visit(url, key, speed, seconds)
        return
    import asyncio

    from rich.console import Console
    from rich.live import Live

    console = Console()
    with Live(_table(crowd, console), console=console, refresh_per_second=8) as view:
        visiting = asyncio.create_task(crowd.visit(url, key, speed, seconds))
        while not visiting.done():
            await asyncio.wait([visiting], timeout=0.12)
            view.update(_table(crowd, console))
        visiting.result()


def _table(crowd: "Crowd", console: "Console") -> "Table":
    """One line for each visitor, whatever the terminal's size."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    seen = " ".join(
        f"[{colour}]{mood}[/]" if mood in crowd.first_seen else f"[dim]{mood}[/]"
        for mood, colour in _COLOURS.items()
    )
    wide = console.width >= _WIDE
    title = f"{time.monotonic() - crowd.began:4.0f} s   seen: {seen}"
    table = Table(title=title, title_justify="left", expand=True, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name, ratio in (
        ("who", None),
        ("does", 2),
        ("mood", None),
        ("", None),
        ("because", 3),
        ("action", None),
    ):
        if wide or name != "action":
            table.add_column(name, no_wrap=True, overflow="ellipsis", ratio=ratio)
    rows = max(1, console.height - _AROUND)
    for visitor in crowd.visitors[:rows]:
        reading = visitor.reading
        mood = reading.get("mood", "-")
        colour = _COLOURS.get(mood, "white")
        confidence = reading.get("confidence", 0.0)
        action = reading.get("suggested_action", "")
        help_ = "[reverse] help [/] " if visitor.offers else ""
        cells = [
            visitor.persona.name,
            escape(visitor.doing),
            f"[{colour}]{mood}[/]",
            f"[{colour}]{'█' * round(confidence * 5):5}[/] {confidence:.2f}",
            help_ + escape(_reason(reading)),
        ]
        table.add_row(*cells, *(["" if action == "none" else action] if wide else []))
    if len(crowd.visitors) > rows:
        table.add_row("...", f"and {len(crowd.visitors) - rows} more")
    return table


def _print_change(visitor: "Visitor") -> None:
    reading = visitor.reading
    before = f"{visitor.moods[-2]} > " if len(visitor.moods) > 1 else ""
    line = (
        f"{time.strftime('%H:%M:%S')}  {visitor.persona.name:5} {before}{reading['mood']} "
        f"{reading['confidence']:.2f}  {reading['suggested_action']}  {_reason(reading)}"
    ).rstrip()
    print(line if len(line) <= _COLUMNS else line[: _COLUMNS - 3] + "...", flush=True)


def _reason(reading: dict[str, Any]) -> str:
    """What raised the mood most, unless it is only that a session has begun."""
    raised = [
        part for part in reading.get("because", ()) if part["points"] > 0 and part["signal"] != "arrived"
    ]
    return str(raised[0]["text"]) if raised else ""


def _sum_up(crowd: "Crowd") -> None:
    from app.mood import MOODS

    sent = sum(visitor.sent for visitor in crowd.visitors)
    acked = sum(visitor.acked for visitor in crowd.visitors)
    offers = sum(len(visitor.offers) for visitor in crowd.visitors)
    say(
        f"{counted(len(crowd.visitors), 'visitor')}, {counted(sent, 'event')} sent, {acked:,} kept, "
        f"{counted(offers, 'offer')} of help"
    )
    missing = [mood for mood in MOODS if mood not in crowd.first_seen]
    if missing:
        say(f"not seen: {', '.join(missing)}")
    else:
        say(f"all six moods were seen within {max(crowd.first_seen.values()):.0f} s")


def _print_recordings(visitors: int, seed: int, seconds: float) -> None:
    import msgspec

    from app.lab.simulate.personas import PERSONAS
    from app.lab.simulate.record import record

    encode = msgspec.json.Encoder().encode
    for at in range(visitors):
        persona = PERSONAS[at % len(PERSONAS)]
        visit = record(persona, f"sim-{persona.name.lower()}-{at}", seed + at, seconds)
        sys.stdout.buffer.write(encode(visit) + b"\n")
    sys.stdout.buffer.flush()
