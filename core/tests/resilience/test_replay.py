"""Audio on its way to a recognizer that breaks at random: each word is final once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.audio import AudioFrame
from beluga_voice.contracts import Transcript
from beluga_voice.resilience.replay import Finalize, SentAudio

RATE, FRAME, WORD = 1000, 20, 100

STEPS = st.lists(
    st.sampled_from(
        ["give", "give", "give", "send", "send", "send", "final", "ask", "answer", "break", "repeat"]
    ),
    max_size=200,
)


class Recognizer:
    """One connection: what it was sent, and which finals it has given of it."""

    def __init__(self) -> None:
        self.samples: list[int] = []
        self.done = 0
        self.asked = 0
        self.last: Transcript | None = None

    def final(self, *, answers: bool = False) -> Transcript:
        end = len(self.samples) if answers else len(self.samples) // WORD * WORD
        end = max(self.done, end)
        words = self.samples[self.done : end]
        text = " ".join(str(word) for word in dict.fromkeys(words))
        final = Transcript(text, True, self.done / RATE, end / RATE, answers_finalize=answers)
        self.done = end
        self.asked -= answers
        return final


@given(STEPS, st.sampled_from([0.0, 0.05]))
def test_each_word_is_final_once_and_each_request_answered_once_however_often_it_breaks(
    steps: list[str], least: float
) -> None:
    line, recognizer = SentAudio(RATE, keep=1000), Recognizer()
    given_words: list[int] = []
    finals: list[Transcript] = []
    asked = position = 0

    def hear(final: Transcript) -> None:
        shifted = line.shifted(final)
        if not line.is_repeated(shifted):
            finals.append(line.settle(shifted))
        while line.pop_empty():
            finals.append(Transcript("", True, answers_finalize=True))

    def send() -> bool:
        item = line.next(least, 0.0)
        if isinstance(item, Finalize):
            recognizer.asked += 1
        elif item is not None:
            recognizer.samples += item.samples.tolist()
        return item is not None

    def give() -> None:
        nonlocal position
        word = position // WORD + 1
        given_words.append(word)
        line.add(AudioFrame(np.full(FRAME, word, np.int16), RATE, position))
        position += FRAME

    for step in [*steps, *["give"] * (-(position // FRAME) % 5)]:
        if step == "give":
            give()
        elif step == "send":
            send()
        elif step == "final":
            recognizer.last = recognizer.final()
            hear(recognizer.last)
        elif step == "repeat" and recognizer.last is not None and recognizer.last.text:
            hear(recognizer.last)
        elif step == "ask" and position % WORD == 0:
            line.add_finalize()
            asked += 1
            while line.pop_empty():
                finals.append(Transcript("", True, answers_finalize=True))
        elif step == "answer" and recognizer.asked:
            hear(recognizer.final(answers=True))
        elif step == "break":
            line.rewind()
            recognizer = Recognizer()
    while position % WORD:
        give()
    line.add_finalize()
    asked += 1
    while line.pop_empty():
        finals.append(Transcript("", True, answers_finalize=True))
    while send():
        pass
    while recognizer.asked:
        hear(recognizer.final(answers=True))
    words = [int(word) for final in finals for word in final.text.split()]
    assert words == list(dict.fromkeys(given_words))
    assert sum(final.answers_finalize for final in finals) == asked
    assert line.next(0.0, 0.0) is None


def test_more_than_is_kept_is_dropped_from_its_beginning() -> None:
    line = SentAudio(RATE, keep=0.06)
    for number in range(5):
        line.add(AudioFrame(np.full(FRAME, number, np.int16), RATE))
        line.next(0.0, 0.0)
    line.rewind()
    again = []
    while (item := line.next(0.0, 0.0)) is not None:
        assert isinstance(item, AudioFrame)
        again.append(int(item.samples[0]))
    assert again == [2, 3, 4]


def test_who_gives_audio_faster_than_it_goes_has_to_wait() -> None:
    line = SentAudio(RATE, keep=100)
    while not line.full:
        line.add(AudioFrame(np.zeros(FRAME, np.int16), RATE))
    line.next(0.0, 0.0)
    assert not line.full


def test_an_answer_that_repeats_a_final_answers_without_its_words() -> None:
    line = SentAudio(RATE, keep=100)
    final = Transcript("one", True, 0.0, 0.02, answers_finalize=True)
    for _ in range(2):
        line.add(AudioFrame(np.ones(FRAME, np.int16), RATE))
        line.add_finalize()
    while line.next(0.0, 0.0) is not None:
        pass
    assert line.settle(final) == final
    assert not line.is_repeated(final)
    assert line.settle(final) == Transcript("", True, answers_finalize=True)
