"""The asyncio shell around the turn-taking engine."""
