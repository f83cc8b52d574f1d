"""All providers of some plugins, each held to the promises of its contract."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from beluga_voice.audio import AudioFrame, Resampler
from beluga_voice.contracts import (
    LLM,
    S2S,
    STT,
    TTS,
    VAD,
    Agent,
    InterruptionClassifier,
    NoiseSuppressor,
    TextFilter,
    TurnDetector,
)
from beluga_voice.errors import BelugaVoiceError
from beluga_voice.plugins import Plugins
from beluga_voice.testing.conformance.agent import check_agent
from beluga_voice.testing.conformance.classifier import check_classifier
from beluga_voice.testing.conformance.hygiene import check_import_hygiene
from beluga_voice.testing.conformance.llm import check_llm
from beluga_voice.testing.conformance.noise_suppressor import check_noise_suppressor
from beluga_voice.testing.conformance.report import Level, Report, collect, up_to
from beluga_voice.testing.conformance.s2s import check_s2s
from beluga_voice.testing.conformance.stt import check_stt
from beluga_voice.testing.conformance.text_filter import check_text_filter
from beluga_voice.testing.conformance.tts import check_tts
from beluga_voice.testing.conformance.turn_detector import check_turn_detector
from beluga_voice.testing.conformance.vad import check_vad

Make = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Material:
    """What the checks say and play.

    Attributes:
        text: a sentence for synthesisers.
        speech: clear speech for recognizers and detectors, at any rate; None if there is none.
        words: what is said in it; None for any words.
        voices: names of voices that sound different, by the TTS's name.
    """

    text: str = "The weather in Paris is sunny, and the wind comes from the west."
    speech: AudioFrame | None = None
    words: str | None = None
    voices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def speech_at(self, sample_rate: int) -> AudioFrame:
        """Return the speech at a rate.

        Raises:
            LookupError: there is none.
        """
        if self.speech is None:
            raise LookupError("it needs speech: name a recording by --speech, or install a TTS")
        resampler = Resampler(self.speech.sample_rate, sample_rate)
        return AudioFrame(
            np.concatenate([resampler.process(self.speech.samples), resampler.flush()]), sample_rate
        )


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one provider.

    Attributes:
        plugin: whose it is.
        kind: the contract, as in ``stt``; empty for the plugin itself.
        name: the provider's; empty for the plugin itself.
        report: the promises.
        left_out: why nothing was checked; empty if it was.
    """

    plugin: str
    kind: str
    name: str
    report: Report
    left_out: str = ""

    @property
    def title(self) -> str:
        """How a table names it."""
        return f"{self.kind} {self.name}" if self.kind else f"plugin {self.plugin}"


def titles(plugins: Plugins, chosen: tuple[str, ...]) -> Iterator[tuple[str, str, str, str]]:
    """Yield plugin, kind and name of each provider, after the plugin itself with its module.

    Args:
        plugins: what is loaded.
        chosen: names of plugins or distributions; all if empty.
    """
    for plugin in plugins.loaded:
        if chosen and not any(plugin.origin.answers_to(name) for name in chosen):
            continue
        yield plugin.origin.name, "", "", plugin.module
        for kind, names in plugin.providers.items():
            for name in names:
                yield plugin.origin.name, kind, name, ""


def check_plugin(name: str, module: str) -> Checked:
    """Check what concerns the plugin as a whole: that it is cheap to find."""
    with collect() as report:
        check_import_hygiene(module)
    return Checked(name, "", "", report)


async def check_provider_of(
    plugins: Plugins, plugin: str, kind: str, name: str, make: Make, material: Material, level: Level
) -> Checked:
    """Check one provider: as its plugin says, else by what `material` has for its contract.

    Args:
        plugins: what is loaded.
        plugin: whose provider it is.
        kind: the contract.
        name: the provider's.
        make: makes it with the settings that are to be checked.
        material: what is said and played.
        level: up to which promises are held.
    """
    own = plugins.check_of(kind, name)
    with collect() as report, up_to(level):
        try:
            check = own.load() if own is not None else _known(kind, name, make, material)
            await check()
        except LookupError as missing:
            return Checked(plugin, kind, name, report, str(missing.args[0]))
        except (BelugaVoiceError, ExceptionGroup) as error:
            return Checked(plugin, kind, name, report, f"{type(error).__name__}: {error}")
    return Checked(plugin, kind, name, report)


def _known(kind: str, name: str, make: Make, material: Material) -> Callable[[], Awaitable[None]]:
    """Return the check of a contract.

    Raises:
        LookupError: it has none, or needs something of the plugin's own.
    """
    checks: dict[str, Callable[[], Awaitable[None]]] = {
        "stt": lambda: _stt(cast("Callable[[], STT]", make), material),
        "tts": lambda: check_tts(
            cast("Callable[[], TTS]", make), text=material.text, voices=material.voices.get(name, ())
        ),
        "vad": lambda: _vad(cast("Callable[[], VAD]", make), material),
        "turn_detector": lambda: check_turn_detector(cast("Callable[[], TurnDetector]", make)),
        "noise_suppressor": lambda: check_noise_suppressor(cast("Callable[[], NoiseSuppressor]", make)),
        "interruption_classifier": lambda: check_classifier(
            cast("Callable[[], InterruptionClassifier]", make)
        ),
        "text_filter": lambda: check_text_filter(cast("Callable[[], TextFilter]", make)),
        "agent": lambda: check_agent(cast("Callable[[], Agent]", make)),
        "s2s": lambda: check_s2s(cast("Callable[[], S2S]", make)),
        "llm": lambda: check_llm(cast("Callable[[], LLM]", make)),
    }
    if kind not in checks:
        raise LookupError("its plugin says by register_checks how it is checked, or nobody does")
    return checks[kind]


async def _stt(make: Callable[[], STT], material: Material) -> None:
    await check_stt(make, speech=material.speech_at(make().sample_rate), words=material.words)


async def _vad(make: Callable[[], VAD], material: Material) -> None:
    await check_vad(make, speech=material.speech_at(make().sample_rate))


async def speech_of(tts: TTS, text: str) -> AudioFrame:
    """Return `text` as a synthesiser speaks it, with a little silence around."""
    async with tts:
        stream = await tts.open_stream()
        parts = [part.frame.samples async for part in stream.synthesize(text)]
        await stream.aclose()
    edge = AudioFrame.silence(0.2, tts.sample_rate).samples
    return AudioFrame(np.concatenate([edge, *parts, edge]), tts.sample_rate)
