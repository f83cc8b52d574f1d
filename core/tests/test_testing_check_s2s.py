"""Models that break one promise each are found out, and the scripted model keeps them all."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import S2SSetup, s2s
from beluga_voice.errors import ClosedError
from beluga_voice.testing import S2SFault, ScriptedS2S, ScriptedS2SStream, check_s2s


@pytest.mark.parametrize(
    "declares",
    [
        {},
        {"commits": False, "truncates": False, "says": False, "updates": False, "calls_tools": False},
        {"detects_turns": True, "responds_by_itself": True, "sample_rate": 16000},
    ],
)
async def test_the_scripted_model_keeps_its_contract(declares: dict[str, Any]) -> None:
    await check_s2s(lambda: ScriptedS2S(["Yes."] * 40, part_delay=0.1, **declares))


class _Deaf(ScriptedS2SStream):
    async def commit(self, number: int) -> None:
        await super().commit(0)


class _Keeps(ScriptedS2SStream):
    """Looks at audio later, as one that only queues the frame."""

    def __init__(self, model: ScriptedS2S, setup: S2SSetup) -> None:
        super().__init__(model, setup)
        self._kept: list[AudioFrame] = []

    async def send(self, frame: AudioFrame) -> None:
        self._kept.append(frame)

    async def respond(self, request: int, instructions: str = "") -> None:
        if any(len(f) and (f.samples == 12345).all() for f in self._kept):
            raise ClosedError("noise")
        await super().respond(request, instructions)


class _Immortal(ScriptedS2SStream):
    async def receive(self) -> s2s.S2SEvent:
        while True:
            try:
                return await super().receive()
            except ClosedError:
                await asyncio.sleep(3600)


class _Leaks(ScriptedS2SStream):
    def __init__(self, model: ScriptedS2S, setup: S2SSetup) -> None:
        super().__init__(model, setup)
        self.task = asyncio.create_task(asyncio.sleep(1e6), name="leak")
        LEAKED.append(self.task)


class _Forgets(ScriptedS2SStream):
    """Drops an event when a receive is cancelled."""

    async def receive(self) -> s2s.S2SEvent:
        try:
            return await super().receive()
        except asyncio.CancelledError:
            self._model.faults[S2SFault.NO_RESPONSE] = 1
            raise


LEAKED: list[asyncio.Task[None]] = []


@pytest.mark.parametrize(
    ("stream", "faults", "declares", "sentence"),
    [
        (None, {S2SFault.NEVER_READY}, {}, "Ready: is the first event"),
        (None, {S2SFault.AUDIO_BEFORE_READY}, {}, "came before Ready"),
        (None, {S2SFault.NO_RESPONSE}, {}, "S2SStream.respond"),
        (None, {S2SFault.NO_DONE}, {}, "ends the response"),
        (None, {S2SFault.FAILS}, {}, "it ended with"),
        (None, {S2SFault.DUPLICATES}, {}, "Ready|events began it"),
        (None, {S2SFault.UNKNOWN}, {}, "which is no event"),
        (None, {S2SFault.NO_AUDIO}, {}, "no audio came"),
        (None, {S2SFault.WRONG_RATE}, {}, "8000 Hz came, 24000 Hz is declared"),
        (None, {S2SFault.NO_TRANSCRIPT}, {}, "transcribes commit 1"),
        (None, {S2SFault.HANGS_AT_CLOSE}, {}, "aclose took more than"),
        (None, {}, {"responds_by_itself": True}, "whose ends it does not find"),
        (None, {}, {"output_sample_rate": 1}, "declares 1 Hz"),
        (_Deaf, {}, {}, "transcribes commit 1"),
        (_Keeps, {}, {}, "keeps nothing of them"),
        (_Immortal, {}, {}, "S2SStream.aclose"),
        (_Leaks, {}, {}, "still running: leak"),
        (_Forgets, {}, {}, "may be cancelled"),
    ],
)
async def test_a_broken_promise_is_told(
    monkeypatch: pytest.MonkeyPatch, stream: Any, faults: Any, declares: dict[str, Any], sentence: str
) -> None:
    if stream is not None:
        monkeypatch.setattr("beluga_voice.testing.fakes.s2s.ScriptedS2SStream", stream)
    model = ScriptedS2S
    try:
        with pytest.raises(AssertionError, match=sentence):
            await check_s2s(lambda: model(["Yes."] * 40, part_delay=0.1, faults=faults, **declares))
    finally:
        for task in LEAKED:
            task.cancel()
        if LEAKED:
            await asyncio.wait(LEAKED)
        LEAKED.clear()


async def test_what_was_said_may_be_given() -> None:
    said = np.full(24000, 3000, np.int16)
    made: list[ScriptedS2S] = []

    def make() -> ScriptedS2S:
        made.append(ScriptedS2S(["Yes."] * 40))
        return made[-1]

    await check_s2s(make, said)
    heard = [frame.samples for stream in made[0].streams for frame in stream.frames]
    assert all((samples == 3000).all() for samples in heard)
