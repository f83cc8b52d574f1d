"""Text made speakable: what stands in text to be read, and not to be heard."""

from beluga_voice.speakable.chosen import BUILT_IN, DEFAULT, Filters, built_in
from beluga_voice.speakable.links import LinkFilter
from beluga_voice.speakable.markup import MarkupFilter
from beluga_voice.speakable.numbers import NumberFilter
from beluga_voice.speakable.symbols import SymbolFilter

__all__ = [
    "BUILT_IN",
    "DEFAULT",
    "Filters",
    "LinkFilter",
    "MarkupFilter",
    "NumberFilter",
    "SymbolFilter",
    "built_in",
]
