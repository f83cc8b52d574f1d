"""The turn-taking engine: pure decisions over events that carry time."""
