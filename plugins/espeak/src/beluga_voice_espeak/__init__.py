"""The espeak-ng voice for beluga-voice, offline. GPL-3.0-or-later."""
