"""What is left on a disk when the power goes: a journal of writes and syncs (see disk.c), played back to any
point, with what was not synced by then dropped, kept or kept in part."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Step(NamedTuple):
    """One entry of the journal: `op` is w, t or s; `end` the journal's length after it."""

    op: str
    name: str
    offset: int
    data: bytes
    end: int


def read(journal: bytes) -> Iterator[Step]:
    """The steps of a journal; one that is cut short at the end is left out."""
    place = 0
    while (line_end := journal.find(b"\n", place)) >= 0:
        op, name, *numbers = journal[place:line_end].decode().split()
        offset = int(numbers[0]) if numbers else 0
        length = int(numbers[1]) if op == "w" else 0
        place = line_end + 1 + length
        if place > len(journal):
            return
        yield Step(op, name, offset, journal[line_end + 1 : place], place)


def restore(steps: list[Step], until: int, folder: Path, rng: random.Random) -> None:
    """Write into `folder` the files as a power cut at journal length `until` may leave them: everything before a
    file's last sync, and of what came after it an arbitrary part, whole writes or half ones, in any order."""
    # the rollback journal is of the time before the server was up: it is removed by then, for good
    past = [step for step in steps if step.end <= until and not step.name.endswith("-journal")]
    synced = {step.name: index for index, step in enumerate(past) if step.op == "s"}
    files: dict[str, bytearray] = {}
    for index, step in enumerate(past):
        if index > synced.get(step.name, -1):
            if rng.random() < 0.5:
                continue
            if rng.random() < 0.2:
                step = step._replace(data=step.data[: rng.randint(0, len(step.data))])
        _apply(files.setdefault(step.name, bytearray()), step)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _apply(content: bytearray, step: Step) -> None:
    if step.op == "t":
        del content[step.offset :]
        content.extend(bytes(step.offset - len(content)))
    elif step.op == "w":
        content.extend(bytes(max(0, step.offset - len(content))))
        content[step.offset : step.offset + len(step.data)] = step.data
