"""The errors of beluga-voice. The type says whose fault it is.

BelugaVoiceError
+-- ConfigurationError      the user's settings or arguments
+-- AudioError              audio from outside that is no audio
+-- JournalError            a file that is no journal, or one that cannot be read here
+-- PluginError             a plugin is missing, broken or incompatible
|   +-- UnknownProviderError
+-- ContractError           a provider broke its contract: a bug of the plugin
+-- ProviderError           a vendor, model or worker failed; `retryable` tells whether to try again
|   +-- ProviderTimeoutError
+-- ToolError               a tool's arguments or outcome are wrong; told to the model
+-- AgentStateError         an agent's state was set to one that cannot follow
+-- RefusedError            the server does not let a caller in; `status` and `code` say why
+-- ClosedError             used after `aclose`: a bug of the caller
+-- SessionError            the session's surface, with a code
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType


class BelugaVoiceError(Exception):
    """Any error that beluga-voice raises on purpose."""


class ConfigurationError(BelugaVoiceError, ValueError):
    """Settings or arguments cannot be used; the text names the value, what is allowed and the remedy."""


class AudioError(BelugaVoiceError, ValueError):
    """Bytes or samples from outside are no audio of the form that was promised."""


class JournalError(BelugaVoiceError, ValueError):
    """A file is no journal, is damaged, or comes from a version that is not read here; the text says where."""


class PluginError(BelugaVoiceError):
    """A plugin is missing, failed to load, or does not fit this core."""


class UnknownProviderError(PluginError):
    """No provider of that name is registered.

    Attributes:
        kind: the contract, as in ``stt``.
        name: what was asked for.
        installed: the names there are, sorted.
    """

    def __init__(self, message: str, *, kind: str, name: str, installed: Sequence[str]) -> None:
        super().__init__(message)
        self.kind = kind
        self.name = name
        self.installed = tuple(installed)


class ContractError(BelugaVoiceError):
    """A provider broke the contract it implements."""


RETRYABLE: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "session": frozenset({"timeout", "context_timeout"}),
        **dict.fromkeys(
            ("stt", "tts", "s2s", "llm"),
            frozenset(
                {"network_error", "timeout", "rate_limit", "internal_error", "stream_error", "stream_timeout"}
            ),
        ),
        **dict.fromkeys(
            ("vad", "turn_detector", "noise_suppressor"), frozenset({"timeout", "processing_error"})
        ),
        "transport": frozenset({"timeout", "connection_failed", "connection_timeout", "network_error"}),
    }
)
"""Codes after which the same call may succeed later, by what failed: a session, or a provider of that kind."""


class ProviderError(BelugaVoiceError):
    """A vendor, a model or a worker failed.

    Attributes:
        retryable: whether the same call may succeed later; where it is not told, `RETRYABLE` has it.
        retry_after: seconds that the vendor asks to wait before; None if it did not say.
        kind: the contract, as in ``stt``; empty if it is not known.
        code: what went wrong, for programs, as in ``rate_limit``; empty if it is not known.
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool | None = None,
        retry_after: float | None = None,
        kind: str = "",
        code: str = "",
    ) -> None:
        super().__init__(message)
        self.retryable = code in RETRYABLE.get(kind, ()) if retryable is None else retryable
        self.retry_after = retry_after
        self.kind = kind
        self.code = code


class ProviderTimeoutError(ProviderError):
    """A provider did not answer within its deadline; its `code` is ``timeout``."""

    def __init__(self, message: str, *, kind: str = "") -> None:
        super().__init__(message, retryable=True, kind=kind, code="timeout")


class ToolError(BelugaVoiceError):
    """A tool cannot do what the model asks; the text is told to the model. Tools may raise it."""


class AgentStateError(BelugaVoiceError):
    """An agent's state cannot go from `old` to `new`; it is unchanged."""

    def __init__(self, old: str, new: str) -> None:
        super().__init__(f"invalid state transition: {old} -> {new}")
        self.old = old
        self.new = new

    @property
    def message(self) -> str:
        """The sentence."""
        return str(self.args[0])


class ClosedError(BelugaVoiceError):
    """A stream or provider was used after it was closed."""


