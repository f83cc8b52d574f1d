"""The one version of every distribution of beluga-voice."""

__version__ = "0.1.0"
