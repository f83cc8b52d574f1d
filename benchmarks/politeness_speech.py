"""Our own dataset: recordings of people and synthesised callers, with silences spliced into gaps between words.

Where a silence goes is drawn evenly from all gaps of a turn, so that nothing is tuned to what a detector knows,
and how long it is from 0.2 to 1.5 s. A caller has a tempo: each one's silences are drawn from an own stretch of
0.6 s of that range; with `tempo` off from all of it. The words of a recording are aligned to its transcript by
pocketsphinx, those of the synthesiser come with its speech. Every silence between two words is labelled, those that
were there before too. Words have no punctuation and no capitals, as most recognizers give them.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from pocketsphinx import Config, Decoder  # type: ignore[import-untyped]
from politeness_dataset import SAMPLE_RATE, Samples, Span, Turn, resampled

from beluga_voice.audio.wav import read_wav
from beluga_voice.words import Word
from beluga_voice_espeak.settings import EspeakSettings
from beluga_voice_espeak.tts import EspeakTTS
from beluga_voice_pocketsphinx.recognizer import is_filler, strip_variant

TEXTS = (
    "I would like to book a table for two people on Friday evening",
    "Can you tell me when the next train to the airport leaves",
    "My name is Anna Miller. I am calling about the invoice that I got last week",
    "Hello. I need to change the address on my account because we have moved to another town",
    "What is the difference between the small plan and the large one",
    "Please turn off the lights in the kitchen and close the windows upstairs",
    "I ordered a pair of shoes two weeks ago and they have still not arrived",
    "Could you put me through to somebody in the billing department",
    "My number is five five two eight one nine four",
    "It was the blue one with the long handle. I think I bought it in March",
    "Yes please. And could you send me a confirmation by mail",
    "No thanks, that is all for today",
    "The printer does not start any more. There is a red light next to the button",
    "Is there a pharmacy near the station that is open on Sunday",
    "Which bus do I take to get to the hospital from here",
    "We are four adults and two children, and one of us needs a vegetarian menu",
    "I want to cancel my appointment on Tuesday and get a new one next week",
    "Set an alarm for seven and remind me to call my mother",
    "That is not what I was looking for",
    "What day did you say that the offer starts on",
    "I forgot my password, and the link that you sent me does not work",
    "The flight is at nine, so we should be there by half past seven",
    "Let me see. It should be on the back of the card, below the name",
    "Do you have the same jacket in a larger size or in another colour",
    "I have had a headache since Monday and now my back hurts as well",
    "We paid in advance, but the hotel says that there is no reservation",
    "Play something quiet for the evening, maybe some piano music",
    "How much would it cost to send a parcel of three kilos to Norway",
    "My daughter is seven and she would like to learn to play the violin",
    "I am not sure. Can I think about it and call you back tomorrow",
    "The heating makes a strange noise when I turn it on",
    "Thank you, you have been very helpful. Have a nice day",
    "I do not know which platform it leaves from",
    "Tell me about the weather in Paris at the end of the month",
    "Our contract ends in June, and we are thinking about a shorter one",
    "The second street on the left, then straight on until you see the church",
)
"""What synthesised callers say."""

VOICES = (
    ("en-us", 160),
    ("en-gb", 185),
    ("en-us+f3", 150),
    ("en-gb-scotland+m3", 170),
    ("en-us+m5", 205),
    ("en-gb+f4", 135),
)
"""The synthesised callers: espeak's name of the voice, and words a minute."""

VOICES_OF_TEXT = 3
VERSIONS_OF_RECORDING = 5
SPLICES = 3
"""How many callers say each text, how often each recording is spliced anew, and into how many gaps at most."""

SHORTEST, LONGEST = 0.2, 1.5
TEMPO = 0.6
"""Seconds of a silence that is spliced, and how wide the stretch is from which one caller's are drawn."""

LABELLED = 0.1
"""Seconds from which a silence is labelled, as in eot-bench."""

LEAD, TAIL = 0.3, 1.5
"""Seconds of silence before and after a turn."""

ROOM = 6.0
"""Least level of the room, as the standard deviation of 16-bit samples: no real line is digitally silent."""

