"""Making an utterance: the agent's text in pieces, each piece through the TTS, its audio to the playout."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from beluga_voice import events as ev
from beluga_voice.contracts import TTSStream
from beluga_voice.errors import ContractError, ProviderError
from beluga_voice.sentences import SentenceSplitter
from beluga_voice.session.playout import Track

Texts = Callable[[], AsyncGenerator[str, None]]
"""Begins an utterance's text: the agent's answer."""


class Speech:
    """Speaks utterances over one TTS stream, a piece at a time.

    Args:
        stream: the session's voice.
        clock: tells the session's time.
        feed: takes the events of what was made.
        tell: takes the text as it is spoken.
        spoken_as: tells how the agent's text is spoken; as it is if None.
        blamed: takes who failed an utterance, the agent or the TTS, and by what.
    """

    def __init__(
        self,
        stream: TTSStream,
        clock: Callable[[], float],
        feed: Callable[[ev.Observed], None],
        tell: Callable[[ev.Reported], None],
        spoken_as: Callable[[str], str] | None = None,
        blamed: Callable[[int, str, BaseException], None] | None = None,
    ) -> None:
        self._stream = stream
        self._clock = clock
        self._feed = feed
        self._tell = tell
        self._blamed = blamed
        self._synthesizing: set[int] = set()
        self._spoken_as = spoken_as or str
        self._voice = asyncio.Lock()

    async def speak(self, utterance: int, track: Track, texts: Texts) -> None:
        """Speak what `texts` gives, and report how it ended; a failure of agent or TTS is reported, not raised."""
        try:
            spoken = await self._speak_pieces(utterance, track, texts())
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

    async def _speak_pieces(self, utterance: int, track: Track, texts: AsyncGenerator[str, None]) -> bool:
        """Returns whether there was anything to speak."""
        spoken = False
        noted = self._noting_first(utterance, texts)
        async with aclosing(texts), aclosing(noted), aclosing(_pieces(noted)) as pieces:
            async for piece in pieces:
                if track.dropped:  # the agent took no notice of being cut
                    break
                sound = self._spoken_as(piece)
                speakable = any(character.isalnum() for character in sound)
                characters = len(sound) if speakable else 0
                self._tell(ev.TextGiven(self._clock(), utterance, piece, characters))
                if speakable:
                    spoken = True
                    await self._speak_piece(utterance, track, piece, sound)
                    self._feed(ev.TextAwaited(self._clock(), utterance))
                else:
                    track.begin(piece)
        return spoken

    async def _noting_first(self, utterance: int, texts: AsyncIterator[str]) -> AsyncGenerator[str, None]:
        """Give on what comes, and tell of the first text."""
        first = True
        async for text in texts:
            if first and text:
                first = False
                self._tell(ev.TextStarted(self._clock(), utterance))
            yield text

    async def _speak_piece(self, utterance: int, track: Track, piece: str, sound: str) -> None:
        self._feed(ev.AudioAwaited(self._clock(), utterance))
        async with self._voice:
            track.begin(piece)
            first = True
            self._synthesizing.add(utterance)
            async with aclosing(self._stream.synthesize(sound)) as parts:
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
    if isinstance(error, (ProviderError, ContractError)):
        return str(error)
    return f"{type(error).__name__}: {error}"
