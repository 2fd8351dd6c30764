"""`serve`: one option for each setting."""

import dataclasses
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from app.config.settings import Settings


def _command() -> Callable[..., None]:
    """`serving.run` with a parameter for each field of Settings, so that the two can't drift apart."""

    def serve(**options: Any) -> None:
        """Serve: WebSocket, REST, the demo page. Settings come from options, else from the environment."""
        from app.cli.serving import run

        raise typer.Exit(run(**options))

    parameters = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_annotation(field)
        )
        for field in dataclasses.fields(Settings)
    ]
    serve.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    serve.__annotations__ = {p.name: p.annotation for p in parameters}
    return serve


def _annotation(field: "dataclasses.Field[Any]") -> Any:
    shown = "none" if field.default == "" else field.default
    option = typer.Option(
        "--" + field.name.replace("_", "-"),
        help=f"{field.metadata['help']} (env var: {field.metadata['env']}, default: {shown})",
        show_default=False,
        metavar=_kind(field.type),
    )
    kind: Any = field.type
    return Annotated.__class_getitem__((kind | None, option))  # type: ignore[attr-defined]


def _kind(type: Any) -> str:
    return {int: "N", float: "X"}.get(type, "TEXT")


serve = _command()
