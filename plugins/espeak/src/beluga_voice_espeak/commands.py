# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plugin adds to the command line."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def espeak_voices(as_json: bool) -> None:
    """List the voices and variants of espeak-ng."""
    from beluga_voice_espeak.engine import Engine

    engine = Engine.acquire()
    try:
        voices = engine.submit(lambda library: library.voices()).result()
        variants = engine.submit(lambda library: library.variants()).result()
    finally:
        engine.release()
    if as_json:
        listed = [{"voice": language, "name": name} for language, name in voices]
        click.echo(json.dumps({"voices": listed, "variants": variants}, ensure_ascii=False))
        return
    for language, name in voices:
        click.echo(f"{language:16} {name}")
    click.echo(f"\nVariants, as in en-us+f3: {', '.join(variants)}")
