"""How English texts end that are not complete."""

from __future__ import annotations

from beluga_voice_heuristic.endings import Endings, table

_CONJUNCTIONS = """
    and, or, but, nor, because, cause, although, even though, unless, until, till, whereas, whether, if,
    even if, as if, than, as, so, so that, plus, versus, such as
"""
_PREPOSITIONS = """
    of, to, for, from, in, on, at, by, with, without, into, onto, upon, about, between, among, during,
    despite, toward, towards, per, via, against, beside, near, within, except, regarding, out of, next to,
    instead of, because of
"""
_ARTICLES = """
    a, an, the, my, your, our, their, its, every
"""
_FILLERS = """
    um, uh, uhm, erm, er, you know, i mean, like, kind of, sort of
"""
_SUBJECTS = """
    i, i'm, i've, i'd, i'll, im, ive, we, we're, we've, we'd, we'll, he, he's, he'll, she's, she'll, they,
    they're, they've, they'd, they'll, it's, that's, there's, you're, let's, lets, gonna, wanna, gotta,
    would like, i want, i need, how about, what about
"""
_COMPLETE = """
    think so, hope so, guess so, suppose so, believe so, so so, even so, not so, how so, turn it on, turn
    that on, turn this on, turn them on, switch it on, put it on, lights on, light on, go on, come on,
    hold on, hang on, move on, later on, and so on, come in, check in, log in, sign in, fill it in, plug
    it in, what for, who for, looking for, asking for, asked for, you from, they from, come from, calling
    from, i don't want to, if you want to, talking to, speaking to, good at, looking at, drop by, stop by,
    close by, talking about, thinking about, help me with, to start with, is it like, look like, looks
    like, sound like, sounds like, feel like, feels like, you like, they like, do you know, if you know,
    let you know, as you know, did you know, what i mean, vitamin a, option a, plan a, grade a
"""

ENGLISH = Endings(
    incomplete=table(", ".join((_CONJUNCTIONS, _PREPOSITIONS, _ARTICLES, _FILLERS, _SUBJECTS))),
    complete=table(_COMPLETE),
)
