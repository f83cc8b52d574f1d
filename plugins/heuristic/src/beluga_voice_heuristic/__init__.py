"""A turn detector by the words' ending, for beluga-voice."""
