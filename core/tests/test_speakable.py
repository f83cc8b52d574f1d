"""What a listener does not hear of text that was written to be read."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beluga_voice.contracts import TextFilter, TextFilterStream
from beluga_voice.errors import ConfigurationError
from beluga_voice.sentences import SentenceSplitter
from beluga_voice.speakable import BUILT_IN, DEFAULT, Filters, LinkFilter, MarkupFilter, built_in
from beluga_voice.speakable.links import Says
from beluga_voice.testing import check_text_filter


def _unfailing(_: TextFilter, error: Exception) -> None:
    raise error


def spoken(text: str, filters: Sequence[TextFilter] | None = None, language: str = "en") -> str:
    """The text as a session speaks it, in its pieces."""
    chosen = [built_in(name) for name in DEFAULT] if filters is None else filters
    stream, splitter = Filters(chosen, language, _unfailing), SentenceSplitter()
    pieces = [*splitter.feed(text), *splitter.flush()]
    return "".join(map(stream.process, pieces))


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("**Total:** $12.50 - see https://acme.com/x", "Total: $12.50 - see acme.com"),
        ("It is *really* __very__ ***good***, ~~not~~ bad.", "It is really very good, not bad."),
        ("Use `pip install x` now.", "Use pip install x now."),
        ("# Opening hours\nNine to five.", "Opening hours\nNine to five."),
        ("## Hours ##\nNine.", "Hours\nNine."),
        ("- milk\n- eggs\n* bread\n+ jam", "milk\neggs\nbread\njam"),
        ("- [ ] call\n- [x] write", "call\nwrite"),
        ("1. Open it.\n2. Close it.", "1. Open it.\n2. Close it."),
        ("> He said so.\n>> And so.", "He said so.\nAnd so."),
        ("One.\n\n---\n\nTwo.", "One.\n\n\nTwo."),
        ("Title\n=====\nText", "Title\nText"),
        ("See [our site](https://acme.com/x) or [this][1].\n\n[1]: https://b.org\n", "See our site or this.\n\n"),
        ("See [Is it open? Yes.](https://acme.com/x) Go.", "See [Is it open? Yes. Go."),
        ("![A red door](door.png) is it.", "A red door is it."),
        ("[https://acme.com/a](https://acme.com/a) is it.", "acme.com is it."),
        ("| Day | Opens |\n|-----|:-----:|\n| Mon | 9 |\n| Tue | 10 |\nGo.", "Day, Opens\nMon, 9\nTue, 10\nGo."),
        ("Look:\n```python\nx = 1\nprint(x)\n```\nDone.", "Look:\nDone."),
        ("Look:\n~~~\n```\nx\n~~~\nDone.", "Look:\nDone."),
        ("Say ```x``` now.", "Say x now."),
        ("Look: ```python\nx = 1\nprint(x)```\nDone.", "Look: Done."),
        ("Hello<br/>you <b>there</b>, <span class='a b'>all</span>.", "Hello you there, all."),
        ("Tom &amp; Ann &lt;3 &#39;s", "Tom & Ann <3 's"),
        ("One <!-- not. this --> two.", "One  two."),
        ("Facts【4†source】 and notes[^1].", "Facts and notes."),
        ("A \\*star\\* and 1\\. one.", "A *star* and 1. one."),
        ("Great! 😀🎉 Let us go 👩‍👩‍👧 now 👍🏽.", "Great!  Let us go now."),
        ("Done ✅\nNext ➡️ step 1️⃣", "Done \nNext step 1"),
        ("Nice :-) and fine :D", "Nice  and fine "),
        ("zero\u200bwidth, soft\u00adhyphen, \u202eright\u202c, bell\x07.", "zerowidth, softhyphen, right, bell."),
        ("<https://acme.com/q> or <mailto:ann@acme.com>", "acme.com or ann@acme.com"),
    ],
)  # fmt: skip
def test_marks_are_not_heard(written: str, heard: str) -> None:
    assert _squeezed(spoken(written)) == _squeezed(heard)


def _squeezed(text: str) -> str:
    """As spaces at the ends of a line and between words make no difference to the ear."""
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())


@pytest.mark.parametrize(
    "text",
    [
        "2 * 3 is 6, and 2*3 too.",
        "a < b and c > d, List<int> is not HTML.",
        "snake_case and file_name.py stay.",
        "-5 degrees, 3-4 people, 50% of £3.20, 10:30, 1/2.",
        "He said: \"well\" (maybe) - 'yes'.",
        "AT&T and R&D; Q&A.",
        "می‌خواهم کتاب بخوانم.",
        "क्‍ष and ന്‍ are spelled with joiners.",
        "你好，世界。今天是星期一。",
        "สวัสดีครับ วันนี้อากาศดี",
        "© Acme™ costs 5 €.",
        "C# and F# are languages, #1 is a rank.",
        "Write to ann.b@acme.co.uk or see acme.com.",
        "[sic] he wrote.",
    ],
)
def test_what_is_no_markup_stays(text: str) -> None:
    assert spoken(text) == text


@pytest.mark.parametrize(
    ("says", "heard"),
    [
        ("host", "See acme.com, or b.org (and c.net)."),
        ("word", "See link, or link (and link)."),
        ("nothing", "See , or  (and )."),
        ("all", "See https://ann:x@www.acme.com:80/a_(b)?q=1#f, or www.b.org (and ftp://c.net/x)."),
    ],
)
def test_of_an_address_is_said_what_is_chosen(says: Says, heard: str) -> None:
    text = "See https://ann:x@www.acme.com:80/a_(b)?q=1#f, or www.b.org (and ftp://c.net/x)."
    assert spoken(text, [LinkFilter(says)]) == heard


def test_a_link_is_called_so_in_the_conversation_s_language() -> None:
    words = [spoken("https://a.b", [LinkFilter("word")], language) for language in ("de-AT", "fr", "xx")]
    assert words == ["Link", "lien", "link"]


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("Order 1234567 is ready.", "Order 1 2 3 4 5 6 7 is ready."),
        ("Call 0171 555 1234, or +49 30 123456.", "Call 0 1 7 1 5 5 5 1 2 3 4, or +4 9 3 0 1 2 3 4 5 6."),
        ("Your code is 007.", "Your code is 0 0 7."),
        ("In 2024, 12 of 1500 came.", "In 2024, 12 of 1500 came."),
        (
            "$12500, 12500 €, 12,500.50, 0.5 and 10000% stay.",
            "$12500, 12500 €, 12,500.50, 0.5 and 10000% stay.",
        ),
        ("It has 12 050 seats, or 1\u00a0000.", "It has 12 050 seats, or 1\u00a0000."),
        ("At 09:30 on 2024-05-01, 01/02/2024, A12345.", "At 09:30 on 2024-05-01, 01/02/2024, A12345."),
    ],
)
def test_numbers_that_are_names_are_said_digit_by_digit_if_chosen(written: str, heard: str) -> None:
    assert spoken(written, [built_in("numbers")]) == heard
    assert spoken(written) == written


def test_from_how_many_digits_a_number_is_spelled_is_chosen() -> None:
    assert spoken("Room 1234.", [built_in("numbers", "4")]) == "Room 1 2 3 4."
    for wrong in ("1", "21", "all"):
        with pytest.raises(ConfigurationError, match="must be from 2 to 20 digits"):
            built_in("numbers", wrong)


def test_choices_that_there_are_not_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="says 'path'; it must be one of host, word, nothing, all"):
        built_in("links", "path")
    with pytest.raises(ConfigurationError, match="'markup' has nothing to choose; it is given 'all'"):
        built_in("markup", "all")


def test_each_utterance_begins_anew() -> None:
    markup = MarkupFilter()
    assert spoken("```\nnever closed", [markup]) == ""
    assert spoken("Hello.", [markup]) == "Hello."


MARKS = st.sampled_from(
    ["*", "**", "_", "`", "```\n", "~~~\n", "[", "](", ")", "<b>", "</", "<!--", "-->", "|", "\n", "#", "- ", "> ",
     "https://a.b/", "😀", "\u200d", "word", " ", ". ", "&amp;", "\\", "1", "你", "क", "!"]
)  # fmt: skip


@given(st.lists(MARKS, max_size=60).map("".join))
def test_words_are_neither_added_nor_changed(text: str) -> None:
    heard = spoken(text)
    letters = [c for c in text if c in "word你क"]
    rest = iter(letters)
    assert all(c in rest for c in heard if c in "word你क")


@given(st.lists(MARKS, max_size=40).map("".join), st.randoms())
def test_how_the_text_comes_in_makes_no_difference(text: str, random: object) -> None:
    stream, splitter = Filters([built_in(n) for n in DEFAULT], "en", _unfailing), SentenceSplitter()
    pieces = [piece for character in text for piece in splitter.feed(character)] + splitter.flush()
    assert "".join(map(stream.process, pieces)) == spoken(text)


@pytest.mark.parametrize(
    "piece",
    ["*", "_", "`", "[", "](", "![", "<", "<!--", "<b ", "&", "|", "\\", "https://", "www.", "😀", "\u200d", ":-",
     "> ", "a", "- ", "【", "x](y", "[^", "](a(", "~", "=", "#", "1", "0", "+1", "011 ", "011-"],
)  # fmt: skip
def test_the_work_grows_with_the_text_and_not_faster(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    for make in BUILT_IN.values():
        stream = make().open_stream("en")
        began = time.process_time()
        stream.process(text)
        assert time.process_time() - began < 1  # a quadratic one takes minutes


class _Fails(TextFilter, TextFilterStream):
    def open_stream(self, language: str) -> TextFilterStream:
        return self

    def process(self, text: str) -> str:
        raise ZeroDivisionError


def test_a_filter_that_fails_is_left_out_and_told() -> None:
    told: list[Exception] = []
    stream = Filters([_Fails(), MarkupFilter()], "en", lambda _, error: told.append(error))
    assert stream.process("**One.**") == "One."
    assert len(told) == 1


@pytest.mark.parametrize("name", BUILT_IN)
async def test_core_s_filters_keep_the_contract(name: str) -> None:
    await check_text_filter(lambda: built_in(name))


class _Broken(TextFilter):
    """Opens streams of `stream`."""

    stream: type[TextFilterStream]

    def open_stream(self, language: str) -> TextFilterStream:
        return self.stream()


class _GivesNone(TextFilterStream):
    def process(self, text: str) -> str:
        return text or None  # type: ignore[return-value]


class _Counts(TextFilterStream):
    calls = 0

    def process(self, text: str) -> str:
        _Counts.calls += 1
        return f"{text}{_Counts.calls}"


class _Whispers(TextFilterStream):
    def process(self, text: str) -> str:
        return ""


class _NeedsLetters(TextFilterStream):
    def process(self, text: str) -> str:
        return text[0] + text[1:]


@pytest.mark.parametrize(
    ("stream", "sentence"),
    [
        (_GivesNone, r"process: takes any text in any language, and returns text; '' in en is None"),
        (_Counts, r"process: the same pieces give the same text"),
        (_Whispers, r"process: keeps plain words"),
        (_NeedsLetters, r"process: takes any text.*IndexError"),
    ],
)
async def test_the_check_names_the_promise_that_is_broken(
    stream: type[TextFilterStream], sentence: str
) -> None:
    kind = type("Broken", (_Broken,), {"stream": stream})
    with pytest.raises(AssertionError, match=sentence):
        await check_text_filter(kind)
