"""Journals: what a session observed and decided, kept so that it can be replayed, explained and tried otherwise."""
