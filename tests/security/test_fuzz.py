"""The decoders against hostile input: mutated seeds, and whatever hypothesis thinks of."""

from hypothesis import given
from hypothesis import strategies as st

from tests.security import fuzz
from tests.support.examples import tries

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["type", "at", "target", "x", "y", "value", "kind", "name", "dy", "url", "op", "seq", "events", "lost",
     "producer", "reports", "now", "key", "token", "have", "every"]
)  # fmt: skip
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=8)


def test_mutated_seeds() -> None:
    outcomes = fuzz.run(20_000, seed=7)
    assert len(outcomes) > 10  # it does reach the good and the bad ways through
    assert any("batch" in outcome for outcome in outcomes)


@tries(300)
@given(OBJECTS | st.lists(OBJECTS, max_size=5) | VALUES)
def test_any_json(value: object) -> None:
    import json

    fuzz.check(json.dumps(value).encode())


@tries(300)
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    fuzz.check(data)
