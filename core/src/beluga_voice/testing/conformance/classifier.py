"""Does a classifier keep the promises of `beluga_voice.contracts.classifier`?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from beluga_voice.contracts import Interruption, InterruptionClassifier
from beluga_voice.testing.conformance.promises import Promises, expect
from beluga_voice.testing.conformance.provider import check_provider
from beluga_voice.testing.conformance.report import Level

ENGLISH = {
    "stop": Interruption.STOP,
    "wait": Interruption.STOP,
    "mhm": Interruption.BACKCHANNEL,
    "yeah": Interruption.BACKCHANNEL,
    "what is the weather in paris": Interruption.WORDS,
    "": Interruption.NONE,
    " \n": Interruption.NONE,
}
"""What `beluga_voice.words.Interruption` says of these."""

ODD = ("Zoë 李雷 «да» \U0001f642 e\u0301\u200b", "?!…", "stop " * 2000, "\x00", "STOP.", "word " * 200_000)


@dataclass(frozen=True, slots=True)
class Case:
    """A classifier under check."""

    classifier: InterruptionClassifier


promises: Promises[Case] = Promises("beluga_voice.contracts.classifier")


async def check_classifier(make: Callable[[], InterruptionClassifier]) -> None:
    """Check that a classifier of English keeps its contract.

    Args:
        make: makes a classifier, not yet opened; called several times.

    Raises:
        AssertionError: a promise is broken; the text says which, where it is written, and what was seen.
    """

    async def check(classifier: InterruptionClassifier) -> None:
        await promises.check(Case(classifier), type(classifier).__name__)

    await check_provider(make, check)


@promises.made_by(
    "InterruptionClassifier.classify", "tells stop words, backchannels, other words and none apart"
)
async def _knows_english(case: Case) -> None:
    for text, right in ENGLISH.items():
        found = case.classifier.classify(text, "en")
        expect(found is right, f"{text!r} is {right!s}, not {found!s}")


@promises.made_by("InterruptionClassifier.classify", "takes any text in any language", Level.SILVER)
async def _takes_any_text(case: Case) -> None:
    for text in ODD:
        for language in ("en", "en-GB", "zh-Hans", "x-unknown"):
            found = case.classifier.classify(text, language)
            expect(isinstance(found, Interruption), f"{text[:20]!r} in {language} is {found!r}")


@promises.made_by("InterruptionClassifier.classify", "the same text gives the same answer")
async def _is_pure(case: Case) -> None:
    for text in ENGLISH:
        first = case.classifier.classify(text, "en")
        case.classifier.classify("stop", "en")
        again = case.classifier.classify(text, "en")
        expect(first is again, f"{text!r} was {first!s} and then {again!s}")
