"""Make pictures of the page in all its states, to be looked at: python tools/screenshots.py FOLDER."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Have the browser's tests make them; what they skip or fail by is told."""
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/browser/test_states.py"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "SCREENSHOTS": str(folder)}, check=False)
    for picture in sorted(folder.glob("*.png")):
        print(picture)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
