"""Does a text filter keep the promises of `beluga_voice.contracts.text_filter`?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from beluga_voice.contracts import TextFilter
from beluga_voice.testing.conformance.promises import Promises, expect
from beluga_voice.testing.conformance.provider import check_provider
from beluga_voice.testing.conformance.report import Level

PIECES = (
    "Hello, ",
    "how **are** you? ",
    "See https://acme.com/x. ",
    "```\n",
    "x = 1\n",
    "```\n",
    "Bye! \U0001f642",
)
"""Of one utterance: plain words, markup, an address, a block of code, an emoji."""

ODD = (
    "",
    " \n",
    "Zoë owes €5 to 李雷 – naïve? «да»\u200b\ufeff \u0007 e\u0301.",
    "\x00",
    "\ud800",
    "[" * 10_000,
    "*" * 10_000,
    "word " * 200_000,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A filter under check."""

    filter: TextFilter


promises: Promises[Case] = Promises("beluga_voice.contracts.text_filter")


async def check_text_filter(make: Callable[[], TextFilter]) -> None:
    """Check that a text filter keeps its contract.

    Args:
        make: makes a filter, not yet opened; called several times.

    Raises:
        AssertionError: a promise is broken; the text says which, where it is written, and what was seen.
    """

    async def check(text_filter: TextFilter) -> None:
        await promises.check(Case(text_filter), type(text_filter).__name__)

    await check_provider(make, check)


@promises.made_by(
    "TextFilterStream.process", "takes any text in any language, and returns text", Level.SILVER
)
async def _takes_any_text(case: Case) -> None:
    for language in ("en", "en-GB", "zh-Hans", "x-unknown"):
        stream = case.filter.open_stream(language)
        for text in ODD:
            found = stream.process(text)
            expect(isinstance(found, str), f"{text[:20]!r} in {language} is {found!r}")


@promises.made_by("TextFilterStream.process", "the same pieces give the same text")
async def _is_pure(case: Case) -> None:
    once = _process(case.filter, "en")
    _process(case.filter, "de")
    again = _process(case.filter, "en")
    expect(once == again, f"it gave {once!r}, and then {again!r}")


@promises.made_by("TextFilter.open_stream", "utterances do not know of each other", Level.SILVER)
async def _streams_are_independent(case: Case) -> None:
    alone = _process(case.filter, "en")
    one, two = case.filter.open_stream("en"), case.filter.open_stream("en")
    for piece, right in zip(PIECES, alone, strict=True):
        for stream in (one, two):
            found = stream.process(piece)
            expect(found == right, f"{piece!r} gave {right!r} alone, and {found!r} beside another utterance")


@promises.made_by("TextFilterStream.process", "keeps plain words")
async def _keeps_words(case: Case) -> None:
    text = "Your table is booked for tonight."
    found = case.filter.open_stream("en").process(text)
    expect("table" in found, f"{text!r} is spoken as {found!r}")


def _process(text_filter: TextFilter, language: str) -> list[str]:
    stream = text_filter.open_stream(language)
    return [stream.process(piece) for piece in PIECES]
