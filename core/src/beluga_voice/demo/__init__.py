"""The demonstration: a synthesised caller and an agent talk, through every real part."""
