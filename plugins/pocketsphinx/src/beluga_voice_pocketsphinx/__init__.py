"""Offline speech recognition by CMU PocketSphinx, for beluga-voice, in worker processes."""