_EDGE = SAMPLE_RATE // 200
_SEARCH = SAMPLE_RATE * 3 // 100
_LOOK = SAMPLE_RATE // 100


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """Something that was said, as it was said.

    Attributes:
        source: names the sentence or recording.
        speaker: names who said it.
        samples: int16 at 16 kHz.
        words: in their order, with their times.
    """

    source: str
    speaker: str
    samples: Samples
    words: tuple[Word, ...]


Part = tuple[int, int]
"""A text and the voice that says it, by their numbers."""


def make_turns(recordings: Path, seed: int, limit: int | None, *, tempo: bool = True) -> list[Turn]:
    """Make the dataset.

    Args:
        recordings: the folder of recordings with its `manifest.json`; need not be there.
        seed: of all that is drawn. What espeak says still differs a little, by milliseconds, from time to time.
        limit: how many turns to make at most, recordings and synthesised ones by turns; None for all.
        tempo: whether each caller's silences are alike.
    """
    recorded = VERSIONS_OF_RECORDING * list(_recorded(recordings))
    parts = [(text, voice) for text in range(len(TEXTS)) for voice in _voices_of(text)]
    mixed = _mixed(recorded, parts, np.random.default_rng([seed, 1]))[:limit]
    turns = []
    for number, spoken in enumerate(asyncio.run(_synthesised(mixed))):
        low, high = _tempo(seed, spoken.speaker) if tempo else (SHORTEST, LONGEST)
        turn = spliced(spoken, np.random.default_rng([seed, 2, number]), low, high)
        turns.append(replace(turn, id=f"{number:03}-{turn.source}"))
    return turns


def _mixed(
    first: Sequence[Spoken | Part], second: Sequence[Spoken | Part], draw: np.random.Generator
) -> list[Spoken | Part]:
    """Shuffle both, then take from each in proportion, so that any number from the front holds both."""
    shuffled = [[items[place] for place in draw.permutation(len(items))] for items in (first, second)]
    placed = [((place + 0.5) / len(items), item) for items in shuffled for place, item in enumerate(items)]
    return [item for _, item in sorted(placed, key=lambda each: each[0])]


