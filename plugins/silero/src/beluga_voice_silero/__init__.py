"""Silero voice activity detection for beluga-voice: weights included, windows of all sessions in one batch."""
