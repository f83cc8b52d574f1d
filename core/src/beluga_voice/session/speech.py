"""Making an utterance: the agent's text in pieces, each piece through the TTS, its audio to the playout."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from beluga_voice import events as ev
from beluga_voice.contracts import Speech as Part
from beluga_voice.contracts import SpeechOptions, TTSStream
from beluga_voice.contracts.tts import PLAIN_SPEECH
from beluga_voice.errors import BelugaVoiceError, ProviderError
from beluga_voice.sentences import SentenceSplitter
from beluga_voice.session.playout import Track

Texts = Callable[[], AsyncGenerator[str, None]]
"""Begins an utterance's text: the agent's answer."""


@dataclass(frozen=True, slots=True)
class Manner:
    """What speaks a piece, and how.

    Attributes:
        stream: the voice.
        sample_rate: of its audio, in Hz.
        options: what it is asked for.
        gain: times as loud as it speaks.
    """

    stream: TTSStream
    sample_rate: int
    options: SpeechOptions = PLAIN_SPEECH
    gain: float = 1.0

    def synthesize(self, text: str) -> AsyncGenerator[Part, None]:
        """Speak `text` so."""
        if self.options == PLAIN_SPEECH:  # a voice that honours no options need not know of them
            return self.stream.synthesize(text)
        return self.stream.synthesize(text, self.options)


class Speaker(Protocol):
    """Knows how the agent that answers now is spoken."""

    def sounding(self) -> Callable[[str], str]:
        """Begin an utterance; what is returned tells how each of its pieces is spoken, in their order."""

    async def manner(self, options: SpeechOptions) -> Manner:
        """Return what speaks the next piece, open.

        Raises:
            BelugaVoiceError: nothing can.
        """


class Speech:
    """Speaks utterances, a piece at a time, one piece of a session at a time.

    Args:
        speaker: knows the voice.
        clock: tells the session's time.
        feed: takes the events of what was made.
        tell: takes the text as it was written.
        blamed: takes who failed an utterance, the agent or the TTS, and by what.
    """

    def __init__(
        self,
        speaker: Speaker,
        clock: Callable[[], float],
        feed: Callable[[ev.Observed], None],
        tell: Callable[[ev.Reported], None],
        blamed: Callable[[int, str, BaseException], None] | None = None,
    ) -> None:
        self._speaker = speaker
        self._clock = clock
        self._feed = feed
        self._tell = tell
        self._blamed = blamed
        self._synthesizing: set[int] = set()
        self._voice = asyncio.Lock()

    async def speak(
        self, utterance: int, track: Track, texts: Texts, options: SpeechOptions = PLAIN_SPEECH
    ) -> None:
        """Speak what `texts` gives, and report how it ended; a failure of agent or TTS is reported, not raised."""
        try:
            spoken = await self._speak_pieces(utterance, track, texts(), options)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                self._synthesizing.discard(utterance)
                raise
            # Nobody cut it: something that the agent or the TTS waited for was cancelled.
            self._fail(utterance, track, error)
            return
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the boundary to agent and provider
            self._fail(utterance, track, error)
            return
        # Told before the track ends: an utterance that has failed is not to finish as one that was played.
        if spoken and track.empty:
            self._synthesizing.add(utterance)
            self._fail(utterance, track, ProviderError("the TTS gave no audio"))
            return
        self._feed(ev.SynthesisFinished(self._clock(), utterance, empty=track.empty))
        track.finish()

    def _fail(self, utterance: int, track: Track, error: BaseException) -> None:
        if self._blamed is not None:
            self._blamed(utterance, "tts" if utterance in self._synthesizing else "agent", error)
        self._synthesizing.discard(utterance)
        self._feed(ev.UtteranceFailed(self._clock(), utterance, _told(error)))
        track.finish()

    async def _speak_pieces(
        self, utterance: int, track: Track, texts: AsyncGenerator[str, None], options: SpeechOptions
    ) -> bool:
        """Returns whether there was anything to speak."""
        spoken = False
        sounding = self._speaker.sounding()
        noted = self._noting_first(utterance, texts)
        async with aclosing(texts), aclosing(noted), aclosing(_pieces(noted)) as pieces:
            async for piece in pieces:
                if track.dropped:  # the agent took no notice of being cut
                    break
                sound = sounding(piece)
                speakable = any(character.isalnum() for character in sound)
                characters = len(sound) if speakable else 0
                self._tell(ev.TextGiven(self._clock(), utterance, piece, characters))
                if speakable:
                    spoken = True
                    await self._speak_piece(utterance, track, piece, sound, options)
                    self._feed(ev.TextAwaited(self._clock(), utterance))
                else:
                    track.begin(piece, sound)
        return spoken

    async def _noting_first(self, utterance: int, texts: AsyncIterator[str]) -> AsyncGenerator[str, None]:
        """Give on what comes, and tell of the first text."""
        first = True
        async for text in texts:
            if first and text:
                first = False
                self._tell(ev.TextStarted(self._clock(), utterance))
            yield text

    async def _speak_piece(
        self, utterance: int, track: Track, piece: str, sound: str, options: SpeechOptions
    ) -> None:
        self._feed(ev.AudioAwaited(self._clock(), utterance))
        self._synthesizing.add(utterance)
        manner = await self._speaker.manner(options)
        async with self._voice:
            track.begin(piece, sound, source_rate=manner.sample_rate, gain=manner.gain)
            first = True
            async with aclosing(manner.synthesize(sound)) as parts:
                async for part in parts:
                    if first:
                        first = False
                        self._feed(ev.AudioReceived(self._clock(), utterance))
                    track.put(part)
                    await track.wait_for_space()
                    if track.dropped:
                        break
            self._synthesizing.discard(utterance)
            track.end()


async def _pieces(texts: AsyncIterator[str]) -> AsyncGenerator[str, None]:
    """Cut a stream of text into pieces that can be spoken."""
    splitter = SentenceSplitter()
    async for text in texts:
        for piece in splitter.feed(text):
            yield piece
    for piece in splitter.flush():
        yield piece


def saying(text: str) -> Texts:
    """Make of `text` what an agent would give."""
    return lambda: _once(text)


async def _once(text: str) -> AsyncGenerator[str, None]:
    yield text


def _told(error: BaseException) -> str:
    if isinstance(error, BelugaVoiceError):
        return str(error)
    return f"{type(error).__name__}: {error}"
