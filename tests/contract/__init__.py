"""The public contract, sentence by sentence, against a real server: one file for each of its sections. What
`tests/transport`, `tests/security` and `tests/faults` hold already is not said again."""

import uuid


def fresh() -> str:
    """The id of a session that nobody has used."""
    return f"c-{uuid.uuid4().hex[:12]}"
