"""`sessionmood keys`: make, show and revoke keys, right in the database."""

import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.console import Command, columns, fail, misused, say
from app.cli.database import Database, Project, with_storage

if TYPE_CHECKING:
    from app.storage import Key, Storage

keys = typer.Typer(
    no_args_is_help=True, help="Make, show and revoke keys. A running server knows within a second."
)


class Kind(StrEnum):
    """sk_: servers and the dashboard; pk_: browsers."""

    sk = "sk"
    pk = "pk"


@keys.command(cls=Command)
def create(
    kind: Annotated[Kind, typer.Option(help="sk: secret, for servers; pk: publishable, for browsers.")],
    name: Annotated[str, typer.Option(metavar="TEXT", help="What it is for; shown in lists.")] = "",
    origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORIGIN",
            help="An origin that may use it (https://shop.example, https://*.shop.example). Repeatable.",
        ),
    ] = None,
    monthly_sessions: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="Sessions it may open a month.", show_default="no limit"),
    ] = None,
    events_per_second: Annotated[
        float | None,
        typer.Option(
            metavar="N", min=0.001, help="Events it may send a second.", show_default="the server's limit"
        ),
    ] = None,
    project: Project = "default",
    database_url: Database = None,
) -> None:
    """Make a key and print it. It is kept hashed, so this is the only time it is seen."""
    from app.auth.keys import is_bound, new_key
    from app.auth.origins import normal_origin

    try:
        origins = tuple(dict.fromkeys(normal_origin(entry) for entry in origin or ()))
    except ValueError as error:
        misused(f"--origin: {error}")
    plain, key = new_key(
        kind.value,
        project,
        time.time_ns() // 1_000_000,
        name=name,
        origins=origins,
        monthly_sessions=monthly_sessions,
        events_per_second=events_per_second,
    )

    async def add(store: "Storage") -> bool:
        others = await store.keys()
        await store.add_key(key)
        return any(map(is_bound, others))

    bound_before = with_storage(database_url, add, create=True)
    say(f"{key.id} is made; keep the key, it is not shown again")
    if is_bound(key) and not bound_before:
        say("the demo page goes off, now that a key is bound to origins; SESSIONMOOD_DEMO=on keeps it")
    print(plain)


@keys.command(name="list", cls=Command)
def list_keys(
    every: Annotated[bool, typer.Option("--all", help="Revoked keys too.")] = False,
    database_url: Database = None,
) -> None:
    """Show the keys of all projects, without the keys themselves."""
    found = with_storage(database_url, lambda store: store.keys())
    columns(
        ["id", "kind", "project", "name", "created", "origins", "sessions/month>", "events/s>", "revoked"],
        [
            _row(key)
            for key in sorted(found, key=lambda key: key.created_at)
            if every or key.revoked_at is None
        ],
    )


@keys.command(cls=Command)
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `keys list` shows it: key_…")],
    database_url: Database = None,
) -> None:
    """Revoke a key for good. A running server closes its sockets within a second."""
    if key_id.startswith(("sk_", "pk_")):
        misused("give the key's id (key_…, see `keys list`), not the key: a shell remembers what is typed")

    async def work(store: "Storage") -> "Key | None":
        return await store.revoke_key(key_id, time.time_ns() // 1_000_000)

    if with_storage(database_url, work) is None:
        fail(f"there is no key {key_id}; see `sessionmood keys list`")
    say(f"{key_id} is revoked")


def _row(key: "Key") -> tuple[str, ...]:
    return (
        key.id,
        key.kind,
        key.project,
        key.name or "-",
        _day(key.created_at),
        " ".join(key.origins) or "any",
        "-" if key.monthly_sessions is None else f"{key.monthly_sessions:,}",
        "-" if key.events_per_second is None else f"{key.events_per_second:g}",
        "-" if key.revoked_at is None else _day(key.revoked_at),
    )


def _day(at: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at / 1000))