def _voices_of(text: int) -> Iterator[int]:
    for turn in range(VOICES_OF_TEXT):
        yield (text + turn * len(VOICES) // VOICES_OF_TEXT) % len(VOICES)


def _tempo(seed: int, speaker: str) -> tuple[float, float]:
    """Draw the stretch of the range from which a speaker's silences come; the name decides with the seed."""
    low = float(np.random.default_rng([seed, 3, *speaker.encode()]).uniform(SHORTEST, LONGEST - TEMPO))
    return low, low + TEMPO


# -- what is said --


def _recorded(folder: Path) -> Iterator[Spoken]:
    manifest = folder / "manifest.json"
    if not manifest.exists():
        return
    for entry in json.loads(manifest.read_text(encoding="utf-8")):
        wav = read_wav(folder / entry["file"])
        samples = wav.samples if wav.sample_rate == SAMPLE_RATE else resampled(wav.samples, wav.sample_rate)
        name = Path(entry["file"]).stem
        yield Spoken(name, name, samples, aligned(samples, entry["transcript"]))


def aligned(samples: Samples, transcript: str) -> tuple[Word, ...]:
    """Find when each word of a transcript is said."""
    decoder = Decoder(Config(lm=None, loglevel="FATAL"))
    decoder.set_align_text(transcript)
    decoder.start_utt()
    decoder.process_raw(samples.tobytes(), False, True)
    decoder.end_utt()
    rate, end = float(decoder.config["frate"]), len(samples) / SAMPLE_RATE
    return tuple(
        Word(strip_variant(part.word), part.start_frame / rate, min((part.end_frame + 1) / rate, end))
        for part in decoder.seg() or ()
        if not is_filler(part.word)
    )


async def _synthesised(plan: Sequence[Spoken | Part]) -> list[Spoken]:
    """Let what is a text by now be said, each by its voice."""
    said = {}
    for number, (voice, rate) in enumerate(VOICES):
        async with EspeakTTS(EspeakSettings(voice=voice, rate=rate)) as tts:
            for part in plan:
                if not isinstance(part, Spoken) and part[1] == number:
                    said[part] = await _say(tts, part[0], f"{voice}-{rate}")
    return [part if isinstance(part, Spoken) else said[part] for part in plan]


async def _say(tts: EspeakTTS, text: int, speaker: str) -> Spoken:
    stream = await tts.open_stream()
    frames: list[Samples] = []
    words: list[Word] = []
    try:
        async with aclosing(stream.synthesize(TEXTS[text])) as parts:
            async for part in parts:
                frames.append(part.frame.samples)
                words += part.words
    finally:
        await stream.aclose()
    samples = resampled(np.concatenate(frames), tts.sample_rate)
    bare = tuple(Word(word.text.strip(".,?!").lower(), word.start, word.end) for word in words)
    return Spoken(f"text{text:02}", speaker, samples, bare)


# -- splicing --


def spliced(spoken: Spoken, draw: np.random.Generator, low: float, high: float) -> Turn:
    """Put silences of `low` to `high` seconds into gaps that are drawn, and label every silence there is."""
    words = spoken.words
    gaps = [gap for gap in range(len(words) - 1) if words[gap + 1].start - words[gap].end < LABELLED]
    chosen = sorted(draw.choice(gaps, min(SPLICES, len(gaps)), replace=False)) if gaps else []
    level = max(ROOM, _floor(spoken.samples))
    lead = round(LEAD * SAMPLE_RATE)
    begin = max(0, round(words[0].start * SAMPLE_RATE) - lead)
    parts: list[Samples] = [np.zeros(lead, np.int16)]
    moved, shift = [], LEAD - begin / SAMPLE_RATE
    at = begin
    for number, word in enumerate(words):
        moved.append(Word(word.text, round(word.start + shift, 3), round(word.end + shift, 3)))
        if number in chosen:
            cut = _quietest(spoken.samples, (word.end + words[number + 1].start) / 2)
            silence = round(float(draw.uniform(low, high)) * SAMPLE_RATE)
            parts += [_faded(spoken.samples[at:cut]), np.zeros(silence, np.int16)]
            at, shift = cut, shift + silence / SAMPLE_RATE
    last = round(words[-1].end * SAMPLE_RATE)
    parts += [_faded(spoken.samples[at:last]), np.zeros(round(TAIL * SAMPLE_RATE), np.int16)]
    samples = np.concatenate(parts) + draw.normal(0.0, level, sum(map(len, parts)))
    return Turn(
        spoken.source,
        "en",
        np.clip(np.rint(samples), -32768, 32767).astype(np.int16),
        tuple(_silences(moved)),
        tuple(moved),
        spoken.speaker,
        spoken.source,
    )


def _silences(words: Sequence[Word]) -> Iterator[Span]:
    for before, after in pairwise(words):
        if after.start - before.end >= LABELLED:
            yield Span(before.end, after.start)
    yield Span(words[-1].end, round(words[-1].end + TAIL, 3))


def _quietest(samples: Samples, seconds: float) -> int:
    """Find the quietest 10 ms within 30 ms of a time; return the sample in their middle."""
    about = round(seconds * SAMPLE_RATE)
    places = range(max(0, about - _SEARCH), min(about + _SEARCH, len(samples) - _LOOK), _LOOK // 4)
    energy = {
        place: float(np.square(samples[place : place + _LOOK], dtype=np.float64).sum()) for place in places
    }
    return min(energy, key=lambda place: energy[place], default=about) + _LOOK // 2


def _faded(samples: Samples) -> Samples:
    """Let 5 ms at both edges rise and fall, so that the cut does not click."""
    faded = samples.astype(np.float64)
    edge = min(_EDGE, len(faded) // 2)
    ramp = np.linspace(0.0, 1.0, edge)
    faded[:edge] *= ramp
    faded[len(faded) - edge :] *= ramp[::-1]
    return np.rint(faded).astype(np.int16)


def _floor(samples: Samples) -> float:
    """The level of a recording's own room: the root mean square of its quietest twentieth, in parts of 20 ms."""
    count = len(samples) // 320
    parts = samples[: count * 320].reshape(count, 320).astype(np.float64)
    return float(np.percentile(np.sqrt((parts**2).mean(axis=1)), 5))
