"""A Whisper of some kilobytes, in the form that CTranslate2 takes, whose weights are written by hand.

Its decoder looks at nothing but the position, so that it says " hello world." to any audio: what is seen with it is
the way of real files through the real engine, not hearing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from beluga_voice.audio import AudioFrame
from beluga_voice.testing import sounds

WIDTH = 16
FRAMES_PER_WORD = (
    10  # of 20 ms: the token at place n looks at the n-th fifth of a second, for its time to be found
)
SPECIAL = [
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
]


@pytest.fixture
def speech() -> AudioFrame:
    """Something like a voice."""
    return AudioFrame(sounds.speech_like(1.0), 16000)


@pytest.fixture(scope="session")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of English."""
    from ctranslate2.specs import WhisperSpec
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("whisper")
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = SPECIAL + [f"<|{step * 0.02:.2f}|>" for step in range(1501)]
    vocabulary = [*letters, "Ġhello", "Ġworld", *special]
    spec = WhisperSpec(1, 1, 1, 1)
    _fill(spec, vocabulary)
    spec.register_vocabulary(vocabulary)
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], []
    spec.config.lang_ids, spec.config.alignment_heads = [vocabulary.index("<|en|>")], [[0, 0]]
    spec.validate()
    spec.save(str(folder))
    tokenizer = Tokenizer(models.BPE(vocab={token: n for n, token in enumerate(vocabulary)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _fill(spec: object, vocabulary: list[str]) -> None:
    encoder, decoder = spec.encoder, spec.decoder  # type: ignore[attr-defined]
    for conv, width in ((encoder.conv1, 80), (encoder.conv2, WIDTH)):
        conv.weight, conv.bias = _zeros(WIDTH, width, 3), _zeros(WIDTH)
    encoder.position_encodings.encodings = np.eye(WIDTH, dtype=np.float32)[
        np.minimum(np.arange(1500) // FRAMES_PER_WORD, WIDTH - 1)
    ]
    _norm(encoder.layer_norm)
    decoder.embeddings.weight = _zeros(len(vocabulary), WIDTH)
    places = _zeros(448, WIDTH)
    places[range(WIDTH), range(WIDTH)] = 1
    decoder.position_encodings.encodings = places
    _norm(decoder.layer_norm)
    says = ["<|0.00|>", "Ġhello", "Ġworld", ".", "<|0.80|>", "<|endoftext|>"]
    decoder.projection.weight = _zeros(len(vocabulary), WIDTH)
    for place, token in enumerate(says):
        decoder.projection.weight[vocabulary.index(token), place] = 20
    for layer, crosses in ((encoder.layer[0], False), (decoder.layer[0], True)):
        _attention(layer.self_attention, 3, 1)
        if crosses:
            _attention(layer.attention, 1, 2, 1)
            layer.attention.linear[0].weight = 5 * np.eye(WIDTH, dtype=np.float32)
            layer.attention.linear[1].weight = 5 * np.eye(2 * WIDTH, WIDTH, dtype=np.float32)
        _norm(layer.ffn.layer_norm)
        _linear(layer.ffn.linear_0, 4 * WIDTH, WIDTH)
        _linear(layer.ffn.linear_1, WIDTH, 4 * WIDTH)


def _attention(attention: object, *widths: int) -> None:
    _norm(attention.layer_norm)  # type: ignore[attr-defined]
    for linear, width in zip(attention.linear, widths, strict=True):  # type: ignore[attr-defined]
        _linear(linear, width * WIDTH, WIDTH)


def _linear(linear: object, out: int, into: int) -> None:
    linear.weight, linear.bias = _zeros(out, into), _zeros(out)  # type: ignore[attr-defined]


def _norm(norm: object) -> None:
    norm.gamma, norm.beta = np.ones(WIDTH, np.float32), _zeros(WIDTH)  # type: ignore[attr-defined]


def _zeros(*shape: int) -> NDArray[np.float32]:
    return np.zeros(shape, np.float32)
