"""Speech and transcriptions: ``/v1/audio/speech``, ``/v1/audio/transcriptions``."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from beluga_voice_simulators.hearing import Heard, at_16_khz
from beluga_voice_simulators.openai.fields import Body, WrongField, check_names, choose, take, within

RATE = 24000
"""Hz of speech."""

VOICES = frozenset(
    [
        "alloy",
        "ash",
        "ballad",
        "coral",
        "echo",
        "fable",
        "onyx",
        "nova",
        "sage",
        "shimmer",
        "verse",
        "marin",
        "cedar",
    ]
)

FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")

SPEECH_FIELDS = frozenset(
    ("input", "model", "voice", "instructions", "response_format", "speed", "stream_format")
)

LONGEST_TEXT = 4096
"""Characters that are spoken at a time."""

TRANSCRIPTION_FIELDS = frozenset(
    [
        "file",
        "model",
        "chunking_strategy",
        "include",
        "keywords",
        "known_speaker_names",
        "known_speaker_references",
        "language",
        "languages",
        "prompt",
        "response_format",
        "stream",
        "temperature",
        "timestamp_granularities",
    ]
)

SHORTEST = 0.1
"""Seconds of speech that the vendor takes."""


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """What is to be spoken, and how."""

    text: str
    model: str
    voice: str
    speed: float
    format: str
    sse: bool
    instructions: str

    @property
    def header(self) -> bytes:
        """What comes before the samples: a WAV header for speech whose length is not known yet, or nothing."""
        return wav_header(RATE) if self.format == "wav" else b""


def read_speech(body: Body, voices: frozenset[str] = VOICES) -> SpeechRequest:
    """Read a request for speech.

    Raises:
        WrongField: the vendor would refuse it; or it asks for a format that is not simulated.
    """
    check_names(body, SPEECH_FIELDS, ("model", "input", "voice"))
    text, model = take(body, "input", "a string"), take(body, "model", "a string")
    if not text:
        raise WrongField("Invalid 'input': empty string.", param="input", code="empty_string")
    if len(text) > LONGEST_TEXT:
        raise WrongField(
            f"Invalid 'input': string too long. Expected at most {LONGEST_TEXT} characters.",
            param="input",
            code="string_above_max_length",
        )
    form = choose(body, "response_format", FORMATS, "mp3")
    if form not in ("pcm", "wav"):
        raise WrongField(f"The simulator gives pcm and wav, not {form}.", param="response_format")
    sse = choose(body, "stream_format", ("sse", "audio"), "audio") == "sse"
    if sse and model.startswith("tts-1"):
        raise WrongField(f"'sse' is not supported for {model}.", param="stream_format")
    voice = choose(body, "voice", voices)
    speed = within(body, "speed", 0.25, 4.0, 1.0)
    return SpeechRequest(text, model, voice, speed, form, sse, take(body, "instructions", "a string", ""))


def wav_header(rate: int) -> bytes:
    """Return the header of a WAV file that is streamed: the lengths are as great as they can be."""
    most = 0xFFFFFFFF
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    return struct.pack("<4sI4s", b"RIFF", most, b"WAVE") + form + struct.pack("<4sI", b"data", most)


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """What is to be transcribed, and how; `samples` at 16 kHz."""

    samples: NDArray[np.int16]
    model: str
    format: str
    stream: bool
    language: str
    words: bool

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / 16000


def read_transcription(
    form: Mapping[str, str], lists: Mapping[str, list[str]], file: bytes | None
) -> TranscriptionRequest:
    """Read a request for a transcription.

    Args:
        form: the fields with one value.
        lists: those whose name ends in brackets, without these.
        file: the audio.

    Raises:
        WrongField: the vendor would refuse it; or the audio is no WAV.
    """
    check_names({**form, **lists, **({} if file is None else {"file": ""})}, TRANSCRIPTION_FIELDS, ("model",))
    if file is None:
        raise WrongField(
            "Missing required parameter: 'file'.", param="file", code="missing_required_parameter"
        )
    model = form["model"]
    is_whisper = "whisper" in model
    formats = ("json", "text", "srt", "verbose_json", "vtt") if is_whisper else ("json", "text")
    stream = form.get("stream") == "true" and not is_whisper  # which takes no notice
    chosen = choose(form, "response_format", formats, "json")
    if chosen in ("srt", "vtt"):
        raise WrongField(
            f"The simulator gives json, verbose_json and text, not {chosen}.", param="response_format"
        )
    words = "word" in lists.get("timestamp_granularities", [])
    return TranscriptionRequest(_samples(file), model, chosen, stream, form.get("language", "en"), words)


def _samples(file: bytes) -> NDArray[np.int16]:
    try:
        with wave.open(io.BytesIO(file)) as wav:
            if wav.getsampwidth() != 2:
                raise wave.Error("not 16 bits")
            data = np.frombuffer(wav.readframes(wav.getnframes()), "<i2")
            rate, channels = wav.getframerate(), wav.getnchannels()
    except (wave.Error, EOFError) as error:
        raise WrongField(
            "Audio file might be corrupted or unsupported. The simulator reads WAV of 16 bits.",
            param="file",
            code="invalid_value",
        ) from error
    mono = data.reshape(-1, channels).mean(axis=1).astype(np.int16)
    if len(mono) < SHORTEST * rate:
        raise WrongField(
            f"Audio file is too short. Minimum audio length is {SHORTEST:g} seconds.",
            param="file",
            code="audio_too_short",
        )
    return at_16_khz(mono, rate)


def transcription(heard: Heard, asked: TranscriptionRequest) -> dict[str, object]:
    """Return the answer as JSON."""
    if asked.format != "verbose_json":
        return {"text": heard.text, "usage": transcription_usage(heard, asked)}
    answer: dict[str, object] = {
        "task": "transcribe",
        "language": "english" if asked.language == "en" else asked.language,
        "duration": asked.duration,
        "text": heard.text,
        "usage": {"type": "duration", "seconds": round(asked.duration)},
    }
    if asked.words:
        answer["words"] = [{"word": w.text, "start": w.start, "end": w.end} for w in heard.words]
    return answer


def transcription_usage(heard: Heard, asked: TranscriptionRequest) -> dict[str, object]:
    """Count tokens: ten for a second of audio, as the vendor does, and one for each word."""
    if "whisper" in asked.model:
        return {"type": "duration", "seconds": round(asked.duration)}
    audio, words = round(10 * asked.duration), len(heard.words)
    return {
        "type": "tokens",
        "input_tokens": audio,
        "input_token_details": {"audio_tokens": audio, "text_tokens": 0},
        "output_tokens": words,
        "total_tokens": audio + words,
    }
