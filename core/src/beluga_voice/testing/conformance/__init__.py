"""Checks that a provider keeps the promises of its contract; no test framework is needed."""