class RefusedError(BelugaVoiceError):
    """The server refuses a caller; the text may be told to them.

    Attributes:
        status: of HTTP, 400 to 599.
        code: what is wrong, for programs, as in ``token_expired``.
        retry_after: seconds after which it may be tried again; None if that helps nothing.
    """

    def __init__(self, status: int, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after = retry_after


class ErrorCode(StrEnum):
    """Codes of `SessionError`, as the session's callers know them."""

    INVALID_CONFIG = "invalid_config"
    """The parts or the settings make no session."""

    INVALID_OPTIONS = "invalid_options"
    """An option of an operation is out of bounds."""

    INVALID_STATE = "invalid_state"
    """The session is in a state that does not allow it: it is ending."""

    INVALID_AUDIO = "invalid_audio"
    EMPTY_TEXT = "empty_text"
    INTERNAL_ERROR = "internal_error"
    """Something unexpected, a bug; the cause has it."""

    TIMEOUT = "timeout"
    """A provider did not answer within the session's deadline."""

    SESSION_NOT_FOUND = "session_not_found"
    SESSION_ALREADY_ACTIVE = "session_already_active"
    SESSION_NOT_ACTIVE = "session_not_active"
    SESSION_EXPIRED = "session_expired"
    """The session has ended by itself, as nothing happened in it."""

    CONTEXT_CANCELED = "context_canceled"
    """What the operation waited for was cancelled, by another than its caller."""

    CONTEXT_TIMEOUT = "context_timeout"
    """The caller's own time ran out."""

    CONTEXT_ERROR = "context_error"
    """What an agent needs to know of its session could not be made."""

    AGENT_NOT_SET = "agent_not_set"
    """There is no agent that could speak up."""

    AGENT_NOT_CONFIGURED = "agent_not_configured"
    """There is no agent that could answer."""

    AGENT_INVALID = "agent_invalid"
    """What was given as agent is none, or not of the kind that the operation needs."""

    AGENT_ERROR = "agent_error"
    """The agent failed as it answered."""

    AGENT_FAILED = "agent_failed"
    """The agent failed as it spoke up, though nobody had asked."""

    STREAM_ERROR = "stream_error"
    """Agent or voice owed something for too long."""

    INTERRUPTION_ERROR = "interruption_error"
    """What is being said is protected."""

    STT_FAILED = "stt_failed"
    TTS_FAILED = "tts_failed"
    S2S_ERROR = "s2s_error"
    TRANSPORT_FAILED = "transport_failed"
    """The line could not be opened."""

    TRANSPORT_ERROR = "transport_error"
    """The line failed in the call."""

    PROVIDER_INIT_FAILED = "provider_init_failed"
    CLEANUP_FAILED = "cleanup_failed"
    """Something did not close, and was left."""

    @property
    def retryable(self) -> bool:
        """Whether the operation may succeed when it is tried again."""
        return self in RETRYABLE["session"]


class SessionError(BelugaVoiceError):
    """An operation on a session failed.

    Attributes:
        op: the operation, as in ``start``.
        code: what went wrong, for programs.
        details: further data, read-only.
    """

    def __init__(
        self,
        op: str,
        code: ErrorCode,
        message: str = "",
        details: Mapping[str, object] | None = None,
        *,
        cause: BaseException | None = None,
    ) -> None:
        super().__init__(message)
        self.op = op
        self.code = code
        self.details = MappingProxyType(dict(details or {}))
        self.__cause__ = cause

    @property
    def cause(self) -> BaseException | None:
        """What it came of; None if nothing else failed."""
        return self.__cause__

    @property
    def message(self) -> str:
        """The sentence, without operation and code; that of the cause where it has none of its own."""
        return str(self.args[0]) or str(self.cause or "") or "unknown error"

    @property
    def retryable(self) -> bool:
        """Whether the operation may succeed when it is tried again."""
        return self.code.retryable

    def __str__(self) -> str:
        return f"session {self.op}: {self.message} (code: {self.code})"


def is_retryable(error: BaseException | None) -> bool:
    """Whether what raised `error` may succeed when tried again: the first that knows, down its causes, says."""
    while error is not None:
        if isinstance(error, (SessionError, ProviderError)):
            return error.retryable
        error = error.__cause__
    return False
