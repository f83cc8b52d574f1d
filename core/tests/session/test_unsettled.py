from __future__ import annotations

import numpy as np

from beluga_voice.audio import AudioFrame
from beluga_voice.session.unsettled import Unsettled


def kept(*spans: tuple[int, int], most: int = 10_000) -> Unsettled:
    unsettled = Unsettled(most)
    unsettled.open = True
    for start, end in spans:
        unsettled.add(AudioFrame(np.arange(start, end, dtype=np.int16), 16000, start))
    return unsettled


def left(unsettled: Unsettled) -> list[object]:
    return [
        item if isinstance(item, int) else (item.position, item.position + len(item), int(item.samples[0]))
        for item in unsettled.take()
    ]


def test_a_final_settles_what_lies_before_its_end_to_the_sample() -> None:
    unsettled = kept((0, 10), (10, 20), (50, 60))
    unsettled.settle(13, None)
    assert left(unsettled) == [(13, 20, 13), (50, 60, 50)]


def test_a_final_of_unknown_end_settles_all_audio_and_no_request() -> None:
    unsettled = kept((0, 10))
    unsettled.ask(7)
    unsettled.settle(None, None)
    assert left(unsettled) == [7]


def test_an_answer_settles_all_before_its_request() -> None:
    unsettled = kept((0, 10))
    unsettled.ask(7)
    unsettled.add(AudioFrame(np.zeros(5, np.int16), 16000, 10))
    unsettled.ask(8)
    unsettled.settle(3, 7)
    assert left(unsettled) == [(10, 15, 0), 8]


def test_nothing_is_kept_between_turns_and_no_more_than_the_bound_within_one() -> None:
    unsettled = kept((0, 10), (10, 20), (20, 30), most=20)
    assert left(unsettled) == [(10, 20, 10), (20, 30, 20)]
    unsettled.open = False
    unsettled.add(AudioFrame(np.zeros(5, np.int16), 16000, 30))
    assert left(unsettled) == []
