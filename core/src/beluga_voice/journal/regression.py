"""A journal as a test: what was decided once is decided again."""

from __future__ import annotations

import re
from pathlib import Path

from beluga_voice.errors import ConfigurationError

_TEST = '''"""Replays {name}, the journal of a session: what was decided then is decided again."""

from __future__ import annotations

from pathlib import Path

from beluga_voice.journal.reader import read_journal
from beluga_voice.journal.replay import replay

JOURNAL = Path(__file__).with_name({literal})


def test_decides_as_it_did_in_{slug}() -> None:
    differences = replay(read_journal(JOURNAL))
    assert not differences, "\\n".join(map(str, differences[:3]))
'''


def write_test(journal: Path, output: Path) -> Path:
    """Write a pytest module that replays a journal, and put a copy of the journal beside it.

    Args:
        journal: is copied into the folder of `output`, unless it stands there already.
        output: the module; overwritten.

    Returns:
        The journal that the test reads.

    Raises:
        ConfigurationError: a file cannot be written, or another journal of that name stands beside the test.
    """
    beside = output.parent / journal.name
    slug = re.sub(r"\W+", "_", journal.stem, flags=re.ASCII).strip("_").lower() or "a_session"
    text = _TEST.format(name=journal.name.replace('"', "'"), literal=repr(journal.name), slug=slug)
    data = journal.read_bytes()
    if beside.exists() and beside.read_bytes() != data:
        raise ConfigurationError(
            f"{beside} is another journal than {journal}; name a folder without it, or rename one of them"
        )
    try:
        beside.write_bytes(data)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {output}: {error.strerror}; name a file in a folder that can be written"
        ) from error
    return beside
