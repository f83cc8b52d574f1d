"""The politeness benchmark: its turns and labels, its way through the engine, its figures, its command."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from beluga_voice import TurnPolicy, VoiceSession
from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import STT, Listens, STTStream, Transcript, TurnContext, TurnDetector
from beluga_voice.errors import ClosedError
from beluga_voice.events import Event, TurnClosed
from beluga_voice.testing import LoopbackTransport, ScriptedAgent, ScriptedTTS, run_virtual
from beluga_voice.words import Word
from beluga_voice_heuristic.detector import HeuristicTurnDetector
from beluga_voice_silero.vad import SileroVAD

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import politeness  # noqa: E402 - not a package
import politeness_calls as calls  # noqa: E402
import politeness_curve as curve  # noqa: E402
import politeness_dataset as dataset  # noqa: E402
import politeness_speech as speech  # noqa: E402

NOWHERE = Path("nowhere")
DELAY = 0.2
TINY = ("--turns", "6", "--step", "0.5", "--draws", "50")


def quiet(_: str) -> None:
    """Tell nobody how far it is."""


@pytest.fixture(scope="module")
def turns() -> list[dataset.Turn]:
    return speech.make_turns(speech_recordings(), seed=3, limit=14)


def speech_recordings() -> Path:
    return BENCHMARKS.parents[1] / "shared" / "audio"


@pytest.fixture(scope="module")
def heard(turns: list[dataset.Turn]) -> list[calls.Heard]:
    return curve.in_order(calls.hear(turns, SileroVAD(), TurnPolicy(), quiet))


# -- the turns --


def test_each_silence_is_labelled_where_the_words_leave_one(turns: list[dataset.Turn]) -> None:
    for turn in turns:
        between = [(a.end, b.start) for a, b in pairwise(turn.words) if b.start - a.end >= speech.LABELLED]
        assert [(span.start, span.end) for span in turn.spans[:-1]] == between
        assert turn.end == turn.words[-1].end
        assert turn.spans[-1].end == pytest.approx(len(turn.samples) / dataset.SAMPLE_RATE, abs=0.002)


def test_most_silences_are_within_turns_and_as_long_as_asked_for(turns: list[dataset.Turn]) -> None:
    lengths = [span.end - span.start for turn in turns for span in turn.spans[:-1]]
    assert len(lengths) > 2 * len(turns)
    assert max(lengths) < speech.LONGEST + 0.2
    assert sum(each >= speech.SHORTEST for each in lengths) > 0.8 * len(lengths)


def test_it_is_quiet_in_a_pause_and_loud_about_it(turns: list[dataset.Turn]) -> None:
    for turn in turns:
        for pause in turn.pauses:
            middle = (pause.start + pause.end) / 2
            said = np.concatenate([level(turn, word.start, word.end) for word in turn.words])
            assert np.abs(level(turn, middle - 0.03, middle + 0.03)).max() < np.abs(said).max() / 5


def level(turn: dataset.Turn, start: float, end: float) -> dataset.Samples:
    return turn.samples[round(start * dataset.SAMPLE_RATE) : round(end * dataset.SAMPLE_RATE)]


def test_the_seed_decides_and_the_first_turns_do_not_depend_on_how_many_there_are() -> None:
    # espeak's library says the same text a little otherwise the second time
    one, same, other = (
        [(turn.id, turn.speaker) for turn in speech.make_turns(NOWHERE, seed, limit)]
        for seed, limit in ((5, 3), (5, 4), (6, 3))
    )
    assert one == same[:3]
    assert one != other


def test_a_caller_has_a_tempo_unless_told_otherwise() -> None:
    low, high = speech._tempo(1, "en-us-160")
    assert speech.SHORTEST <= low < high <= speech.LONGEST
    assert (low, high) == speech._tempo(1, "en-us-160") != speech._tempo(1, "en-gb-185")
    assert [turn.spans for turn in speech.make_turns(NOWHERE, 1, 3)] != [
        turn.spans for turn in speech.make_turns(NOWHERE, 1, 3, tempo=False)
    ]


def test_the_words_of_a_recording_are_found_by_its_transcript() -> None:
    folder = speech_recordings()
    if not (folder / "manifest.json").exists():
        pytest.skip("no recordings: the folder of recordings is not beside the project")
    wav = dataset.read_wav(folder / "ps_goforward.wav")
    words = speech.aligned(wav.samples, "go forward ten meters")
    assert [word.text for word in words] == ["go", "forward", "ten", "meters"]
    assert all(a.end <= b.start for a, b in pairwise(words))


# -- the schema --


def test_a_dataset_comes_back_as_it_was_written(turns: list[dataset.Turn], tmp_path: Path) -> None:
    dataset.write_dataset(turns, tmp_path)
    row = json.loads((tmp_path / "metadata.jsonl").read_text().splitlines()[0])
    assert {"id", "language", "silence_spans", "file_name", "words"} <= set(row)
    for was, now in zip(turns, dataset.read_dataset(tmp_path), strict=True):
        assert np.array_equal(was.samples, now.samples)
        for name in ("id", "language", "spans", "words", "speaker", "source", "pauses", "end"):
            assert getattr(was, name) == getattr(now, name), name


def test_a_row_of_others_needs_no_words_and_no_fields_of_ours(tmp_path: Path) -> None:
    rows(tmp_path, {"words": None, "speaker": None, "source": None, "label": "x"})
    (turn,) = dataset.read_dataset(tmp_path)
    assert (turn.speaker, turn.source) == (turn.id, turn.id)
    assert turn.said() == (Word("speech", 0.0, 1.0), Word("speech", 1.4, 2.0))


GOOD: dict[str, Any] = {
    "id": "one",
    "language": "en",
    "file_name": "one.wav",
    "silence_spans": [{"start": 1.0, "end": 1.4}, {"start": 2.0, "end": 3.0}],
    "words": [{"word": "hello", "start": 0.2, "end": 1.0}, {"word": "there", "start": 1.4, "end": 2.0}],
}


def rows(folder: Path, *changes: dict[str, Any]) -> None:
    """Write rows like `GOOD`, with other fields; None leaves one out."""
    writer = dataset.WavWriter(folder / "one.wav", 8000, 1)
    writer.write(np.zeros(24000, np.int16))
    writer.close()
    changed = [
        {key: value for key, value in (GOOD | change).items() if value is not None} for change in changes
    ]
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in changed))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"silence_spans": None}, "has no 'silence_spans'; each row has id, language, silence_spans"),
        ({"silence_spans": []}, "has no silence; the last of silence_spans is the end"),
        ({"silence_spans": [1, 2]}, "has silence_spans of another form; each is an object with start"),
        ({"silence_spans": [{"start": 1.0}]}, "has silence_spans of another form"),
        ({"silence_spans": [{"start": 1.0, "end": 1.0}]}, "one from 1 to 1 s; it ends after its start"),
        ({"silence_spans": [{"start": 1, "end": 2}, {"start": 1.5, "end": 3}]}, "overlap at 1.5 s"),
        ({"silence_spans": [{"start": 8, "end": 9}]}, "has a silence from 8 s in 3 s of audio"),
        ({"words": [{"start": 1, "end": 2}]}, "has a word without its text"),
        ({"file_name": None}, "names no audio; give the WAV file's name as 'file_name'"),
        ({"file_name": "two.wav"}, "has no audio that can be read: cannot read"),
    ],
)
def test_a_row_that_contradicts_the_schema_is_named_with_its_remedy(
    change: dict[str, Any], what: str, tmp_path: Path
) -> None:
    rows(tmp_path, {"id": "fine"}, change)
    with pytest.raises(dataset.DatasetError, match=r"metadata\.jsonl line 2 ") as raised:
        dataset.read_dataset(tmp_path)
    assert what in str(raised.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "a dataset is a folder with a metadata.jsonl"),
        ("", "has no rows; at least one is needed"),
        ("{]\n", "line 1 is no JSON"),
        ("[]\n", "line 1 is list, not an object; write one object a line"),
    ],
)
def test_a_file_that_is_no_dataset_is_refused(text: str | None, what: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "metadata.jsonl").write_text(text)
    with pytest.raises(dataset.DatasetError) as raised:
        dataset.read_dataset(tmp_path)
    assert what in str(raised.value)


def test_an_id_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    rows(tmp_path, {}, {})
    with pytest.raises(dataset.DatasetError, match="line 2: id 'one' is there twice; ids are unique"):
        dataset.read_dataset(tmp_path)


# -- the way through the engine --


class LabelledSTT(STT):
    """A recognizer that knows what is said: each word `DELAY` after it was, final when asked."""

    listens = Listens.ALL
    finalizes = True
    interim_results = True

    def __init__(self, words: Sequence[Word]) -> None:
        self.words = words

    async def open_stream(self) -> LabelledStream:
        return LabelledStream(self.words)


class LabelledStream(STTStream):
    def __init__(self, words: Sequence[Word]) -> None:
        self._left, self._given = deque(words), list[Word]()
        self._due: asyncio.Queue[tuple[float, Transcript] | None] = asyncio.Queue()
        self._closed = False

    async def send(self, frame: AudioFrame) -> None:
        end = (frame.position + len(frame)) / frame.sample_rate
        while self._left and self._left[0].end <= end:
            self._given.append(self._left.popleft())
            self._put(final=False)

    async def finalize(self) -> None:
        self._put(final=True)
        self._given = []

    def _put(self, *, final: bool) -> None:
        text = " ".join(word.text for word in self._given)
        times = (self._given[0].start, self._given[-1].end) if self._given else (None, None)
        transcript = Transcript(text, final=final, start=times[0], end=times[1], answers_finalize=final)
        self._due.put_nowait((asyncio.get_running_loop().time() + DELAY, transcript))

    async def receive(self) -> Transcript:
        found = None if self._closed else await self._due.get()
        if found is None:
            raise ClosedError("the stream is closed")
        await asyncio.sleep(found[0] - asyncio.get_running_loop().time())
        return found[1]

    async def aclose(self) -> None:
        self._closed = True
        self._due.put_nowait(None)


async def closes_of_a_session(
    turn: dataset.Turn, policy: TurnPolicy, detector: TurnDetector | None
) -> list[float]:
    """Let the turn call a real session; return when it was closed, in seconds from its first sample."""
    found: list[float] = []

    def see(event: Event) -> None:
        if isinstance(event, TurnClosed):
            found.append(event.at)

    line = LoopbackTransport()
    async with SileroVAD() as vad:
        session = VoiceSession(
            stt=LabelledSTT(turn.words),
            tts=ScriptedTTS(),
            vad=vad,
            agent=ScriptedAgent(otherwise=[1.0, "Fine."]),
            turn_detector=detector,
            transport=line,
            turns=policy,
        )
        session.on_event(see)
        async with session:
            begun = asyncio.get_running_loop().time()
            await line.play(calls._with_room(turn.samples))
            await asyncio.sleep(4.0)
    return [at - begun for at in found]


def closes_of_a_line(heard: calls.Heard, policy: TurnPolicy, detector: TurnDetector | None) -> list[float]:
    line = calls.Line(policy, None if detector is None else calls.Judge(detector), DELAY)
    run_virtual(line.call([heard]))
    return [at - line._begun for at in line._closes]


def delayed(policy: TurnPolicy, by: float) -> TurnPolicy:
    return replace(policy, endpoint_min=policy.endpoint_min + by, endpoint_max=policy.endpoint_max + by)


@pytest.mark.parametrize(
    ("policy", "detector"),
    [
        (TurnPolicy(), None),
        (TurnPolicy(endpoint_min=0.8, endpoint_max=1.2), HeuristicTurnDetector()),
        (TurnPolicy(endpoint_min=0.3, endpointing="adaptive"), HeuristicTurnDetector()),
    ],
)
def test_turns_are_closed_when_a_session_closes_them(
    heard: list[calls.Heard], policy: TurnPolicy, detector: TurnDetector | None
) -> None:
    compared = 0
    for each in heard:
        closed = closes_of_a_line(each, policy, detector)
        early, late = (closes_of_a_line(each, delayed(policy, by), detector) for by in (-0.05, 0.05))
        if compared == 4 or not len(early) == len(closed) == len(late):
            continue  # a pause is about as long as the delay: a frame decides whether it is an end
        compared += 1
        assert closed == pytest.approx(
            run_virtual(closes_of_a_session(each.turn, policy, detector)), abs=0.045
        )
    assert compared >= 2


def test_a_close_counts_against_the_pause_before_it() -> None:
    spans = [(1.0, 1.5), (2.0, 2.15), (3.0, 3.5), (5.0, 6.0)]
    turn = dataset.Turn(
        "t", "en", np.zeros(96000, np.int16), tuple(dataset.Span(*each) for each in spans), (), "s", "s"
    )
    assert [span.start for span in turn.pauses] == [1.0, 3.0]
    assert calls.judged(turn, [1.3, 1.6, 2.1, 5.4]) == calls.Answer((True, False), pytest.approx(0.4), 1)
    assert calls.judged(turn, [0.5, 3.4, 4.9, 5.2]) == calls.Answer((False, True), pytest.approx(0.2), 1)
    assert np.isnan(calls.judged(turn, [4.0]).delay)


def test_a_turn_without_words_is_closed_too(tmp_path: Path, turns: list[dataset.Turn]) -> None:
    dataset.write_dataset(turns[:2], tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "metadata.jsonl").read_text().splitlines()]
    for line in lines:
        del line["words"]
    (tmp_path / "metadata.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = calls.hear(dataset.read_dataset(tmp_path), SileroVAD(), TurnPolicy(), quiet)
    answers = run_virtual(calls.decide(calls.calls_of(found), TurnPolicy(), None, DELAY))
    assert all(0 < answer.delay < 1 for answer in answers)


class Counting(TurnDetector):
    """Takes every turn for whole, and counts the questions."""

    def __init__(self) -> None:
        self.asked: list[TurnContext] = []

    async def predict(self, context: TurnContext) -> float:
        self.asked.append(context)
        return 1.0


def test_any_detector_is_asked_and_each_question_once(heard: list[calls.Heard]) -> None:
    detector = Counting()
    judge = calls.Judge(detector)
    silent, judged, again = (
        run_virtual(calls.decide(calls.calls_of(heard), TurnPolicy(), each, DELAY))
        for each in (None, judge, judge)
    )
    assert detector.asked
    assert silent == judged == again
    assert len({id(each) for each in detector.asked}) == len(detector.asked) < 30 * len(heard)
    assert all(context.text and context.language == "en" for context in detector.asked)


# -- the curve --


def test_a_longer_silence_never_cuts_more_nor_waits_less(heard: list[calls.Heard]) -> None:
    (silence,) = asyncio.run(curve.measure([curve.Method("silence")], heard, 0.3, DELAY, quiet))
    order = np.argsort([policy.endpoint_min for policy in silence.policies])
    cut, delay = silence.cut.sum(axis=1)[order], silence.delay.mean(axis=1)[order]
    assert (np.diff(cut) <= 0).all()
    assert (np.diff(delay) >= -1e-9).all()
    assert cut[0] > cut[-1]
    assert not np.isnan(delay).any()


def measured(cut: Iterable[Iterable[float]], delay: Iterable[Iterable[float]]) -> curve.Measured:
    cuts, delays = np.array(list(cut)), np.array(list(delay))
    policies = tuple(TurnPolicy(endpoint_min=0.3 + number / 10) for number in range(len(cuts)))
    return curve.Measured("m", policies, cuts, delays, np.zeros(len(cuts)))


def test_the_curve_is_the_best_setting_at_each_delay(heard: list[calls.Heard]) -> None:
    few = heard[:2]
    pauses = [float(len(each.turn.pauses)) for each in few]
    found = curve.Curves(
        [
            measured(
                [pauses, [0, pauses[1]], [0, 0], [0, 0]], [[0.4, 0.6], [0.8, 0.6], [1.0, 1.4], [1.3, 1.3]]
            )
        ],
        few,
        seed=1,
        draws=200,
    )
    assert found.rate_at(0, 0.45).value is None
    assert found.rate_at(0, 0.5).value == 1
    assert found.rate_at(0, 0.7).value == pytest.approx(pauses[1] / sum(pauses))
    assert found.delay_at(0, 0.0).value == pytest.approx(1.2)
    assert [round(delay, 3) for delay, _, _ in found.frontier(0)] == [0.5, 0.7, 1.2]
    rate = found.rate_at(0, 1.25)
    assert (rate.low, rate.high) == (0, pytest.approx(1, abs=1)), (
        "draws in which 1.2 s is too long have worse ones"
    )
    assert found.rate_beyond_first(0, 0.7).as_json() == [0, 0, 0]


def test_an_interval_holds_the_figure_and_narrows_with_more_sources() -> None:
    draw = np.random.default_rng(1)

    def interval(count: int) -> curve.Estimate:
        spans = (dataset.Span(1, 2), dataset.Span(3, 4))
        some = [
            calls.Heard(dataset.Turn(str(n), "en", np.zeros(1, np.int16), spans, (), str(n), str(n)), ())
            for n in range(count)
        ]
        cut = draw.integers(0, 2, (1, count)).astype(float)
        return curve.Curves([measured(cut, np.full((1, count), 0.5))], some, 1, 500).rate_at(0, 0.5)

    few, many = interval(20), interval(500)
    for each in (few, many):
        assert each.value is not None
        assert each.low is not None
        assert each.high is not None
        assert each.low < each.value < each.high
    assert few.high - few.low > 3 * (many.high - many.low)  # type: ignore[operator]


# -- the command --


def test_one_run_gives_figures_picture_and_dataset(tmp_path: Path) -> None:
    picture, folder = tmp_path / "curve.svg", tmp_path / "turns"
    command = [sys.executable, str(BENCHMARKS / "politeness.py"), "--json", *TINY]
    command += ["--picture", str(picture), "--write", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)
    assert done.returncode == 0, done.stderr
    assert "heard 6 of 6 turns" in done.stderr
    figures = json.loads(done.stdout)
    assert figures["dataset"]["ends"] == len(dataset.read_dataset(folder)) == 6
    names = [method["name"] for method in figures["methods"]]
    assert names == ["silence alone", "adaptive", "heuristic", "heuristic, adaptive"]
    for method in figures["methods"]:
        assert method["lost"] == 0
        for before, after in pairwise(method["curve"]):
            assert before["mean_delay"] <= after["mean_delay"]
            assert before["cut_off_rate"] > after["cut_off_rate"]
    drawn = picture.read_text(encoding="utf-8")
    marks = [element.get("class", "") for element in ElementTree.fromstring(drawn).iter()]
    assert sum(mark.startswith("band") for mark in marks) == len(names)
    assert "prefers-color-scheme: dark" in drawn


def test_a_dataset_that_was_written_gives_the_same_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert politeness.main([*TINY, "--write", str(tmp_path)]) == 0
    made = capsys.readouterr().out
    assert "| silence alone | " in made
    assert politeness.main([*TINY, "--dataset", str(tmp_path)]) == 0
    assert capsys.readouterr().out == made


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--detector", "heuristics"), "no turn detector provider named 'heuristics'; installed: heuristic"),
        (("--dataset", "nowhere"), "politeness: cannot read nowhere/metadata.jsonl"),
        (("--turns", "0"), "is 0; it must be 1 or more"),
        (("--step", "3"), "is 3; it must be from 0.02 to 0.5"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_sentence(
    options: Sequence[str], what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = politeness.main(options)
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    assert what in capsys.readouterr().err
