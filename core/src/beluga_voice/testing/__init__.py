"""Fakes, checks and virtual time for tests of sessions and providers."""
