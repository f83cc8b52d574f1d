"""``python -m beluga_voice`` is the command ``beluga-voice``."""

from beluga_voice.cli import main

main(prog_name="beluga-voice")
