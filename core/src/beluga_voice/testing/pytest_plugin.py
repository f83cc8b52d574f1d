"""The pytest plugin of beluga-voice."""
