"""What speaks in a session: an agent's words through a TTS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from beluga_voice.contracts import TTS, SpeechOptions, TextFilter, TTSStream, Turn
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.errors import ProviderError, ProviderTimeoutError
from beluga_voice.session.closing import close_within
from beluga_voice.session.deciding import Deciding
from beluga_voice.session.parts import Parts
from beluga_voice.session.playout import Track
from beluga_voice.session.speech import Manner, Speech, Texts
from beluga_voice.speakable import Filters


class Voice(Protocol):
    """What makes the audio of utterances.

    What fails while it makes one is fed as `UtteranceFailed`, not raised; cancelling the task that makes one
    ends it.
    """

    @property
    def sample_rate(self) -> int:
        """Hz of the audio that it puts into tracks."""

    async def speak(self, utterance: int, track: Track, texts: Texts, options: SpeechOptions) -> None:
        """Make the audio of a text."""

    async def reply(self, utterance: int, track: Track, turn: Turn) -> None:
        """Make the answer to a turn, and its audio."""

    def ended(self, utterance: int, heard: str, seconds: float, *, played: bool) -> None:
        """Learn how an utterance ended: the words and the seconds of it that were heard, and if that is all."""


class AgentVoice:
    """Speaks what the session's agent answers, over streams of its synthesisers: a `Voice`, and its `Speaker`.

    The session's own stream is opened by `open`; that of another agent, when it first speaks.

    Args:
        parts: of the session.
        deciding: takes what was made.
    """

    def __init__(self, parts: Parts, deciding: Deciding) -> None:
        self._parts = parts
        self._deciding = deciding
        self._speech = Speech(self, deciding.now, deciding.feed, deciding.report, deciding.blame.fail)
        self._streams: dict[TTS, TTSStream] = {}
        self._opening = asyncio.Lock()
        self.sample_rate = parts.tts[""].sample_rate

    async def open(self) -> None:
        """Open the session's own stream.

        Raises:
            ProviderError: none can be had.
        """
        await self._open(self._parts.tts[""])

    async def aclose(self) -> None:
        """Close all streams."""
        while self._streams:
            _, stream = self._streams.popitem()
            await close_within(self._parts.config.close_deadline, ("tts", stream.aclose))

    async def hold_open(self) -> None:
        """Keep all streams from being closed for their silence.

        Raises:
            ProviderError: one is gone.
        """
        for stream in tuple(self._streams.values()):
            await stream.hold_open()

    # -- as the session sees it --

    async def speak(self, utterance: int, track: Track, texts: Texts, options: SpeechOptions) -> None:
        """Make the audio of a text."""
        await self._speech.speak(utterance, track, texts, options)

    async def reply(self, utterance: int, track: Track, turn: Turn) -> None:
        """Ask the agent, and make the audio of its answer."""
        agent = self._parts.agent
        assert agent is not None, "the engine asks no reply of a session without an agent"
        await self._speech.speak(utterance, track, lambda: agent.reply(turn))

    def ended(self, utterance: int, heard: str, seconds: float, *, played: bool) -> None:
        """What the caller heard stands in the conversation, which the agent reads."""

    # -- as speech sees it --

    def sounding(self) -> Callable[[str], str]:
        """Tell how pieces are spoken: as the agent that answers says, and then without what is not to be heard."""
        agent, parts = self._parts.agent, self._parts
        filters = Filters(parts.text_filters, parts.config.language, self._filter_failed)
        return lambda text: filters.process(text if agent is None else agent.speech_text(text))

    def _filter_failed(self, text_filter: TextFilter, error: Exception) -> None:
        told = f"{type(text_filter).__name__} raised {type(error).__name__}: {error}"
        self._deciding.failed("text_filter", ProviderError(told))

    async def manner(self, options: SpeechOptions) -> Manner:
        """Return the voice of the agent that answers now.

        Raises:
            ConfigurationError: it asks for what its TTS cannot do.
            ProviderError: its stream cannot be opened.
        """
        tts, own = self._parts.voice_of(self._parts.agent)
        options = options.over(own)
        if options != PLAIN_SPEECH:
            tts.check_options(options)
        gain = 1.0
        if options.volume is not None and "volume" not in tts.honours:
            gain, options = options.volume, replace(options, volume=None)
        stream = await self._open(tts)
        return Manner(stream, tts.sample_rate, options, gain)

    async def _open(self, tts: TTS) -> TTSStream:
        if tts not in self._streams:
            async with self._opening:
                if tts not in self._streams:
                    self._streams[tts] = await self._opened(tts)
        return self._streams[tts]

    async def _opened(self, tts: TTS) -> TTSStream:
        deadline = self._parts.config.open_deadline
        try:
            async with asyncio.timeout(deadline):
                return await tts.open_stream()
        except TimeoutError:
            raise ProviderTimeoutError(f"the tts did not open within {deadline:g} s") from None
