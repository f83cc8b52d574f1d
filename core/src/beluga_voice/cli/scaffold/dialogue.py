"""Templates of what thinks, reads and remembers. Each is settings, provider, test."""

from __future__ import annotations

LLM = (
    """
    answer: str = Field(default="I do not know.", min_length=1, description="What it says to everything.")
""",
    '''"""A language model with one answer. Put the vendor's in its place."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from beluga_voice.contracts import LLM, Finished, FinishReason, TextDelta, ToolChoice, ToolSpec
from beluga_voice.contracts.llm import LLMChunk, LLMMessage
from beluga_voice.errors import ClosedError
from $package.settings import ${Name}LLMSettings


class ${Name}LLM(LLM):
    """Says the same to everything, word by word."""

    provider_name = "$name"
    model_name = "one-answer"

    def __init__(self, settings: ${Name}LLMSettings | None = None) -> None:
        self.settings = settings or ${Name}LLMSettings()
        self._closed = False

    async def stream(
        self,
        messages: Sequence[LLMMessage],
        tools: Sequence[ToolSpec] = (),
        *,
        tool_choice: ToolChoice = ToolChoice.AUTO,
    ) -> AsyncGenerator[LLMChunk, None]:
        """Answer `messages`."""
        if self._closed:
            raise ClosedError("this ${Name}LLM was closed; make a new one")
        for word in self.settings.answer.split():
            yield TextDelta(f"{word} ")
        yield Finished(FinishReason.STOP)

    async def aclose(self) -> None:
        """Answer no more."""
        self._closed = True
''',
    '''"""The language model keeps its contract."""

from __future__ import annotations

from beluga_voice.testing import check_llm
from $package.llm import ${Name}LLM


async def test_keeps_the_contract_of_a_language_model() -> None:
    await check_llm(${Name}LLM)
''',
)

AGENT = (
    """
    phrase: str = Field(default="You said:", description="What its replies begin with.")
""",
    '''"""An agent that says again what it is told. Put your own in its place."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from beluga_voice.contracts import Agent, Turn
from $package.settings import ${Name}AgentSettings


class ${Name}Agent(Agent):
    """Says again what the caller said."""

    def __init__(self, settings: ${Name}AgentSettings | None = None) -> None:
        self.settings = settings or ${Name}AgentSettings()

    async def reply(self, turn: Turn) -> AsyncGenerator[str, None]:
        """Answer `turn`."""
        yield f"{self.settings.phrase} "
        yield turn.text
''',
    '''"""The agent keeps its contract."""

from __future__ import annotations

from beluga_voice.testing import check_agent
from $package.agent import ${Name}Agent


async def test_keeps_the_contract_of_an_agent() -> None:
    await check_agent(${Name}Agent)
''',
)

CLASSIFIER = (
    """
    stop: tuple[str, ...] = Field(default=("stop", "wait", "no"), description="Words that take the floor.")
    backchannels: tuple[str, ...] = Field(
        default=("mhm", "yeah", "okay"), description="Words that do not take it."
    )
""",
    '''"""An interruption classifier by lists of words. Put your own in its place."""

from __future__ import annotations

import re

from beluga_voice.contracts import Interruption, InterruptionClassifier
from $package.settings import ${Name}ClassifierSettings


class ${Name}Classifier(InterruptionClassifier):
    """Tells stop words and backchannels by their lists."""

    def __init__(self, settings: ${Name}ClassifierSettings | None = None) -> None:
        chosen = settings or ${Name}ClassifierSettings()
        self._stop, self._backchannels = set(chosen.stop), set(chosen.backchannels)

    def classify(self, text: str, language: str) -> Interruption:
        """Judge `text`."""
        words = set(re.findall(r"\\w+", text.casefold()))
        if not words:
            return Interruption.NONE
        if words & self._stop:
            return Interruption.STOP
        return Interruption.BACKCHANNEL if words <= self._backchannels else Interruption.WORDS
''',
    '''"""The classifier keeps its contract."""

from __future__ import annotations

from beluga_voice.testing import check_classifier
from $package.classifier import ${Name}Classifier


async def test_keeps_the_contract_of_a_classifier() -> None:
    await check_classifier(${Name}Classifier)
''',
)

