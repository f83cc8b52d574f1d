"""Tokens: what was signed is read, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.errors import RefusedError
from beluga_voice_server.tokens import Claims, Purpose, Tokens

CLAIMS = Claims(Purpose.RESUME, "call-1", 1000.0, 3, "support")


def refused(tokens: Tokens, token: str, now: float = 0.0) -> str:
    with pytest.raises(RefusedError) as caught:
        tokens.read(token, now)
    assert caught.value.status == 401
    return caught.value.code


def test_says_what_was_signed_until_it_expires() -> None:
    tokens = Tokens("a secret of the server")
    token = tokens.sign(CLAIMS)
    assert tokens.read(token, 999.9) == CLAIMS
    assert Tokens("a secret of the server").read(token, 0) == CLAIMS
    assert refused(tokens, token, 1000.0) == "token_expired"


def test_a_token_of_another_server_is_refused() -> None:
    token = Tokens("a secret of the server").sign(CLAIMS)
    assert refused(Tokens("another secret"), token) == "token_invalid"
    assert refused(Tokens(), token) == "token_invalid"


@given(st.data())
def test_a_token_with_any_character_changed_is_refused(data: st.DataObject) -> None:
    tokens = Tokens("a secret of the server")
    token = tokens.sign(CLAIMS)
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[at]))
    assert refused(tokens, token[:at] + other + token[at + 1 :]) == "token_invalid"


@given(st.text() | st.binary().map(lambda data: data.hex()))
def test_what_is_no_token_is_refused(token: str) -> None:
    assert refused(Tokens("a secret of the server"), token) == "token_invalid"


def test_a_token_that_is_long_is_not_looked_at() -> None:
    assert refused(Tokens("a secret of the server"), "v1." + "A" * 5000) == "token_invalid"
