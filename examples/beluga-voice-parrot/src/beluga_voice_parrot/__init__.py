"""The made-up vendor Parrot, as a plugin of beluga-voice: a recognizer, a voice, and a hook of each sort."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beluga_voice.hookspecs import hookimpl

if TYPE_CHECKING:
    import click

    from beluga_voice.commands import Command
    from beluga_voice.events import Event
    from beluga_voice.facts import EndFacts, SessionFacts, TurnFacts
    from beluga_voice.hookspecs import (
        RegisterCheck,
        RegisterInterruptionClassifier,
        RegisterSTT,
        RegisterTextFilter,
        RegisterTTS,
    )


@hookimpl
def register_stt(register: RegisterSTT) -> None:
    """Register ``parrot``, which hears."""
    register(
        "parrot", "beluga_voice_parrot.stt:ParrotSTT", settings="beluga_voice_parrot.settings:ParrotSettings"
    )


@hookimpl
def register_tts(register: RegisterTTS) -> None:
    """Register ``parrot``, which speaks."""
    register(
        "parrot", "beluga_voice_parrot.tts:ParrotTTS", settings="beluga_voice_parrot.settings:ParrotSettings"
    )


@hookimpl
def register_text_filter(register: RegisterTextFilter) -> None:
    """Register ``parrot``, which leaves out what no parrot can say."""
    register("parrot", "beluga_voice_parrot.words:ParrotTextFilter")


@hookimpl
def register_interruption_classifier(register: RegisterInterruptionClassifier) -> None:
    """Register ``parrot``, which knows ``hush``."""
    register("parrot", "beluga_voice_parrot.words:ParrotClassifier")


@hookimpl
def register_checks(register: RegisterCheck) -> None:
    """Register how recognizer and voice are checked: with the vendor in memory."""
    register("stt", "parrot", "beluga_voice_parrot.checks:check_recognizer")
    register("tts", "parrot", "beluga_voice_parrot.checks:check_voice")


@hookimpl
def register_commands(group: click.Group) -> None:
    """Add ``parrot``, which serves the vendor on this machine."""
    from beluga_voice_parrot.command import parrot

    group.add_command(parrot)


@hookimpl
def session_started(session: SessionFacts) -> None:
    """Begin to count."""
    from beluga_voice_parrot.counts import COUNTS

    COUNTS.start(session.session_id)


@hookimpl
def session_event(session: SessionFacts, event: Event, commands: tuple[Command, ...]) -> None:
    """Count an event and the commands that it led to."""
    from beluga_voice_parrot.counts import COUNTS

    COUNTS.add(session.session_id, events=1, commands=len(commands))


@hookimpl
def turn_completed(session: SessionFacts, turn: TurnFacts) -> None:
    """Count a turn."""
    from beluga_voice_parrot.counts import COUNTS

    COUNTS.add(session.session_id, turns=1)


@hookimpl
def session_ended(session: SessionFacts, end: EndFacts) -> None:
    """Log what was counted."""
    from beluga_voice_parrot.counts import COUNTS

    COUNTS.end(session.session_id, end.duration)
