"""Characters without a sound: emoji, controls, marks of direction."""

from __future__ import annotations

import re

from beluga_voice.contracts import TextFilter, TextFilterStream

_PICTURE = (
    r"[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u2190-\u21ff\u2300-\u23ff\u25a0-\u25ff"
    r"\u3030\u303d\u3297\u3299]"
)
_JOINED = r"[\ufe0e\ufe0f\u200d\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
_PICTURES = re.compile(rf"{_PICTURE}(?:{_JOINED}|{_PICTURE})*")
_KEYCAP = re.compile(r"([0-9#*])\ufe0f?\u20e3")
_FACE = re.compile(r"(?<!\S)[:;=][-o'^]?[)(\]\[DPp/\\|*](?=[\s.,!?]|$)")
_SILENT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe0e\ufe0f\ufeff"
    "\ufff9-\ufffc\ufffe\uffff\ud800-\udfff\ue000-\uf8ff\U000f0000-\U0010ffff]"
)
_GAP = re.compile(r"[ \t]+(?=[.,!?;:\u2026])|[ \t]+(?=[ \t])")


class SymbolFilter(TextFilter):
    """Leaves out emoji and other pictures, faces such as ``:-)``, control characters and marks without width.

    The joiners of Persian and of Indic scripts stay: words are spelled with them.
    """

    def open_stream(self, language: str) -> TextFilterStream:  # noqa: ARG002 - pictures are the same in all
        """Open a stream."""
        return _SymbolStream()


class _SymbolStream(TextFilterStream):
    def process(self, text: str) -> str:
        spoken = _KEYCAP.sub(r"\1", text)
        spoken = _FACE.sub("", _PICTURES.sub(" ", spoken))
        spoken = _SILENT.sub("", spoken)
        return text if spoken == text else _GAP.sub("", spoken)
