"""The command line ``beluga-voice``."""

from beluga_voice.cli.main import main

__all__ = ["main"]
