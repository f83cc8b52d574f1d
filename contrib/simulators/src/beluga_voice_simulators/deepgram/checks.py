"""What Deepgram takes in the query of an address, and what it refuses."""

from __future__ import annotations

from multidict import MultiMapping

NOVA = (
    "nova-3",
    "nova-3-general",
    "nova-3-medical",
    "nova-2",
    "nova-2-general",
    "nova-2-meeting",
    "nova-2-phonecall",
    "nova-2-conversationalai",
)
FLUX = ("flux-general-en", "flux-general-multi")
VOICES = (
    "aura-2-thalia-en",
    "aura-2-andromeda-en",
    "aura-2-apollo-en",
    "aura-2-arcas-en",
    "aura-2-helena-en",
    "aura-2-celeste-es",
    "aura-asteria-en",
    "aura-luna-en",
    "aura-orion-en",
)
"""Some of the vendor's models."""

ENCODINGS = (
    "linear16",
    "linear32",
    "flac",
    "alaw",
    "mulaw",
    "amr-nb",
    "amr-wb",
    "opus",
    "ogg-opus",
    "speex",
    "g729",
)
RATES = (8000, 16000, 24000, 32000, 48000)
SWITCHES = (
    "interim_results",
    "punctuate",
    "smart_format",
    "numerals",
    "profanity_filter",
    "vad_events",
    "diarize",
)


class Wrong(Exception):
    """A query is refused; the text is the vendor's."""


def check_listen(query: MultiMapping[str]) -> None:
    """Hold the rules of ``/v1/listen``.

    Raises:
        Wrong: one is broken.
    """
    model = query.get("model", "nova-2")
    if model not in NOVA:
        raise Wrong("Bad Request: No such model/version combination found.")
    _check_audio(query)
    for name in SWITCHES:
        if query.get(name, "true") not in ("true", "false"):
            raise Wrong(f"Bad Request: failed to parse query parameter {name}: expected true or false")
    if "keyterm" in query and not model.startswith("nova-3"):
        raise Wrong("Bad Request: Keyterm is only supported by nova-3.")
    if "endpointing" in query and query["endpointing"] not in ("true", "false"):
        _number(query, "endpointing", 0, 60000)
    if "utterance_end_ms" in query:
        _number(query, "utterance_end_ms", 1000, 5000)
        if query.get("interim_results") != "true":
            raise Wrong("Bad Request: utterance_end_ms requires interim_results=true.")


def check_flux(query: MultiMapping[str]) -> None:
    """Hold the rules of ``/v2/listen``.

    Raises:
        Wrong: one is broken.
    """
    if query.get("model") not in FLUX:
        raise Wrong("Bad Request: No such model/version combination found.")
    if query.get("encoding") not in (None, "linear16", "linear32", "alaw", "mulaw", "opus", "ogg-opus"):
        raise Wrong("Bad Request: Unsupported encoding.")
    _check_audio(query)
    check_thresholds(query)
    if "language_hint" in query and query["model"] != "flux-general-multi":
        raise Wrong("Bad Request: language_hint requires flux-general-multi.")


def check_thresholds(given: MultiMapping[str]) -> None:
    """Hold the bounds of Flux's thresholds.

    Raises:
        Wrong: one is out of bounds.
    """
    last = given.get("eot_threshold")
    if last is not None and float(last) != 1.0:
        _number(given, "eot_threshold", 0.5, 0.9)
    if given.get("eager_eot_threshold") is not None:
        eager = _number(given, "eager_eot_threshold", 0.3, 0.9)
        if eager > float(last or 0.7):
            raise Wrong("Bad Request: eager_eot_threshold must not exceed eot_threshold.")
    if given.get("eot_timeout_ms") is not None:
        _number(given, "eot_timeout_ms", 500, 60000)


def check_speak(query: MultiMapping[str]) -> None:
    """Hold the rules of ``/v1/speak``.

    Raises:
        Wrong: one is broken.
    """
    if query.get("model", "aura-asteria-en") not in VOICES:
        raise Wrong("Bad Request: No such model/version combination found.")
    if query.get("encoding", "linear16") != "linear16":
        raise Wrong("The simulator speaks linear16 only.")
    if int(_number(query, "sample_rate", 8000, 48000)) not in RATES if "sample_rate" in query else False:
        raise Wrong(f"Bad Request: Unsupported sample_rate. Supported: {', '.join(map(str, RATES))}.")
    if "speed" in query:
        _number(query, "speed", 0.7, 1.5)


def _check_audio(query: MultiMapping[str]) -> None:
    encoding = query.get("encoding")
    if encoding is not None and encoding not in ENCODINGS:
        raise Wrong("Bad Request: Unsupported encoding.")
    if encoding is not None and "sample_rate" not in query:
        raise Wrong("Bad Request: sample_rate is required when encoding is given.")
    if encoding is None or encoding != "linear16":
        raise Wrong("The simulator hears linear16 only: encoding=linear16 and a sample_rate.")
    _number(query, "sample_rate", 8000, 48000)


def _number(query: MultiMapping[str], name: str, low: float, high: float) -> float:
    try:
        value = float(query[name])
    except ValueError:
        raise Wrong(f"Bad Request: failed to parse query parameter {name}: invalid digit found") from None
    if not low <= value <= high:
        raise Wrong(f"Bad Request: {name} must be between {low:g} and {high:g}.")
    return value
