"""The form of a journal, version 1.

JSON Lines: one object a line, in ASCII, ended by a line feed, written at once.

    {"journal":1,"version":"0.1.0","session":"...","language":"en","content":true,"state":"initial",
     "policy":{...},"abilities":{...}}                  first: what decisions depend on
    {"event":{"type":"SpeechStarted",...},"commands":[{"type":"SetTimer",...},...]}
                                                        an observed event, and what the engine decided by it
    {"event":{"type":"UtteranceEnded",...}}             an event that the session tells of
    {"vad":{"start":0,"window":512,"rate":16000,"scores":[3,0,998]}}
                                                        scores of consecutive windows, in thousandths
    {"end":"complete"}                                  last, or "full": the bound on its size was reached

A last line without a line feed was torn off in writing; a journal without an end was cut off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite

from beluga_voice._version import __version__
from beluga_voice.errors import ConfigurationError, JournalError
from beluga_voice.events import SessionState
from beluga_voice.journal.codec import decode_fields, expect
from beluga_voice.turns import Abilities, State, TurnPolicy

FORMAT = 1
"""The version of the form that is written."""

COMPLETE = "complete"
FULL = "full"

START_STATES = (SessionState.INITIAL, SessionState.ENDED)
"""What a session may be when it starts: new, or started again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the decisions of a session depend on, and where they come from.

    Attributes:
        version: of the beluga-voice that wrote the journal.
        session_id: names the session.
        language: BCP 47 tag of the conversation.
        content: whether words are as they were said; if not, each is a token that tells only which are equal.
        state: what the session was as it started.
        policy: how turns were taken.
        abilities: what its parts could do.
    """

    session_id: str
    language: str = "en"
    content: bool = True
    state: SessionState = SessionState.INITIAL
    policy: TurnPolicy
    abilities: Abilities
    version: str = __version__

    def begin(self, policy: TurnPolicy | None = None) -> State:
        """Return the engine's state before the first event, under another policy if given."""
        return State(policy=policy or self.policy, abilities=self.abilities, visible=self.state)


def encode_header(header: Header) -> dict[str, object]:
    """Give the first line as JSON's types."""
    return {
        "journal": FORMAT,
        "version": header.version,
        "session": header.session_id,
        "language": header.language,
        "content": header.content,
        "state": header.state,
        "policy": asdict(header.policy),
        "abilities": asdict(header.abilities),
    }


def decode_header(value: object) -> Header:
    """Read the first line.

    Raises:
        JournalError: it is of no journal, of a version that is not read here, or names what is not known.
    """
    table = expect(value, dict, "header of a journal")
    version = table.get("version")
    if "journal" not in table:
        raise JournalError(
            "no journal: its first line has no 'journal'; name a file that a session has written"
        )
    if table["journal"] not in _READERS or isinstance(table["journal"], bool):
        raise JournalError(
            f"a journal of format {table['journal']!r}, written by beluga-voice {version}; beluga-voice "
            f"{__version__} reads format {', '.join(map(str, _READERS))}: use the version that wrote it"
        )
    try:
        return _READERS[table["journal"]](table)
    except (JournalError, ConfigurationError) as error:
        raise JournalError(
            f"{error}. It was written by beluga-voice {version}; this is {__version__}"
        ) from None


def _decode_1(table: Mapping[str, object]) -> Header:
    known = {"journal", "version", "session", "language", "content", "state", "policy", "abilities"}
    for name in table.keys() ^ known:
        raise JournalError(f"a header {'with unknown' if name in table else 'without'} {name!r}")
    state = expect(table["state"], str, "state")
    if state not in START_STATES:
        raise JournalError(f"a session that starts as {state!r}; it starts as {' or '.join(START_STATES)}")
    abilities = decode_fields(Abilities, expect(table["abilities"], dict, "object"))
    if not (isfinite(abilities.stt_delay) and 0 <= abilities.stt_delay <= 3600):
        raise JournalError(f"Abilities.stt_delay is {abilities.stt_delay}; it must be from 0 to 3600")
    return Header(
        version=expect(table["version"], str, "version"),
        session_id=expect(table["session"], str, "session's name"),
        language=expect(table["language"], str, "language"),
        content=expect(table["content"], bool, "true or false"),
        state=SessionState(state),
        policy=decode_fields(TurnPolicy, expect(table["policy"], dict, "object")),
        abilities=abilities,
    )


_READERS = {1: _decode_1}
"""How a header is read, by the version of its form."""
