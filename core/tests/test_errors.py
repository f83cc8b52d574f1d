"""The errors carry data for programs, and a sentence for people."""

from __future__ import annotations

import pytest

from beluga_voice import errors
from beluga_voice.errors import (
    AgentStateError,
    BelugaVoiceError,
    ErrorCode,
    ProviderError,
    ProviderTimeoutError,
    SessionError,
    UnknownProviderError,
    is_retryable,
)


def test_the_tree_in_the_text_is_the_tree_of_the_classes() -> None:
    drawn: dict[str, str] = {}
    above: list[str] = []
    assert errors.__doc__ is not None
    for line in errors.__doc__.splitlines()[2:]:
        indent, _, rest = line.rpartition("+-- ")
        name = rest.split()[0]
        depth = 0 if name == "BelugaVoiceError" else len(indent) // 4 + 1
        above[depth:] = [name]
        drawn[name] = above[depth - 1] if depth else "Exception"
    classes = {
        each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)
    }
    assert drawn == {each.__name__: each.__bases__[0].__name__ for each in classes}


def test_only_what_may_pass_is_retryable() -> None:
    assert {code for code in ErrorCode if code.retryable} == {ErrorCode.TIMEOUT, ErrorCode.CONTEXT_TIMEOUT}
    assert SessionError("start", ErrorCode.TIMEOUT, "late").retryable
    assert not SessionError("start", ErrorCode.INVALID_STATE, "twice").retryable
    assert not ProviderError("no such model").retryable
    assert ProviderError("busy", retryable=True).retryable
    assert ProviderTimeoutError("nothing for 5 s").retryable


def test_a_session_error_names_operation_sentence_and_code() -> None:
    details = {"state": "ended"}
    error = SessionError("say", ErrorCode.SESSION_NOT_ACTIVE, "the session has ended", details)
    details["state"] = "changed"
    assert str(error) == "session say: the session has ended (code: session_not_active)"
    assert (error.op, error.message, error.details) == ("say", "the session has ended", {"state": "ended"})
    with pytest.raises(TypeError):
        error.details["state"] = "changed"  # type: ignore[index]
    assert SessionError("say", ErrorCode.EMPTY_TEXT, "no text").details == {}


def test_an_unknown_provider_says_what_there_is() -> None:
    error = UnknownProviderError("no STT provider named 'x'", kind="stt", name="x", installed=["a", "b"])
    assert (str(error), error.kind, error.name) == ("no STT provider named 'x'", "stt", "x")
    assert error.installed == ("a", "b")


def test_an_agents_state_error_names_both_states() -> None:
    error = AgentStateError("idle", "gone")
    assert (error.old, error.new) == ("idle", "gone")
    assert str(error) == error.message == "invalid state transition: idle -> gone"
    assert isinstance(error, BelugaVoiceError)


def test_a_provider_error_is_retryable_as_its_package_has_it_unless_told() -> None:
    assert ProviderError("busy", kind="stt", code="rate_limit").retryable
    assert not ProviderError("busy", kind="vad", code="rate_limit").retryable
    assert not ProviderError("no key", kind="stt", code="authentication_error").retryable
    assert not ProviderError("busy", kind="stt", code="rate_limit", retryable=False).retryable
    late = ProviderTimeoutError("nothing for 5 s", kind="tts")
    assert (late.kind, late.code) == ("tts", "timeout")


def test_a_session_error_without_a_sentence_takes_that_of_its_cause() -> None:
    cause = LookupError("no such voice")
    error = SessionError("say", ErrorCode.TTS_FAILED, cause=cause)
    assert str(error) == "session say: no such voice (code: tts_failed)"
    assert error.cause is cause
    assert str(SessionError("say", ErrorCode.TTS_FAILED)) == "session say: unknown error (code: tts_failed)"


def test_whether_to_try_again_is_known_through_wrapping() -> None:
    late = SessionError("start", ErrorCode.TIMEOUT, "late")
    mine = RuntimeError("my own")
    mine.__cause__ = late
    assert is_retryable(mine)
    assert not is_retryable(None)
    assert not is_retryable(RuntimeError("nothing"))
    assert not is_retryable(
        SessionError("start", ErrorCode.PROVIDER_INIT_FAILED, cause=ProviderError("x", retryable=True))
    )
