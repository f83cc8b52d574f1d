"""Which files of a model's folder are what.

A recognizer's files are told apart by their names, a voice's by what they say of themselves. What the engine
would end the process for is refused here, with the remedy.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from beluga_voice.errors import ConfigurationError, ProviderError
from beluga_voice_sherpa_onnx.onnx_file import metadata

TOKENS = "tokens.txt"

RecognizerKind = Literal["transducer", "paraformer", "zipformer2_ctc", "nemo_ctc"]
VoiceKind = Literal["vits", "kokoro", "kitten", "matcha"]

_TRANSDUCERS = frozenset({"conformer", "ebranchformer", "lstm", "zipformer", "zipformer2"})
_CTC_KEYS = ("encoder_dims", "query_head_dims", "value_head_dims", "num_heads", "num_encoder_layers")
_NEEDED: dict[str, tuple[str, ...]] = {
    "zipformer2_ctc": (*_CTC_KEYS, "cnn_module_kernels", "left_context_len", "T", "decode_chunk_len"),
    "nemo_ctc": ("window_size", "chunk_shift", "subsampling_factor", "vocab_size"),
    "paraformer": ("vocab_size", "lfr_window_size", "lfr_window_shift", "neg_mean", "inv_stddev"),
    "vits": ("sample_rate", "n_speakers", "language", "comment"),
    "kokoro": ("sample_rate", "n_speakers", "has_espeak", "style_dim"),
    "kitten": ("sample_rate", "n_speakers", "has_espeak", "style_dim"),
    "matcha": ("sample_rate", "n_speakers", "use_eos_bos", "pad_id"),
}
"""What the engine reads of a model's metadata, and cannot do without."""


@dataclass(frozen=True, slots=True)
class RecognizerFiles:
    """The files of a streaming recognizer; those that its kind does not have are empty."""

    kind: RecognizerKind
    tokens: str
    model: str = ""
    encoder: str = ""
    decoder: str = ""
    joiner: str = ""


@dataclass(frozen=True, slots=True)
class VoiceFiles:
    """The files of a voice; those that its kind does not have are empty.

    Attributes:
        lexicon: paths, parted by commas.
    """

    kind: VoiceKind
    tokens: str
    model: str
    lexicon: str = ""
    voices: str = ""
    vocoder: str = ""


def recognizer_files(folder: Path) -> RecognizerFiles:
    """Find the files of a recognizer.

    Raises:
        ConfigurationError: there is no such folder, or a file is missing.
        ProviderError: a file is no model of a kind that is known.
    """
    inner = _with_tokens(folder)
    tokens = str(inner / TOKENS)
    encoder, decoder, joiner = (_model(inner, f"*{part}*") for part in ("encoder", "decoder", "joiner"))
    if encoder is not None and decoder is not None:
        kind: RecognizerKind = "paraformer" if joiner is None else "transducer"
        _check_encoder(kind, encoder)
        parts = {"encoder": str(encoder), "decoder": str(decoder), "joiner": str(joiner or "")}
        return RecognizerFiles(kind, tokens, **parts)
    model = _model(inner, "*")
    if model is None:
        raise ConfigurationError(
            f"{str(inner)!r} holds no model; needed are encoder, decoder and joiner, encoder and decoder, or one "
            "model, each .onnx"
        )
    kind = "zipformer2_ctc" if metadata(model).get("model_type") == "zipformer2" else "nemo_ctc"
    _need(kind, model)
    return RecognizerFiles(kind, tokens, model=str(model))


def voice_files(folder: Path, lexicon: Path | None = None) -> VoiceFiles:
    """Find the files of a voice.

    Args:
        folder: that of the model; the lexicon may be beside the folder that an archive had.
        lexicon: to be used instead of those in the folder.

    Raises:
        ConfigurationError: there is no such folder, or a file is missing.
        ProviderError: a file is no model of a kind that is known.
    """
    inner = _with_tokens(folder)
    vocoder = _model(inner, "*vocos*") or _model(inner, "*hifigan*") or _model(folder, "*vocos*")
    voices = inner / "voices.bin"
    model = _model(inner, "*", other_than=vocoder)
    if model is None:
        raise ConfigurationError(f"{str(inner)!r} holds no model; needed is the .onnx of a voice")
    said = metadata(model)
    kind: VoiceKind = "vits" if vocoder is None else "matcha"
    if voices.is_file():
        kind = "kitten" if said.get("model_type") == "kitten-tts" else "kokoro"
    _need(kind, model)
    needs_lexicon = said.get("frontend") != "characters"
    return VoiceFiles(
        kind,
        str(inner / TOKENS),
        str(model),
        lexicon=_lexicon(folder, inner, lexicon) if needs_lexicon else "",
        voices=str(voices) if voices.is_file() else "",
        vocoder=str(vocoder or ""),
    )


def _with_tokens(folder: Path) -> Path:
    """The folder itself, or the only one within that holds a model, as an archive unpacks."""
    if not folder.is_dir():
        raise ConfigurationError(f"model is {str(folder)!r}, which is no folder; give the path of one")
    if (folder / TOKENS).is_file():
        return folder
    within = [path.parent for path in sorted(folder.glob(f"*/{TOKENS}"))]
    if len(within) != 1:
        raise ConfigurationError(
            f"{str(folder)!r} holds {'more than one' if within else 'no'} {TOKENS}; give the folder of a model"
        )
    return within[0]


def _model(folder: Path, pattern: str, other_than: Path | None = None) -> Path | None:
    """The model that fits, the quantized one if there are both."""
    found = [path for path in sorted(folder.glob(f"{pattern}.onnx")) if path != other_than]
    return next((path for path in found if ".int8." in path.name), found[0] if found else None)


def _check_encoder(kind: RecognizerKind, encoder: Path) -> None:
    said = metadata(encoder)
    if kind == "paraformer":
        _need(kind, encoder)
    elif said.get("model_type") not in _TRANSDUCERS and not said.get("model_type", "").startswith("EncDec"):
        raise ProviderError(
            f"{str(encoder)!r} is no streaming encoder: its model_type is {said.get('model_type')!r}; known are "
            f"{', '.join(sorted(_TRANSDUCERS))}, and NeMo's",
            retryable=False,
        )


def _need(kind: str, model: Path) -> None:
    missing = [key for key in _NEEDED[kind] if key not in metadata(model)]
    if missing:
        raise ProviderError(
            f"{str(model)!r} is no {kind} model for sherpa-onnx: its metadata lack {', '.join(missing)}",
            retryable=False,
        )


def _lexicon(folder: Path, inner: Path, chosen: Path | None) -> str:
    if chosen is not None:
        if not chosen.is_file():
            raise ConfigurationError(f"lexicon is {str(chosen)!r}, which is no file; give the path of one")
        return str(chosen)
    found = sorted({path for each in (folder, inner) for path in each.glob("lexicon*.txt")})
    if not found:
        raise ConfigurationError(
            f"{str(folder)!r} holds no lexicon*.txt, without which sherpa-onnx 2 pronounces nothing; put the "
            "lexicon-en-us.txt of its releases there, or name one as the setting `lexicon`"
        )
    return ",".join(map(str, found))
