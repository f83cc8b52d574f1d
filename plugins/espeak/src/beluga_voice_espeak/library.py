# SPDX-License-Identifier: GPL-3.0-or-later
"""The espeak-ng library by ctypes. Its state is global: call everything here from one thread."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import espeakng_loader  # type: ignore[import-untyped]
import numpy as np
from numpy.typing import NDArray

from beluga_voice.errors import ConfigurationError, ProviderError

# From speak_lib.h of espeak-ng 1.52.
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_UTF8 = 1
_BY_CHARACTER = 1
_WORD = 1
_LIST_TERMINATED = 0
_RATE, _VOLUME, _PITCH, _WORD_GAP = 1, 2, 3, 7
_CHUNK_MS = 60

_BROKEN = frozenset({"gmq/fo", "trk/kaa", "art/xex", "esx/kl"})
"""Voices that are left out: the library, as it comes, ends the process on some of their symbols or numbers."""


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


class _Voice(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class _Listed:
    """A voice as the library lists it."""

    name: str
    identifier: str
    languages: dict[
        str, int
    ]  # the main one first; the lower the number, the more it is this language's voice


@dataclass(frozen=True, slots=True)
class Manner:
    """How to speak, in the library's own units."""

    voice: str
    rate: int
    pitch: int
    volume: int
    word_gap: int  # units of 10 ms


@dataclass(frozen=True, slots=True)
class WordStart:
    """A word begins: at which character of the text, and at which sample of its audio, both from 0."""

    character: int
    sample: int


Sink = Callable[[NDArray[np.int16], list[WordStart]], bool]
"""Takes audio, which may be empty, with the words that begin about there; says whether to go on."""


