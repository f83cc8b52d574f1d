from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beluga_voice.sentences import SentenceSplitter


def split(text: str, *, first_min: int = 1000, max_length: int = 400) -> list[str]:
    """Feed the text whole; the first piece is as any other unless `first_min` says otherwise."""
    splitter = SentenceSplitter(first_min=first_min, max_length=max_length)
    return splitter.feed(text) + splitter.flush()


@pytest.mark.parametrize(
    "marked",  # pieces end at the bars
    [
        "Hello. |How are you? |Fine!",
        "It costs 3.5 euros. |Or $1,000.50. |Good.",
        "Dr. Smith met Mrs. Jones. |They talked.",
        "J. R. R. Tolkien wrote it. |So do I. |Yes.",
        "The U.S. Army came. |Then it left.",
        "We met at 5 p.m. yesterday. |Come at 6 p.m. |Bring wine.",
        "Fruit, e.g. apples, i.e. Those. |Pears etc. are fine, nuts etc. |All good.",
        "See no. 5 and fig. 3. |No. |That is wrong.",
        "See https://example.com/a.html?b=c.d for more. |Or www.example.com. |Or me@example.org!",
        "Well... |I think so… |Maybe.",
        "What?! |Really!? |Yes!!! |Go.",
        'She said "Go." |Then "Stop!" she cried. |(It was late.) |So.',
        "“Really?” she asked. |‘Yes.’ |**Bold.** |Plain.",
        "First line\n|Second line\r\n|Third",
        "\n\nOne.\n|\nTwo.\n|",
        "One. |  Two.\t|Three.",
        "1. Milk\n|2. Bread\n|It was 1999. |Then 2000.",
        "今天天气很好。|你呢？|「是的。」|好！|她说：走",
        "नमस्ते। |आप कैसे हैं? |ठीक",
        "هل أنت بخير؟ |نعم",
        "Bonjour ! |Ça va ?",
        "Version 2.0.1 is out. |v3.",
        "Он жил в 1990 г. в Москве. |Как дела? |Да!",
        "А. С. Пушкин писал стихи. |Они известны.",
        "こんにちは。|「元気ですか？」|はい！|では",
        "안녕하세요. |어떻게 지내세요? |네.",
        "سلام. |حال شما چطور است؟ |خوبم.",
        "میں ٹھیک ہوں۔ |شکریہ۔",
        "আমি ভালো আছি। |আপনি?",
        "மதுரை நகரம். |சரி!",
        "Γεια σας. |Τι κάνετε; |Καλά.",
        "שלום. |מה שלומך? |טוב.",
        "Բարեւ։ |Ինչպե՞ս ես։",
        "ሰላም። |እንዴት ነህ፧ |ደህና",
        "မင်္ဂလာပါ။ |နေကောင်းလား။",
        "សួស្តី។ |អ្នកសុខសប្បាយទេ?",
        "བདེ་ལེགས། |ཁྱེད་རང་།",
        "Am 3. Mai kam sie, am 24. Dezember er. |Seite 12. |Gut.",
        "Dne 5. května. |Dnes.",
        "a.b.c d.e",
        "Hi - there, you; all: of you - now.",
        "... --- !!! Hello. |?",
        "",
        "No mark at all",
    ],
)
def test_cuts_at_the_ends_of_sentences_and_lines(marked: str) -> None:
    assert split(marked.replace("|", "")) == [piece for piece in marked.split("|") if piece]


@pytest.mark.parametrize(
    ("marked", "first_min"),
    [
        ("Well, |let me see, I think, yes. |And so on, and on.", 5),
        ("Well, let me see, |I think, yes.", 6),
        ("Hi. |Well, well, well, well.", 5),
        ("Let me look: |there, it is.", 10),
        ("Let me look - |there, it is.", 10),
        ("Let me look—|there, it is.", 10),
        ("It is 1,000,000 or 10:30 now; |or not, so.", 10),
        ("让我看看，|好的，是的。|好，好", 3),
        ("สวัสดีครับผม |วันนี้อากาศดี |ราคา 5 บาท", 10),
        ("สวัสดี ครับ", 10),
        ("ສະບາຍດີບໍ່ເຈົ້າ |ຂ້ອຍສະບາຍດີ", 10),
    ],
)
def test_the_first_piece_may_end_at_a_clause(marked: str, first_min: int) -> None:
    assert split(marked.replace("|", ""), first_min=first_min) == marked.split("|")


