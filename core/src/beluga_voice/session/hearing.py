"""The caller's audio on its way to VAD and STT."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from beluga_voice import events as ev
from beluga_voice.audio import AudioFrame, Resampler, RingBuffer
from beluga_voice.contracts import VAD, NoiseSuppressor, NoiseSuppressorStream, VADStream
from beluga_voice.errors import AudioError, BelugaVoiceError, ProviderError
from beluga_voice.session.timeline import Timeline
from beluga_voice.turns.activity import SpeechDetector
from beluga_voice.turns.policy import TurnPolicy

SAMPLE_RATE = 16000
"""Hz at which a session hears: what speech models want."""

DETECTION = 0.5
"""Seconds of the caller's audio that are kept beyond pre-roll and speech start, for a VAD that scores late."""

MAX_KEPT = 120
"""Seconds of audio that are kept for a VAD that has not scored them yet; at 16 kHz they take 3.8 MB."""

MAX_BLOCK = SAMPLE_RATE // 10
"""Samples handled at a time: larger frames are split."""


class Hearing:
    """Takes the caller's frames, finds speech in them, and keeps them for the STT.

    Args:
        vad: scores windows; None if the STT alone hears.
        noise_suppressor: cleans frames first; None if nothing does.
        policy: thresholds and durations.
        clock: tells the session's time.
        feed: takes the events of speech.
        asks: whether the sentence being heard so many seconds ago is a question.
        scored: takes each score of the VAD, with the window's first sample and the one after its last; None if
            nobody does.
        passed: takes each block that has been heard, for the STT.
        failed: takes a failure of VAD or noise suppressor, by its kind; the session goes on without it.
        deaf: called when the VAD has failed: from now on the STT alone hears.
        audio_kept: seconds of the caller's latest audio that can be read from `ring` at any time.
        played: tells what was played while the caller said a frame, that began at a time; for a noise suppressor
            that cancels echoes.
    """

    def __init__(
        self,
        *,
        vad: VAD | None,
        noise_suppressor: NoiseSuppressor | None,
        policy: TurnPolicy,
        clock: Callable[[], float],
        feed: Callable[[ev.Observed], None],
        asks: Callable[[float], bool],
        scored: Callable[[int, int, float], None] | None,
        passed: Callable[[AudioFrame], None],
        failed: Callable[[str, BelugaVoiceError], None],
        deaf: Callable[[], None],
        audio_kept: float = 0,
        played: Callable[[AudioFrame, float], AudioFrame | None] | None = None,
    ) -> None:
        self._kept = round(
            (policy.pre_roll + policy.speech_starts_after + policy.speech_stops_after) * SAMPLE_RATE
        )
        self.ring = RingBuffer(
            max(self._kept + round(DETECTION * SAMPLE_RATE), round(audio_kept * SAMPLE_RATE))
        )
        self.timeline = Timeline(SAMPLE_RATE)
        self._clock, self._feed, self._asks = clock, feed, asks
        self._passed, self._failed, self._deaf = passed, failed, deaf
        self._tell_score = scored
        self._played = played
        self._scored_until = 0
        self._detector = SpeechDetector(policy, SAMPLE_RATE)
        self._rate = 0
        self._resampler: Resampler | None = None
        self._suppressor: NoiseSuppressorStream | None = None
        self._vad: VADStream | None = None if vad is None else vad.open_stream(self._scored)
        try:
            self._suppressor = None if noise_suppressor is None else noise_suppressor.open_stream()
        except BaseException:
            self.close()
            raise

    def process(self, frame: AudioFrame) -> None:
        """Hear one frame, of any length.

        Raises:
            AudioError: the frame is empty, not mono int16, or of another rate than those before.
        """
        samples = frame.samples
        if samples.dtype != np.int16 or samples.ndim != 1 or not len(samples):
            raise AudioError(
                f"a frame of {samples.dtype} in shape {samples.shape}; a frame is mono int16 of one sample or more"
            )
        if frame.sample_rate != self._rate:
            self._begin(frame)
        if self._resampler is not None:
            samples = self._resampler.process(samples)
        self.timeline.arrived(self.ring.end + len(samples), self._clock())
        for start in range(0, len(samples), MAX_BLOCK):
            self._hear(AudioFrame(samples[start : start + MAX_BLOCK], SAMPLE_RATE, self.ring.end))

    def close(self) -> None:
        """Release the streams."""
        vad, self._vad = self._vad, None
        suppressor, self._suppressor = self._suppressor, None
        try:
            if vad is not None:
                vad.close()
        finally:
            if suppressor is not None:
                suppressor.close()

    def _begin(self, frame: AudioFrame) -> None:
        if self._rate:
            raise AudioError(
                f"a frame at {frame.sample_rate} Hz in a call at {self._rate} Hz; one call has one rate"
            )
        if not 4000 <= frame.sample_rate <= 192000:
            raise AudioError(f"a frame at {frame.sample_rate} Hz; allowed are 4000 to 192000 Hz")
        self._rate = frame.sample_rate
        if frame.sample_rate != SAMPLE_RATE:
            self._resampler = Resampler(frame.sample_rate, SAMPLE_RATE)

    def _hear(self, frame: AudioFrame) -> None:
        if self._suppressor is not None:
            frame = self._clean(self._suppressor, frame)
        if self._vad is not None:
            self._keep(len(frame.samples))
        self.ring.write(frame.samples)
        if self._vad is not None:
            self._detect(self._vad, frame)
        self._passed(frame)

    def _keep(self, more: int) -> None:
        """Make room for what the VAD has not scored yet, and for what its scores may reach back to."""
        needed = self.ring.end + more - self._scored_until + self._kept
        if needed > self.ring.capacity:
            self.ring.grow(min(2 * needed, MAX_KEPT * SAMPLE_RATE))

    def _detect(self, vad: VADStream, frame: AudioFrame) -> None:
        try:
            vad.feed(frame)
        except BelugaVoiceError as error:
            self._vad = None
            with suppress(BelugaVoiceError):
                vad.close()
            self._failed("vad", error)
            if self._detector.speaking:
                self._detector.speaking = False
                self._feed(ev.SpeechStopped(self._clock(), self._clock()))
            self._deaf()

    def _clean(self, suppressor: NoiseSuppressorStream, frame: AudioFrame) -> AudioFrame:
        try:
            began = self.timeline.at(frame.position)
            return suppressor.process(frame, None if self._played is None else self._played(frame, began))
        except ProviderError as error:
            self._suppressor = None
            with suppress(BelugaVoiceError):
                suppressor.close()
            self._failed("noise_suppressor", error)
            return frame

    def _scored(self, start: int, end: int, probability: float) -> None:
        self._scored_until = end
        if self._tell_score is not None:
            self._tell_score(start, end, probability)
        changed = self._detector.score(start, end, probability)
        if changed is None:
            return
        now, at = self._clock(), self.timeline.at(changed)
        at = min(at, now)
        if self._detector.speaking:
            self._feed(ev.SpeechStarted(now, at, changed, self._asks(now - at)))
        else:
            self._feed(ev.SpeechStopped(now, at))
