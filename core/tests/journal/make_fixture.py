"""Writes fixtures/format-1.jsonl: the journal of a call between the fakes, in the first format.

Run it from the repository's root when the rules change on purpose before a release:
``uv run python -m core.tests.journal.make_fixture``. A released version's journal stays as it is.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from beluga_voice.clock import run_virtual
from beluga_voice.testing import ScriptedTurnDetector

from .conftest import have_call


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        call = run_virtual(
            have_call(
                Path(folder),
                session_id="fixture",
                greeting="Hello.",
                detector=ScriptedTurnDetector(),
                record="",
            )
        )
        target = Path(__file__).parent / "fixtures" / "format-1.jsonl"
        target.write_bytes(call.journal.read_bytes())


if __name__ == "__main__":
    main()
