"""Does a turn detector keep the promises of `beluga_voice.contracts.turn_detector`?"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import TurnContext, TurnDetector
from beluga_voice.errors import ProviderError
from beluga_voice.testing.conformance.gold import measure, soak
from beluga_voice.testing.conformance.promises import Promises, expect, soon, together
from beluga_voice.testing.conformance.provider import check_provider
from beluga_voice.testing.conformance.report import Level

TEXT = "what is the weather in paris"

ODD = (
    TurnContext("", final=True),
    TurnContext("   ", final=False),
    TurnContext("i want to and", final=False),
    TurnContext("ok \U0001f642 李雷 «да» e\u0301 \u200b", final=True, language="zh-Hans"),
    TurnContext(" ".join([TEXT] * 400), final=True),
    TurnContext(TEXT, final=True, language="x-unknown"),
    TurnContext("word " * 200_000, final=True),
)
"""Contexts that a session may well ask about."""

RATE = 16000

SOUNDS = {
    "no samples": np.zeros(0, np.int16),
    "one sample": np.ones(1, np.int16),
    "an odd number of samples": np.arange(4801, dtype=np.int16),
    "two seconds of silence": np.zeros(2 * RATE, np.int16),
    "full scale": np.tile(np.array([32767, -32768], np.int16), RATE),
    "a minute": np.random.default_rng(1).integers(-3000, 3000, 60 * RATE, np.int16),
}
"""Audio that a turn may well have."""


@dataclass(frozen=True, slots=True)
class Case:
    """A turn detector under check."""

    detector: TurnDetector

    async def predict(self, context: TurnContext) -> float:
        """Ask about `context`, with the audio that a session would give."""
        if self.detector.audio_seconds and context.audio is None:
            context = replace(context, audio=AudioFrame(SOUNDS["two seconds of silence"], RATE))
        return await self.detector.predict(context)


promises: Promises[Case] = Promises("beluga_voice.contracts.turn_detector")


async def check_turn_detector(make: Callable[[], TurnDetector]) -> None:
    """Check that a turn detector keeps its contract.

    Args:
        make: makes a turn detector, not yet opened; called several times.

    Raises:
        AssertionError: a promise is broken; the text says which, where it is written, and what was seen.
    """

    async def check(detector: TurnDetector) -> None:
        await promises.check(Case(detector), type(detector).__name__)

    await check_provider(make, check)


@promises.made_by("TurnDetector.predict", "returns a probability of 0 to 1")
async def _predicts(case: Case) -> None:
    _expect_probability(await case.predict(TurnContext(TEXT, final=True)), TEXT)


@promises.made_by("TurnDetector.predict", "takes any text, or raises ProviderError", Level.SILVER)
async def _takes_any_text(case: Case) -> None:
    for context in ODD:
        shown = context.text[:30]
        try:
            _expect_probability(await soon(case.predict(context), f"predicting {shown!r}"), shown)
        except ProviderError:
            continue


@promises.made_by("TurnDetector.predict", "serves several sessions at once", Level.SILVER)
async def _predicts_several_at_once(case: Case) -> None:
    texts = [TEXT, "book a table for", "yes"]
    for text, score in zip(texts, await together(*(_predict(case, text) for text in texts)), strict=True):
        _expect_probability(score, text)


@promises.made_by("TurnDetector.predict", "may be cancelled, and predicts again", Level.SILVER)
async def _may_be_cancelled(case: Case) -> None:
    for steps in (0, 1, 3):
        asking = asyncio.create_task(_predict(case, TEXT))
        for _ in range(steps):
            await asyncio.sleep(0)
        asking.cancel()
        await soon(_join(asking), "ending the cancelled prediction")
        _expect_probability(await _predict(case, TEXT), TEXT)


@promises.made_by("TurnDetector.audio_seconds", "is 0 to 60")
async def _asks_for_bounded_audio(case: Case) -> None:
    seconds = case.detector.audio_seconds
    expect(math.isfinite(seconds) and 0 <= seconds <= 60, f"audio_seconds is {seconds!r}")


@promises.made_by("TurnDetector.predict", "takes any audio of a turn, and none", Level.SILVER)
async def _takes_any_audio(case: Case) -> None:
    for name, samples in SOUNDS.items():
        latest = samples[max(len(samples) - round(case.detector.audio_seconds * RATE), 0) :]
        context = TurnContext(
            TEXT, final=True, audio=AudioFrame(latest, RATE) if case.detector.audio_seconds else None
        )
        _expect_probability(await soon(case.predict(context), f"predicting of {name}"), name)


async def _predict(case: Case, text: str) -> float:
    return await case.predict(TurnContext(text, final=True))


async def _join(task: asyncio.Task[float]) -> None:
    await asyncio.wait([task])


def _expect_probability(score: float, text: str) -> None:
    expect(math.isfinite(score) and 0 <= score <= 1, f"{score!r} came for {text!r}")


# -- gold --


QUICK = 0.3
"""Seconds within which a prediction is of use: the shortest pause that ends a turn."""


@promises.made_by("TurnDetector.predict", "is quick: within 0.3 s, as measured", Level.GOLD)
async def _is_quick(case: Case) -> None:
    loop = asyncio.get_running_loop()

    async def once() -> float:
        asked = loop.time()
        await _predict(case, TEXT)
        return loop.time() - asked

    await measure("a prediction", once, QUICK, "beluga_voice.testing.conformance.turn_detector.QUICK")


@promises.made_by("TurnDetector", "a soak leaves no task, thread, file or memory behind", Level.GOLD)
async def _soaks(case: Case) -> None:
    await soak(lambda: _predict(case, TEXT))
