"""Tokens are what PyJWT would make of the same claims."""

import jwt
from hypothesis import given
from hypothesis import strategies as st

from app.auth.signing import signed

SECRET = bytes(range(32))
_TEXTS = st.text(st.characters(codec="ascii", exclude_characters="\x7f"), max_size=60)


@given(st.dictionaries(_TEXTS, _TEXTS | st.integers(0, 2**53), max_size=6))
def test_a_token_is_the_one_that_pyjwt_makes(claims: dict[str, str | int]) -> None:
    claims.pop("iss", None)  # which PyJWT wants to be text
    ours = signed(claims, SECRET, "2026-11")
    assert ours.split(".")[1:2] == jwt.encode(claims, SECRET, "HS256").split(".")[1:2]
    header = jwt.get_unverified_header(ours)
    assert header == {"alg": "HS256", "kid": "2026-11", "typ": "JWT"}
    options = {
        "verify_signature": True,
        **dict.fromkeys(
            (
                "verify_exp",
                "verify_nbf",
                "verify_iat",
                "verify_aud",
                "verify_sub",
                "verify_jti",
                "verify_iss",
            ),
            False,
        ),
    }
    assert jwt.decode(ours, SECRET, ["HS256"], options=options) == claims  # type: ignore[arg-type]


@given(st.text(max_size=40))
def test_any_text_comes_back(name: str) -> None:
    token = signed({"p": name}, SECRET, "k")
    assert jwt.decode(token, SECRET, ["HS256"]) == {"p": name}
