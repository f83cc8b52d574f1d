"""Print what is decided in scenes: ``python -m tests.conversations [part of a name]``, for writing them.

With ``--table`` prints the table of rules and the scenes that exercise them: ``rules.md``.
"""

from __future__ import annotations

import sys

from .screenplay import read_all
from .stage import play
from .table import table

if sys.argv[1:] == ["--table"]:
    print(table(read_all()), end="")
else:
    for scene in read_all():
        if not sys.argv[1:] or sys.argv[1] in scene.name:
            print(f"## {scene.name}\n{play(scene).told()}\n")
