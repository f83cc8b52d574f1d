"""Numbers that are names: a telephone number is heard digit by digit, an amount is not."""

from __future__ import annotations

import re

from beluga_voice.contracts import TextFilter, TextFilterStream
from beluga_voice.errors import ConfigurationError

LEAST = 5
"""Digits from which a number is taken for a name: years and prices have up to four."""

_DIALLED = re.compile(r"(?<![\w.,:/+-])(?<!\d\s)(?:\+[1-9]|0)\d+(?:[ -]\d{2,})*(?![\w%]|[.,:/-]\d)")
_PLAIN = re.compile(r"(?<![\w.,:/$\u20ac\u00a3\u00a5+-])\d+(?![\w%]|[.,:/-]\d|\s?[$\u20ac\u00a3\u00a5])")


class NumberFilter(TextFilter):
    """Says long numbers digit by digit: ``order 1234567`` as ``order 1 2 3 4 5 6 7``.

    So are those that begin with ``+`` or ``0``, with all their groups. Amounts with a currency, a mark or a unit,
    dates, times and what stands among letters stay as they are.

    Args:
        least: digits from which a number is long, 2 to 20.

    Raises:
        ConfigurationError: `least` is not.
    """

    def __init__(self, least: int = LEAST) -> None:
        if not 2 <= least <= 20:
            raise ConfigurationError(f"a number filter has least {least}; it must be from 2 to 20 digits")
        self._least = least

    def open_stream(self, language: str) -> TextFilterStream:  # noqa: ARG002 - digits are read in any language
        """Open a stream."""
        return _NumberStream(self._least)


class _NumberStream(TextFilterStream):
    def __init__(self, least: int) -> None:
        self._least = least

    def process(self, text: str) -> str:
        return _PLAIN.sub(self._plain, _DIALLED.sub(self._dialled, text))

    def _dialled(self, found: re.Match[str]) -> str:
        digits = [each for each in found[0] if each.isdigit()]
        if len(digits) < min(3, self._least):
            return found[0]
        return ("+" if found[0].startswith("+") else "") + " ".join(digits)

    def _plain(self, found: re.Match[str]) -> str:
        return " ".join(found[0]) if len(found[0]) >= self._least else found[0]
