"""What all simulators have in common: faults, keys, delays, backends, TLS, the command."""

from __future__ import annotations

import asyncio
import random
from statistics import quantiles

import aiohttp
import numpy as np
import pytest

from beluga_voice.contracts import CallerMessage, ToolChoice, ToolMessage, ToolSpec
from beluga_voice.testing import sounds
from beluga_voice_simulators.delays import NO_DELAY, Delay
from beluga_voice_simulators.faults import REFUSALS, Fault, Faults
from beluga_voice_simulators.finals import Finals
from beluga_voice_simulators.hearing import ScriptedEar, SpeechGate
from beluga_voice_simulators.openai import OpenAISimulator
from beluga_voice_simulators.speaking import BuzzVoice
from beluga_voice_simulators.thinking import PlainMind, Prompt, ScriptedMind, Thought
from beluga_voice_simulators.tls import Certificate
from beluga_voice_simulators.vendors import VENDORS, simulator_of

TOOL = ToolSpec(
    "look_up",
    "",
    {
        "type": "object",
        "properties": {"what": {"type": "string"}, "n": {"type": "integer"}},
        "required": ["what", "n"],
    },
)


def test_each_vendor_of_the_command_has_a_simulator() -> None:
    for vendor in VENDORS:
        assert simulator_of(vendor).vendor == vendor


def test_delays_have_the_median_and_the_p95_that_they_name() -> None:
    delay, rng = Delay(0.247, 0.298), random.Random(1)
    drawn = quantiles([delay.draw(rng) for _ in range(20000)], n=20)
    assert drawn[9] == pytest.approx(0.247, rel=0.02)
    assert drawn[18] == pytest.approx(0.298, rel=0.02)
    assert NO_DELAY.draw(rng) == 0.0


def test_a_fault_is_played_as_often_as_told() -> None:
    faults = Faults()
    faults.play(Fault.CUT, 2)
    faults.play(Fault.MALFORMED, None)
    assert [faults.take(Fault.CUT) for _ in range(3)] == [True, True, False]
    assert all(faults.take(Fault.MALFORMED) for _ in range(9))
    faults.clear()
    assert not faults.has(Fault.MALFORMED)


@pytest.mark.parametrize(
    ("fault", "given"),
    [
        (None, ["one", "|", "two"]),
        (Fault.EMPTY_FINAL, ["", "|", "two"]),
        (Fault.DUPLICATE_FINAL, ["one", "one", "|", "two"]),
        (Fault.REORDERED_FINALS, ["|", "two", "one"]),
        (Fault.LATE_FINAL, ["|", "one", "two"]),
    ],
)
async def test_finals_go_wrong_as_told(fault: Fault | None, given: list[str]) -> None:
    faults, out = Faults(), []
    if fault is not None:
        faults.play(fault)

    async def give(final: str) -> None:
        out.append(final)

    finals = Finals(faults, give, lambda final: "")
    await finals.give("one")
    out.append("|")
    await finals.speech_started()
    await finals.give("two")
    assert out == given


async def test_an_ear_hears_line_after_line_and_nothing_in_silence() -> None:
    ear, speech = ScriptedEar(["order seven", "please"]), sounds.speech_like(1.0)
    samples = np.concatenate((sounds.silence(0.5), speech))
    first = await ear.hear(samples)
    assert first.text == "order seven"
    assert first.words[0].start == pytest.approx(0.5, abs=0.03)
    assert first.words[1].end == pytest.approx(1.5, abs=0.03)
    assert not (await ear.hear(sounds.silence(1.0))).words
    assert [(await ear.hear(samples)).text for _ in range(2)] == ["please", "please"]


def test_a_gate_finds_speech_between_silences() -> None:
    gate, said = SpeechGate(24000, 0.3), []
    for samples in (sounds.silence(0.5, 24000), sounds.speech_like(1.0, 24000), sounds.silence(0.5, 24000)):
        for piece in np.array_split(samples, 37):
            said += gate.feed(piece)
    assert [start for start, _ in said] == [True, False]
    assert [time for _, time in said] == pytest.approx([0.5, 1.5], abs=0.05)


async def test_a_buzz_is_as_long_as_its_words_and_faster_if_asked() -> None:
    voice = BuzzVoice()
    plain = [said async for said in voice.speak("order seven", 24000)]
    fast = [said async for said in voice.speak("order seven", 24000, speed=2.0)]
    assert sum(len(said.samples) for said in plain) == 2 * sum(len(said.samples) for said in fast)
    assert [word.text for said in plain for word in said.words] == ["order", "seven"]
    assert [said async for said in voice.speak("...", 24000)] == []


async def test_a_plain_mind_repeats_calls_and_tells_results() -> None:
    mind, hello = PlainMind(), CallerMessage("hello")
    assert await mind.think(Prompt((hello,), (TOOL,))) == Thought("You said: hello")
    must = Prompt((hello,), (TOOL,), ToolChoice.REQUIRED)
    assert await mind.think(must) == Thought(calls=(("look_up", {"what": "hello", "n": 1}),))
    named = Prompt((CallerMessage("Look it up!"),), (TOOL,))
    assert (await mind.think(named)).calls
    results = (hello, ToolMessage("a", "look_up", "found"))
    assert await mind.think(Prompt(results, (TOOL,))) == Thought("look_up says: found.")


async def test_a_scripted_mind_answers_in_order_and_then_plainly() -> None:
    mind = ScriptedMind(["one", lambda prompt: Thought(prompt.caller.upper())])
    prompt = Prompt((CallerMessage("hi"),))
    assert [(await mind.think(prompt)).text for _ in range(3)] == ["one", "HI", "You said: hi"]


@pytest.mark.real_time
async def test_refuses_as_told_and_as_often() -> None:
    async with OpenAISimulator() as openai, aiohttp.ClientSession() as client:
        for fault, status in REFUSALS.items():
            openai.faults.play(fault)
            async with client.get(f"{openai.url}/v1/models", headers={"Authorization": "Bearer k"}) as answer:
                assert answer.status == status
                assert (await answer.json())["error"]["message"]
                assert answer.headers.get("Retry-After") == ("1" if status == 429 else None)
        async with client.get(f"{openai.url}/v1/models", headers={"Authorization": "Bearer k"}) as answer:
            assert answer.status == 200
        assert [asked.status for asked in openai.asked] == [*REFUSALS.values(), 200]


@pytest.mark.real_time
async def test_a_slow_answer_that_is_not_waited_for_is_abandoned() -> None:
    async with OpenAISimulator(faults=Faults(slow=30.0)) as openai, aiohttp.ClientSession() as client:
        openai.faults.play(Fault.SLOW_FIRST_BYTE)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await client.get(f"{openai.url}/v1/models", headers={"Authorization": "Bearer k"})
        async with asyncio.timeout(5.0):
            while openai.asked[0].outcome == "open":  # noqa: ASYNC110 - the server tells nobody
                await asyncio.sleep(0.01)
        assert openai.asked[0].outcome == "abandoned"


@pytest.mark.real_time
async def test_tls_is_trusted_by_its_own_authority_only() -> None:
    with Certificate() as certificate:
        context = certificate.client_context()
        async with OpenAISimulator(certificate=certificate) as openai, aiohttp.ClientSession() as client:
            assert openai.url.startswith("https://")
            async with client.get(f"{openai.url}/v1/models", ssl=context) as answer:
                assert answer.status == 401
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await client.get(f"{openai.url}/v1/models")
    assert not certificate.authority.exists()