class Library:
    """The loaded library."""

    sample_rate: int

    def __init__(self) -> None:
        """Load the library and its data.

        Raises:
            ProviderError: it cannot be loaded on this machine, or its data is not there.
        """
        path = espeakng_loader.get_library_path()
        try:
            library = ctypes.CDLL(path)
        except OSError as error:
            raise ProviderError(
                f"the espeak-ng library cannot be loaded: {error}; reinstall espeakng-loader"
            ) from error
        self._library = library
        library.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
        library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        library.espeak_SetParameter.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int]
        library.espeak_ListVoices.argtypes = [ctypes.POINTER(_Voice)]
        library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        library.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
            ctypes.POINTER(ctypes.c_uint), ctypes.c_void_p,
        ]  # fmt: skip
        data = espeakng_loader.get_data_path().encode()
        self.sample_rate = library.espeak_Initialize(_SYNCHRONOUS, _CHUNK_MS, data, _DONT_EXIT)
        if self.sample_rate <= 0:
            raise ProviderError(f"espeak-ng finds no data at {data.decode()}; reinstall espeakng-loader")
        self._callback = _Callback(self._take)  # kept: the library holds a bare pointer to it
        library.espeak_SetSynthCallback(self._callback)
        self._sink: Sink | None = None
        self._error: BaseException | None = None
        self._manner: Manner | None = None
        self._full_names: dict[str, bytes] = {}  # of the voices that were used

    def voices(self) -> list[tuple[str, str]]:
        """List language and name of each voice, sorted."""
        return sorted((next(iter(voice.languages), ""), voice.name) for voice in self._list(None))

    def variants(self) -> list[str]:
        """List what may follow a plus sign in a voice's name, sorted."""
        return sorted(voice.identifier.removeprefix("!v/") for voice in self._list(b"variant"))

    def _list(self, language: bytes | None) -> list[_Listed]:
        """List the voices of a language, or all of all."""
        wanted = ctypes.create_string_buffer(language) if language else None
        spec = ctypes.byref(_Voice(languages=ctypes.addressof(wanted))) if wanted else None
        found = self._library.espeak_ListVoices(spec)
        voices: list[_Listed] = []
        while found[len(voices)]:
            voice = found[len(voices)].contents
            languages = dict(_languages(voice.languages))
            voices.append(_Listed(voice.name.decode(), voice.identifier.decode(), languages))
        return [voice for voice in voices if voice.identifier not in _BROKEN]

    def use(self, manner: Manner) -> None:
        """Speak so from now on.

        Raises:
            ConfigurationError: there is no such voice or variant.
        """
        if manner == self._manner:
            return
        self._manner = None
        self._use_voice(manner.voice)
        parameters = {
            _RATE: manner.rate,
            _VOLUME: manner.volume,
            _PITCH: manner.pitch,
            _WORD_GAP: manner.word_gap,
        }
        for parameter, value in parameters.items():
            self._library.espeak_SetParameter(parameter, value, 0)
        self._manner = manner

    def _use_voice(self, name: str) -> None:
        if name not in self._full_names:
            self._full_names[name] = self._full_name(name)
        status = self._library.espeak_SetVoiceByName(self._full_names[name])
        if status:
            raise ProviderError(f"espeak-ng cannot load the voice {name!r} (status {status})")

    def _full_name(self, name: str) -> bytes:
        base, _, variant = name.partition("+")
        if variant and variant not in self.variants():  # the library takes any and ignores it
            raise ConfigurationError(
                f"no espeak variant named {variant!r} (of the voice {name!r}); there are f2, f3, m3, "
                "whisper and others. List all: beluga-voice espeak-voices"
            )
        identifier = self._find(base)
        if identifier is None:
            raise ConfigurationError(
                f"no espeak voice named {name!r}; there are {self._some_voices(name)} and others. "
                "List all: beluga-voice espeak-voices"
            )
        return (identifier + name[len(base) :]).encode()

    def _find(self, name: str) -> str | None:
        """Find a voice by identifier, name or language, in any case.

        The library's own search goes by the names of its files: it knows "en-us" and "fr", not "en-gb" and "fr-fr".
        """
        wanted = name.casefold()
        speakers: list[tuple[int, str]] = []
        for voice in self._list(None):
            if wanted in (voice.identifier.casefold(), voice.name.casefold()):
                return voice.identifier
            if wanted in voice.languages:
                speakers.append((voice.languages[wanted], voice.identifier))
        return min(speakers)[1] if speakers else None

    def _some_voices(self, name: str) -> str:
        """Name voices of the language that may be meant, and well-known ones."""
        languages = [language for language, _ in self.voices()]
        alike = [language for language in languages if language[:2] == name[:2].lower()]
        return ", ".join(dict.fromkeys([*alike, "en-us", "en-gb", "de", "fr-fr", "es", "it"]))

    def speak(self, text: str, sink: Sink) -> None:
        """Speak `text`, handing each 60 ms of audio to `sink` until it says no.

        No pause is added after the text. Nothing in it is markup.

        Args:
            text: without NUL and lone surrogates.
            sink: called on this thread; what it raises ends the synthesis and is raised here.

        Raises:
            ProviderError: the library failed.
        """
        self._sink, self._error = sink, None
        data = text.encode()
        try:
            status = self._library.espeak_Synth(data, len(data) + 1, 0, _BY_CHARACTER, 0, _UTF8, None, None)
        finally:
            self._sink = None
        if self._error is not None:
            raise self._error
        if status:
            raise ProviderError(f"espeak-ng failed to speak (status {status})", retryable=True)

    def _take(
        self, audio: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]
    ) -> int:
        """Hand one chunk on; called by the library. Returns 1 to end the synthesis."""
        try:
            if self._sink is None:
                return 1
            samples = np.zeros(count, np.int16)
            ctypes.memmove(samples.ctypes.data, audio, samples.nbytes)
            return 0 if self._sink(samples, _word_starts(events)) else 1
        except BaseException as error:  # noqa: BLE001 - must not pass through C; raised by `speak`
            self._error = error
            return 1


def _word_starts(events: ctypes._Pointer[_Event]) -> list[WordStart]:
    starts = []
    at = 0
    while (event := events[at]).type != _LIST_TERMINATED:
        if event.type == _WORD:
            starts.append(WordStart(event.text_position - 1, event.sample))
        at += 1
    return starts


def _languages(address: int | None) -> Iterator[tuple[str, int]]:
    """Read a voice's languages: for each a priority's byte and a string; a zero byte ends them."""
    while address and (priority := ctypes.string_at(address, 1)[0]):
        language = ctypes.string_at(address + 1)
        yield language.decode().casefold(), priority
        address += len(language) + 2
