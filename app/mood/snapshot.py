"""The state of a detector as a list, in the order of its fields, and back."""


class OutdatedSnapshot(ValueError):
    """It was taken by another version: nothing is wrong, and the log has it all."""


def take(owner: object, fields: tuple[str, ...]) -> list[object]:
    return [_copied(getattr(owner, name)) for name in fields]


def put(owner: object, fields: tuple[str, ...], state: object) -> None:
    """Raises ValueError when `state` is not what `take` gave for these fields."""
    if not isinstance(state, list) or len(state) != len(fields):
        raise ValueError("the snapshot does not fit: its fields are others")
    for name, value in zip(fields, state, strict=True):
        setattr(owner, name, _copied(value))


def _copied(value: object) -> object:
    if isinstance(value, list):
        return [_copied(item) for item in value]
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return value