def test_gives_a_piece_as_soon_as_its_end_is_known() -> None:
    splitter = SentenceSplitter()
    assert splitter.feed("It is 3") == []
    assert splitter.feed(".") == []
    assert splitter.feed("5 degrees.") == []
    assert splitter.feed(" ") == ["It is 3.5 degrees. "]
    assert splitter.feed("At 5 p.m. ") == []
    assert splitter.feed("W") == ["At 5 p.m. "]
    assert splitter.flush() == ["W"]


def test_a_flush_ends_the_reply_so_that_the_next_begins_early_again() -> None:
    splitter = SentenceSplitter(first_min=3)
    for _ in range(2):
        assert splitter.feed("Well, so, it") == ["Well, "]
        assert splitter.flush() == ["so, it"]
        assert splitter.flush() == []


def test_cuts_a_text_without_marks_at_the_last_whitespace_that_fits() -> None:
    assert split("abcd " * 10, max_length=23) == ["abcd " * 4, "abcd " * 4, "abcd " * 2]


def test_cuts_a_long_sentence_after_its_last_clause_that_fits() -> None:
    text = "one two three, four five six seven eight"
    assert split(text, max_length=24) == ["one two three, ", "four five six seven ", "eight"]


def test_cuts_a_text_without_whitespace_at_the_length() -> None:
    assert split("x" * 50, max_length=20) == ["x" * 20, "x" * 20, "x" * 10]


def test_does_not_cut_a_letter_from_its_accents() -> None:
    assert split("x" * 19 + "e\u0301\u0302" + "y" * 5, max_length=20) == ["x" * 19, "e\u0301\u0302yyyyy"]


@pytest.mark.parametrize(
    "unit", ["x", "x ", ". ", "a.b ", "e.g. ", "etc. ", " ", "\n", "。", "—", "\u0301", "\N{PILE OF POO}"]
)
def test_an_endless_text_neither_piles_up_nor_takes_long(unit: str) -> None:
    splitter = SentenceSplitter()
    started = time.perf_counter()
    pieces = splitter.feed(unit * (50_000 // len(unit)))
    assert time.perf_counter() - started < 2
    assert sum(map(len, splitter.flush())) <= 400
    assert max(map(len, pieces), default=0) <= 400


@pytest.mark.parametrize("arguments", [{"first_min": 0}, {"max_length": 19}])
def test_refuses_lengths_that_make_no_sense(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be at least"):
        SentenceSplitter(**arguments)


TOKENS = st.sampled_from(
    [
        *" \n.!?…,;:-—'\")]。，」1aA",
        "  ",
        "\r\n",
        "etc.",
        "e.g.",
        "Dr.",
        "no.",
        "p.m.",
        "U.S.",
        "hello",
        "3.5",
        "é",
        "3.",
        "Mai",
        "สวัส",
        "ς;",
        "।",
        "e\u0301",
    ]
)
TEXTS = st.one_of(st.lists(TOKENS, max_size=60).map("".join), st.text(max_size=60))


@settings(max_examples=500)
@given(TEXTS, st.lists(st.integers(0, 200), max_size=20), st.integers(1, 30), st.integers(20, 40))
def test_pieces_join_to_the_text_and_do_not_depend_on_how_it_came(
    text: str, cuts: list[int], first_min: int, max_length: int
) -> None:
    whole = split(text, first_min=first_min, max_length=max_length)
    assert "".join(whole) == text
    assert all(0 < len(piece) <= max_length for piece in whole)
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    splitter = SentenceSplitter(first_min=first_min, max_length=max_length)
    pieces = [piece for a, b in pairwise(edges) for piece in splitter.feed(text[a:b])]
    assert pieces + splitter.flush() == whole
    pieces = [piece for character in text for piece in splitter.feed(character)]
    assert pieces + splitter.flush() == whole
