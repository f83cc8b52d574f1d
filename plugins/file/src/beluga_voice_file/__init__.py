"""WAV files as a caller's line, for beluga-voice: audio in, stereo recording out."""
