"""The command line ``beluga-voice``."""

from beluga_voice.cli.main import main, run_agent

__all__ = ["main", "run_agent"]
