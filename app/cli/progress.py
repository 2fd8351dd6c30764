"""Progress on standard error, while somebody looks at it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

from app.cli.console import counted


@contextmanager
def following(doing: str) -> Iterator[Callable[[int, int], None]]:
    """A function that shows how many sessions and events are done; silent unless on a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda sessions, events: None
        return
    # without the refreshing thread: worker processes are forked from here
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), console=console, transient=True, auto_refresh=False
    ) as progress:
        task = progress.add_task(doing)
        shown = 0.0

        def note(sessions: int, events: int) -> None:
            nonlocal shown
            now = time.monotonic()
            if now - shown > 0.1:
                shown = now
                progress.update(
                    task, description=f"{doing}: {counted(sessions, 'session')}, {counted(events, 'event')}"
                )
                progress.refresh()

        yield note


@contextmanager
def copying() -> Iterator[Callable[[int, int], None]]:
    """A function that shows how much of a whole is copied; silent unless on a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done, whole: None
        return
    with Progress(
        TextColumn("copying"), BarColumn(), TaskProgressColumn(), console=console, transient=True
    ) as progress:
        task = progress.add_task("copying")
        yield lambda done, whole: progress.update(task, completed=done, total=whole)
