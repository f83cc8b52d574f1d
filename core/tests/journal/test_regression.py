"""A journal becomes a test that passes, and that fails once the engine decides otherwise."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pytest

from beluga_voice.errors import ConfigurationError
from beluga_voice.journal.regression import write_test

from .conftest import Recorded


def test_the_test_replays_a_copy_beside_it(call: Recorded, tmp_path: Path) -> None:
    module = tmp_path / "test_zoo.py"
    assert write_test(call.journal, module) == tmp_path / "call.jsonl"
    test = runpy.run_path(str(module))["test_decides_as_it_did_in_call"]
    test()
    beside = tmp_path / "call.jsonl"
    beside.write_text(beside.read_text().replace('"endpoint_min":0.35', '"endpoint_min":0.4', 1))
    with pytest.raises(AssertionError, match="recorded"):
        test()


def test_a_journal_that_is_there_already_is_used(call: Recorded, tmp_path: Path) -> None:
    journal = shutil.copy(call.journal, tmp_path / "odd name's 7.jsonl")
    write_test(journal, tmp_path / "test_odd.py")
    runpy.run_path(str(tmp_path / "test_odd.py"))["test_decides_as_it_did_in_odd_name_s_7"]()


def test_another_journal_of_that_name_is_not_overwritten(call: Recorded, tmp_path: Path) -> None:
    (tmp_path / "call.jsonl").write_text("mine")
    with pytest.raises(ConfigurationError, match="is another journal than"):
        write_test(call.journal, tmp_path / "test_zoo.py")
    assert (tmp_path / "call.jsonl").read_text() == "mine"


def test_says_where_it_cannot_be_written(call: Recorded, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"cannot write .*test_zoo.py: No such file or directory; name"
    ):
        write_test(call.journal, tmp_path / "nowhere" / "test_zoo.py")
