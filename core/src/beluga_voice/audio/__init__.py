"""Audio as the session carries it: frames, formats, resampling, G.711."""

from beluga_voice.audio.format import AudioFormat, Encoding
from beluga_voice.audio.frame import AudioFrame
from beluga_voice.audio.g711 import alaw_decode, alaw_encode, mulaw_decode, mulaw_encode
from beluga_voice.audio.gain import apply_gain, rms
from beluga_voice.audio.resample import Resampler
from beluga_voice.audio.ring import RingBuffer

__all__ = [
    "AudioFormat",
    "AudioFrame",
    "Encoding",
    "Resampler",
    "RingBuffer",
    "alaw_decode",
    "alaw_encode",
    "apply_gain",
    "mulaw_decode",
    "mulaw_encode",
    "rms",
]
