"""What failed in a session, as errors of its surface."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from beluga_voice.errors import (
    BelugaVoiceError,
    ClosedError,
    ConfigurationError,
    ErrorCode,
    ProviderTimeoutError,
    SessionError,
)
from beluga_voice.events import Outcome, Source, UtteranceEnded

KEPT = 8
"""Errors of replies that are kept for who waits for them."""

_ENDED_BY = {
    "stt": ErrorCode.STT_FAILED,
    "transport": ErrorCode.TRANSPORT_ERROR,
    "s2s": ErrorCode.S2S_ERROR,
}


class Blame:
    """Knows who failed while a session ran once.

    Attributes:
        opening: the kind of provider that is being opened.
        ended_by: what ended the session, if a provider's failure did.
        left: what did not close, or did not end, and was left.
    """

    def __init__(self) -> None:
        self.opening = ""
        self.ended_by: SessionError | None = None
        self.left: list[str] = []
        self._utterances: dict[int, tuple[str, BaseException]] = {}
        self._replies: OrderedDict[int, SessionError] = OrderedDict()

    def of_start(self, error: BaseException) -> SessionError | None:
        """The error of a `start` that failed by `error`; None where that says it best."""
        if isinstance(error, (SessionError, ConfigurationError, ClosedError)):
            return None
        if isinstance(error, asyncio.CancelledError):
            return self._start(
                ErrorCode.CONTEXT_CANCELED, "what opens the session's streams was cancelled", error
            )
        if isinstance(error, ProviderTimeoutError):
            return self._start(ErrorCode.TIMEOUT, str(error), error)
        if isinstance(error, BelugaVoiceError):
            line = self.opening == "transport"
            code = ErrorCode.TRANSPORT_FAILED if line else ErrorCode.PROVIDER_INIT_FAILED
            return self._start(code, str(error), error)
        if isinstance(error, Exception):
            return self._start(ErrorCode.INTERNAL_ERROR, f"{type(error).__name__}: {error}", error)
        return None

    def _start(self, code: ErrorCode, message: str, error: BaseException) -> SessionError:
        return SessionError("start", code, message, {"provider": self.opening}, cause=error)

    def end(self, kind: str, error: BaseException) -> None:
        """The failure of a provider of that kind ends the session; the first does."""
        if self.ended_by is None:
            code = _ENDED_BY.get(kind, ErrorCode.INTERNAL_ERROR)
            self.ended_by = SessionError("run", code, str(error), {"provider": kind}, cause=error)

    def fail(self, utterance: int, kind: str, error: BaseException) -> None:
        """Agent, TTS or S2S failed as it made an utterance."""
        self._utterances[utterance] = (kind, error)

    def of_utterance(self, ended: UtteranceEnded) -> SessionError | None:
        """The error of an utterance that has ended; None if it has not failed."""
        kind, cause = self._utterances.pop(ended.utterance, ("", None))
        if ended.outcome is not Outcome.FAILED:
            return None
        asked = ended.source is Source.REPLY
        code = {
            "tts": ErrorCode.TTS_FAILED,
            "s2s": ErrorCode.S2S_ERROR,
            "agent": ErrorCode.AGENT_ERROR if asked else ErrorCode.AGENT_FAILED,
        }.get(kind, ErrorCode.STREAM_ERROR)
        details = {"utterance": ended.utterance, "heard": ended.heard}
        op = "process_transcript" if asked else "say"
        error = SessionError(op, code, ended.reason, details, cause=cause)
        if asked:
            self._replies[ended.utterance] = error
            while len(self._replies) > KEPT:
                self._replies.popitem(last=False)
        return error

    def of_reply(self, utterance: int) -> SessionError | None:
        """The error of one of the latest replies that failed."""
        return self._replies.get(utterance)

    def of_end(self) -> SessionError | None:
        """The error of how the session ended; None if all is well."""
        if self.ended_by is None and self.left:
            text = f"left as they did not close in time: {', '.join(self.left)}"
            return SessionError("stop", ErrorCode.CLEANUP_FAILED, text, {"left": tuple(self.left)})
        return self.ended_by
