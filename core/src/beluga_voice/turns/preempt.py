"""Replies that begin before the caller's turn has closed (rule 7)."""

from __future__ import annotations

from collections import Counter

from beluga_voice import events as ev
from beluga_voice.events import Outcome
from beluga_voice.turns import speaking
from beluga_voice.turns.draft import Draft
from beluga_voice.turns.policy import TurnPolicy
from beluga_voice.turns.state import Awaits, replace

SIMILAR = 0.8
"""Share of words in common above which two texts are similar."""

MARKS = ".,;:!?…'\"`´‘’“”«»()[]{}<>-–—_/\\*#¡¿。、，！？：；「」"
"""What may stand around a word and is none of it."""


def start(draft: Draft) -> None:
    """The words have been the same for long enough: have them answered, unless what answers them is on its way."""
    state, turn = draft.state, draft.state.turn
    if turn is None:
        return
    turn = draft.turn(tried=turn.changed)
    early = state.early
    if early is not None and keeps(state.policy, early.answers, turn.text):
        return
    drop(draft, "the words changed")
    speaking.start_reply(draft, turn.number, turn.text, "7", preemptive=True)


def keep(draft: Draft, turn: int, text: str) -> int:
    """The turn has closed: let the reply that was begun live, by the strategy.

    Returns:
        The reply's number; 0 if there is none, or it was dropped.
    """
    early = draft.state.early
    if early is None:
        return 0
    if not keeps(draft.state.policy, early.answers, text):
        drop(draft, "the words changed")
        return 0
    since = early.since if early.awaits is Awaits.NOTHING else draft.now
    draft.put(replace(early, preemptive=False, since=since))
    draft.announce(ev.ReplyKept(draft.now, turn, early.number), "7", before=early.answers, text=text)
    return early.number


def drop(draft: Draft, reason: str) -> None:
    """End the reply that was begun before the close, if there is one; nothing of it was heard."""
    early = draft.state.early
    if early is not None:
        speaking.end(draft, early, Outcome.CUT, reason, "7", commit=False)


def keeps(policy: TurnPolicy, answered: str, text: str) -> bool:
    """Whether a reply to `answered` is good for `text`: always, when equal, or when similar."""
    if policy.preemptive == "always_use":
        return True
    before, after = _words(answered), _words(text)
    if policy.preemptive == "discard":
        return before == after
    common = sum((Counter(before) & Counter(after)).values())
    return common > SIMILAR * max(len(before), len(after))


def _words(text: str) -> list[str]:
    """The words, without regard to case and to the marks around them."""
    return [plain for word in text.casefold().split() if (plain := word.strip(MARKS))]
