"""The agent's audio on its way to the wire: paced, paused at a sample, counted."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame, Resampler, apply_gain
from beluga_voice.contracts import Speech
from beluga_voice.errors import ContractError
from beluga_voice.phrases import words_of
from beluga_voice.playout import Ledger
from beluga_voice.session.pacer import PERIOD, Pacer
from beluga_voice.words import Word

ECHO = 3.0
"""Seconds within which what was heard may come back as an echo (rule 17)."""

DUCKED = 10 ** (-12 / 20)
"""Gain of what goes on while the caller speaks over it: 12 dB down (rule 12)."""


class Track:
    """The audio of one utterance: what has come and was not yet played, and the ledger of what was.

    Args:
        source_rate: of the audio that comes, in Hz.
        target_rate: of the audio that is played, in Hz.
        ahead: samples at the target rate that may wait; beyond, `wait_for_space` waits.
        arrived: called when audio has come, or the end.
    """

    def __init__(self, source_rate: int, target_rate: int, ahead: int, arrived: Callable[[], None]) -> None:
        self.ledger = Ledger(target_rate)
        self.finished = False
        self.started = False
        self.starved = False
        self.ended = False
        self.empty = True
        self.dropped = False
        self._source_rate = source_rate
        self._target_rate = target_rate
        self._resampler = self._new_resampler()
        self._resampled = False
        self._gain = 1.0
        self._parts: deque[NDArray[np.int16]] = deque()
        self._waiting = 0
        self._ahead = ahead
        self._arrived = arrived
        self._space: asyncio.Future[None] | None = None

    def begin(
        self, text: str, spoken: str | None = None, *, source_rate: int | None = None, gain: float = 1.0
    ) -> None:
        """Begin a piece of text; the audio put from now on speaks it.

        Args:
            text: as it was written.
            spoken: as it is spoken, where that differs.
            source_rate: of the audio that comes from now on, in Hz; None if it stays.
            gain: times as loud as it comes.
        """
        if source_rate is not None and source_rate != self._source_rate:
            self._flush()
            self._source_rate = source_rate
            self._resampler = self._new_resampler()
        self._gain = gain
        self.ledger.begin(text, spoken)

    def tell(self, text: str, words: tuple[Word, ...]) -> None:
        """Add to the piece's text; `words` carry seconds from the piece's first sample."""
        self.ledger.extend(text)
        self.ledger.add(0, words)

    def end(self) -> None:
        """All audio of the piece has come."""
        self.ledger.end()

    def put(self, speech: Speech) -> None:
        """Take audio of the piece.

        Raises:
            ContractError: the audio is not what the TTS declares.
        """
        frame = speech.frame
        if (
            frame.sample_rate != self._source_rate
            or frame.samples.dtype != np.int16
            or frame.samples.ndim != 1
        ):
            raise ContractError(
                f"the TTS gave {frame.samples.dtype} of shape {frame.samples.shape} at {frame.sample_rate} Hz; "
                f"it declares mono int16 at {self._source_rate} Hz"
            )
        self.empty = self.empty and not len(frame.samples)
        samples = apply_gain(frame.samples, self._gain)
        if self._resampler is not None:
            samples = self._resampler.process(samples)
            self._resampled = True
        self._add(samples, speech.words)

    def finish(self) -> None:
        """All audio of the utterance has come."""
        self._flush()
        self.ledger.end()
        self.finished = True
        self._arrived()

    def _new_resampler(self) -> Resampler | None:
        same = self._source_rate == self._target_rate
        return None if same else Resampler(self._source_rate, self._target_rate)

    def _flush(self) -> None:
        """Take what the resampler holds back."""
        if self._resampler is not None and self._resampled:
            self._add(self._resampler.flush(), ())
            self._resampled = False

    def _add(self, samples: NDArray[np.int16], words: tuple[Word, ...]) -> None:
        if self.dropped:
            return
        if words or len(samples):
            self.ledger.add(len(samples), words)
        if len(samples):
            self._parts.append(samples)
            self._waiting += len(samples)
            self._arrived()

    def drop(self) -> None:
        """Take no more, and let nothing wait for space: the utterance is over."""
        self.dropped = True
        self._parts.clear()
        self._waiting = 0
        self._give_space()

    async def wait_for_space(self) -> None:
        """Wait until the caller's ear has caught up."""
        while self._waiting > self._ahead:
            self._space = asyncio.get_running_loop().create_future()
            await self._space

    def take(self, count: int) -> NDArray[np.int16] | None:
        """Return the next `count` samples; fewer at the end; None while there are too few and more will come."""
        if self._waiting < count and not self.finished:
            return None
        taken: list[NDArray[np.int16]] = []
        while self._parts and count:
            part = self._parts.popleft()
            if len(part) > count:
                self._parts.appendleft(part[count:])
                part = part[:count]
            taken.append(part)
            count -= len(part)
        samples = taken[0] if len(taken) == 1 else np.concatenate(taken) if taken else np.zeros(0, np.int16)
        self._waiting -= len(samples)
        self._give_space()
        return samples

    def _give_space(self) -> None:
        if self._space is not None and not self._space.done() and self._waiting <= self._ahead:
            self._space.set_result(None)

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left and nothing will come."""
        return self.finished and not self._waiting


class Playout:
    """Puts the track on the air onto the wire, 20 ms at a time.

    Args:
        sample_rate: of the wire, in Hz.
        send: puts a frame on the wire.
        feed: takes the events of what was heard.
    """

    def __init__(
        self, sample_rate: int, send: Callable[[AudioFrame], None], feed: Callable[[ev.Observed], None]
    ) -> None:
        self.sample_rate = sample_rate
        self._frame_samples = round(PERIOD * sample_rate)
        self._send = send
        self._feed = feed
        self._loop = asyncio.get_running_loop()
        self._pacer = Pacer.of_running_loop()
        self._tracks: dict[int, Track] = {}
        self._on_air = 0
        self._last: tuple[Ledger, float] | None = None
        self._paused = False
        self._held = False
        self._gain = 1.0
        self._level = 1.0  # that the last sample had; the next frame takes it to `_gain`
        self._ending = False
        self._paced = False
        self._sent = 0

    def open(self, utterance: int, source_rate: int, ahead: float) -> Track:
        """Make the track of an utterance whose audio comes at `source_rate` Hz, at most `ahead` seconds early."""

        def arrived() -> None:
            if utterance == self._on_air:
                self._kick()

        track = Track(source_rate, self.sample_rate, round(ahead * self.sample_rate), arrived)
        self._tracks[utterance] = track
        return track

    def close(self, utterance: int) -> Ledger | None:
        """Drop what is left of an utterance; returns what was heard of it."""
        track = self._tracks.pop(utterance, None)
        if utterance == self._on_air:
            if track is not None and track.started:
                self._last = track.ledger, self._loop.time()
            self._on_air, self._paused, self._ending, self._gain = 0, False, False, 1.0
        if track is None:
            return None
        track.drop()
        return track.ledger

    def play(self, utterance: int) -> None:
        """Put an utterance on the air."""
        self._on_air, self._paused, self._ending, self._gain = utterance, False, False, 1.0
        self._kick()

    def pause(self) -> None:
        """Send nothing more, from this frame on."""
        self._paused = True

    def duck(self) -> None:
        """Go on, `DUCKED` times as loud; the level falls within the next frame, since a step would click."""
        self._gain = DUCKED

    def resume(self) -> None:
        """Go on with the sample after the last one that was sent, at full level, to which it rises in a frame."""
        self._paused, self._gain = False, 1.0
        self._kick()

    def hold(self, held: bool) -> None:
        """Send nothing, as nobody is there to hear it, until this is called with false; beside any pause."""
        self._held = held
        if not held:
            self._kick()

    def asks(self, before: float) -> bool:
        """Whether the sentence that was being heard `before` seconds ago is a question."""
        track = self._tracks.get(self._on_air)
        return track is not None and track.started and track.ledger.asks(before)

    def echoes(self, text: str, since: float) -> bool:
        """Whether the words of `text`, in this order, were heard from `ECHO` seconds before `since` until now."""
        now = self._loop.time()
        window = ECHO + max(0.0, now - since)
        heard: list[str] = []
        if self._last is not None and now - self._last[1] < window:
            heard += words_of(self._last[0].heard_lately(window - (now - self._last[1])))
        track = self._tracks.get(self._on_air)
        if track is not None and track.started:
            heard += words_of(track.ledger.heard_lately(window))
        words = words_of(text)
        count = len(words)
        return bool(words) and any(heard[at : at + count] == words for at in range(len(heard) - count + 1))

    def stop(self) -> None:
        """Play nothing more."""
        for utterance in list(self._tracks):
            self.close(utterance)
        self._pacer.discard(self._tick)
        self._paced = False

    def _kick(self) -> None:
        if not self._paced and not self._paused and not self._held:
            self._paced = True
            self._pacer.start(self._tick)

    def _tick(self) -> bool:
        self._finish_last()
        track = self._tracks.get(self._on_air)
        if track is None or self._paused or self._held:
            self._paced = False
            return False
        samples = track.take(self._frame_samples)
        if samples is None or not len(samples):
            self._paced = False
            self._starve(track)
            return False
        self._put_out(track, samples)
        return True

    def _finish_last(self) -> None:
        """The last frame of an utterance has lasted its time; the next utterance may go on the air within this."""
        if self._ending and not self._paused:
            self._ending = False
            self._finish(self._tracks[self._on_air])

    def _finish(self, track: Track) -> None:
        if not track.ended:
            track.ended = True
            self._feed(ev.PlayoutFinished(self._loop.time(), self._on_air))

    def _put_out(self, track: Track, samples: NDArray[np.int16]) -> None:
        if not track.started:
            self._level = self._gain
        self._send(AudioFrame(self._leveled(samples), self.sample_rate, self._sent))
        self._sent += len(samples)
        track.ledger.hear(len(samples))
        self._ending = track.exhausted
        if not track.started:
            track.started = True
            self._feed(ev.PlayoutStarted(self._loop.time(), self._on_air))
        elif track.starved:
            self._feed(ev.PlayoutContinued(self._loop.time(), self._on_air))
        track.starved = False

    def _leveled(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        before, self._level = self._level, self._gain
        if before == self._gain:
            return apply_gain(samples, self._gain)
        ramp = np.linspace(before, self._gain, len(samples) + 1)[1:]
        return np.rint(samples * ramp).astype(np.int16)

    def _starve(self, track: Track) -> None:
        if track.finished:
            self._finish(track)  # its end came after its last frame was heard
        elif track.started and not track.starved:
            track.starved = True
            self._feed(ev.PlayoutStarved(self._loop.time(), self._on_air))
