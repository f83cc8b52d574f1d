"""Audio as the session carries it: frames, formats, resampling, G.711."""

from beluga_voice.audio.frame import AudioFrame

__all__ = ["AudioFrame"]
