"""The built-in interruption classifier: stop phrases and backchannels, as tables of phrases per language."""

from beluga_voice.phrases.classifier import PhraseClassifier, words_of
from beluga_voice.phrases.languages import BUILT_IN, ENGLISH, FRENCH, GERMAN, ITALIAN, SPANISH
from beluga_voice.phrases.table import INTERNATIONAL, Phrases

__all__ = [
    "BUILT_IN",
    "ENGLISH",
    "FRENCH",
    "GERMAN",
    "INTERNATIONAL",
    "ITALIAN",
    "SPANISH",
    "PhraseClassifier",
    "Phrases",
    "words_of",
]
