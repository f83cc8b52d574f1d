"""Text to speech."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import ClassVar

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts.provider import Provider
from beluga_voice.errors import ConfigurationError
from beluga_voice.words import Word

SPEED = (0.5, 2.0)
"""Bounds of `SpeechOptions.speed`, inclusive."""

VOLUME = (0.0, 1.0)
"""Bounds of `SpeechOptions.volume`, inclusive."""


@dataclass(frozen=True, slots=True)
class SpeechOptions:
    """How a text is spoken, as far as that differs from the provider's own settings; None where it does not.

    Attributes:
        voice: the provider's name of a voice.
        speed: times as fast as the settings say, 0.5 to 2.
        volume: times as loud as the settings say, 0 to 1; 0 is silence of the same length.

    Raises:
        ConfigurationError: a value is out of bounds, or the voice's name is empty.
    """

    voice: str | None = None
    speed: float | None = None
    volume: float | None = None

    def __post_init__(self) -> None:
        """Hold the bounds."""
        if self.voice is not None and not self.voice.strip():
            raise ConfigurationError(
                "voice is empty; it must be the name of a voice, or None for the settings' own"
            )
        for name, value, (low, high) in (("speed", self.speed, SPEED), ("volume", self.volume, VOLUME)):
            if value is not None and not low <= value <= high:
                raise ConfigurationError(f"{name} is {value:g}; it must be {low:g} to {high:g}")

    def over(self, lower: SpeechOptions) -> SpeechOptions:
        """Return these options, and those of `lower` where these say nothing."""
        return SpeechOptions(
            lower.voice if self.voice is None else self.voice,
            lower.speed if self.speed is None else self.speed,
            lower.volume if self.volume is None else self.volume,
        )


PLAIN_SPEECH = SpeechOptions()
"""As the provider's settings say."""


@dataclass(frozen=True, slots=True)
class Speech:
    """A part of synthesised speech.

    Attributes:
        frame: mono int16 at the provider's `TTS.sample_rate`, of any length from one sample.
        words: words whose times became known with this part, in seconds from the first sample of the text's
            audio, in order over all parts; empty if the engine gives none.
    """

    frame: AudioFrame
    words: tuple[Word, ...] = ()


class TTSStream(ABC):
    """One session's voice. Speaks one text at a time."""

    @abstractmethod
    def synthesize(self, text: str, options: SpeechOptions = PLAIN_SPEECH) -> AsyncGenerator[Speech, None]:
        """Speak `text`, yielding audio as soon as it is there.

        Closing the generator (`aclose`) or cancelling the task that iterates ends the synthesis within one part,
        and the stream is ready for the next text.

        Args:
            text: what to say; may hold any Unicode. Empty or unspeakable text yields nothing.
            options: for this text only. What `TTS.honours` does not list is to be ignored; where it lists nothing,
                a session gives none.

        Raises:
            ClosedError: after `aclose`, when iterated.
            ConfigurationError: there is no such voice; when iterated, before anything is yielded.
            ProviderError: the engine failed; what was yielded before is valid.
        """

    async def hold_open(self) -> None:
        """Tell the vendor that the stream is still wanted, as `STTStream.hold_open`; nothing by default."""

    @abstractmethod
    async def aclose(self) -> None:
        """Release what the stream holds; ends a synthesis that is going on. Idempotent."""


class TTS(Provider):
    """A synthesiser: turns text into audio. Class attributes declare what it can do; instances may override."""

    sample_rate: int = 24000
    """Hz of the audio that it gives."""

    word_timestamps: bool = False
    """Whether `Speech.words` is given for every word."""

    honours: frozenset[str] = frozenset()
    """Which of ``voice``, ``speed`` and ``volume`` `SpeechOptions` change. Where it is not ``volume``, the session
    makes the audio less loud itself."""

    kind: ClassVar[str] = "tts"

    def check_options(self, options: SpeechOptions) -> None:
        """Refuse what it cannot do; by default, a voice or a speed that `honours` does not list.

        Called when an application asks for something, before it is said: it must not wait.

        Raises:
            ConfigurationError: a text cannot be spoken so.
        """
        for name in ("voice", "speed"):
            value = getattr(options, name)
            if value is not None and name not in self.honours:
                can = ", ".join(sorted(self.honours)) or "nothing"
                raise ConfigurationError(
                    f"{name} is {value!r}, and {type(self).__name__} has no choice of {name} for one text; it "
                    f"changes {can}. Try: its settings, or another TTS"
                )

    @abstractmethod
    async def open_stream(self) -> TTSStream:
        """Open a stream for one session.

        Raises:
            ProviderError: no stream can be had.
            ClosedError: after `aclose`.
        """

    async def check_health(self) -> None:
        """Open a stream and close it; see `Provider.check_health`."""
        stream = await self.open_stream()
        await stream.aclose()
