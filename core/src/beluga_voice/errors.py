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


class ProviderError(BelugaVoiceError):
    """A vendor, a model or a worker failed.

    Attributes:
        retryable: whether the same call may succeed later.
        retry_after: seconds that the vendor asks to wait before; None if it did not say.
    """

    def __init__(self, message: str, *, retryable: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.retry_after = retry_after


class ProviderTimeoutError(ProviderError):
    """A provider did not answer within its deadline."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


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


class ErrorCode(StrEnum):
    """Codes of `SessionError`, as the session's callers know them."""

    INVALID_CONFIG = "invalid_config"
    INTERNAL_ERROR = "internal_error"
    INVALID_STATE = "invalid_state"
    TIMEOUT = "timeout"
    SESSION_ALREADY_ACTIVE = "session_already_active"
    SESSION_NOT_ACTIVE = "session_not_active"
    EMPTY_TEXT = "empty_text"
    INVALID_OPTIONS = "invalid_options"
    INVALID_AUDIO = "invalid_audio"
    PROVIDER_INIT_FAILED = "provider_init_failed"

    @property
    def retryable(self) -> bool:
        """Whether the operation may succeed when it is tried again."""
        return self is ErrorCode.TIMEOUT


class SessionError(BelugaVoiceError):
    """An operation on a session failed.

    Attributes:
        op: the operation, as in ``start``.
        code: what went wrong, for programs.
        details: further data, read-only.
    """

    def __init__(
        self, op: str, code: ErrorCode, message: str, details: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message)
        self.op = op
        self.code = code
        self.details = MappingProxyType(dict(details or {}))

    @property
    def message(self) -> str:
        """The sentence, without operation and code."""
        return str(self.args[0])

    @property
    def retryable(self) -> bool:
        """Whether the operation may succeed when it is tried again."""
        return self.code.retryable

    def __str__(self) -> str:
        return f"session {self.op}: {self.message} (code: {self.code})"