TEXT_FILTER = (
    """
    say: dict[str, str] = Field(
        default_factory=lambda: {"&": "and", "%": "percent"}, description="What is said in the place of what."
    )
""",
    '''"""A text filter that says symbols as words. Put your own in its place."""

from __future__ import annotations

from beluga_voice.contracts import TextFilter, TextFilterStream
from $package.settings import ${Name}TextFilterSettings


class ${Name}TextFilter(TextFilter):
    """Says symbols as words."""

    def __init__(self, settings: ${Name}TextFilterSettings | None = None) -> None:
        self.settings = settings or ${Name}TextFilterSettings()

    def open_stream(self, language: str) -> ${Name}TextFilterStream:
        """Open a stream for one utterance."""
        return ${Name}TextFilterStream(self.settings)


class ${Name}TextFilterStream(TextFilterStream):
    """One utterance's text."""

    def __init__(self, settings: ${Name}TextFilterSettings) -> None:
        self._say = settings.say

    def process(self, text: str) -> str:
        """Return how the next piece is spoken."""
        for written, spoken in self._say.items():
            text = text.replace(written, spoken)
        return text
''',
    '''"""The text filter keeps its contract."""

from __future__ import annotations

from beluga_voice.testing import check_text_filter
from $package.text_filter import ${Name}TextFilter


async def test_keeps_the_contract_of_a_text_filter() -> None:
    await check_text_filter(${Name}TextFilter)


def test_says_symbols_as_words() -> None:
    stream = ${Name}TextFilter().open_stream("en")
    assert stream.process("5 % & more") == "5 percent and more"
''',
)

SESSION_STORE = (
    """
    folder: Path = Field(
        default=Path("$name-sessions"), description="Where a file for each session is kept; made if need be."
    )
""",
    '''"""A session store of one file for each session. Put your own in its place."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from beluga_voice.contracts import SessionSnapshot, SessionStore
from beluga_voice.conversation import Message, Role
from beluga_voice.errors import ClosedError
from $package.settings import ${Name}SessionStoreSettings


class ${Name}SessionStore(SessionStore):
    """Keeps the words of each session in a file of its own, without calls of tools.

    Writing a small file is quick enough for the loop; a store over the network waits for its answer instead.
    """

    def __init__(self, settings: ${Name}SessionStoreSettings | None = None) -> None:
        self.settings = settings or ${Name}SessionStoreSettings()
        self._open = False

    async def open(self) -> None:
        """Make the folder, for its owner alone: what was said is personal."""
        self.settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._open = True

    async def aclose(self) -> None:
        """Keep no more."""
        self._open = False

    async def save(self, snapshot: SessionSnapshot) -> None:
        """Keep `snapshot` in place of what was kept of this session."""
        path = self._path(snapshot.session_id)
        history = [(str(each.role), each.text, each.turn, each.interrupted) for each in snapshot.history]
        kept = {
            "session_id": snapshot.session_id,
            "saved_at": snapshot.saved_at,
            "history": history,
            "profile": snapshot.profile,
            "data": dict(snapshot.data),
        }
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(kept), encoding="utf-8")
        os.replace(draft, path)

    async def load(self, session_id: str) -> SessionSnapshot | None:
        """Return the latest snapshot; None if there is none."""
        path = self._path(session_id)
        return _read(path) if path.exists() else None

    async def delete(self, session_id: str) -> None:
        """Forget a session."""
        self._path(session_id).unlink(missing_ok=True)

    async def expire(self, before: float) -> int:
        """Forget what was saved earlier than `before`."""
        self._check()
        old = [path for path in self.settings.folder.glob("*.json") if _read(path).saved_at < before]
        for path in old:
            path.unlink()
        return len(old)

    def _path(self, session_id: str) -> Path:
        self._check()
        return self.settings.folder / f"{hashlib.sha256(session_id.encode()).hexdigest()}.json"

    def _check(self) -> None:
        if not self._open:
            raise ClosedError("this ${Name}SessionStore is not open; open it first")


def _read(path: Path) -> SessionSnapshot:
    kept = json.loads(path.read_text(encoding="utf-8"))
    history = tuple(
        Message(Role(role), text, turn, interrupted=interrupted)
        for role, text, turn, interrupted in kept["history"]
    )
    return SessionSnapshot(kept["session_id"], kept["saved_at"], history, kept["profile"], kept["data"])
''',
    '''"""The session store keeps its contract."""

from __future__ import annotations

from pathlib import Path

from beluga_voice.testing import check_session_store
from $package.session_store import ${Name}SessionStore
from $package.settings import ${Name}SessionStoreSettings


async def test_keeps_the_contract_of_a_session_store(tmp_path: Path) -> None:
    settings = ${Name}SessionStoreSettings(folder=tmp_path)
    await check_session_store(lambda: ${Name}SessionStore(settings))
''',
)
