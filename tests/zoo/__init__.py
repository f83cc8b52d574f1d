"""Broken providers, one for each promise: each is caught by its own promise and by no other."""
