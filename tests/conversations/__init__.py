"""Whole conversations in virtual time, through a real session: `scenes/` has them, `screenplay` reads them."""
