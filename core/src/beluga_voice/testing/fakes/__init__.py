"""Providers that do what a test tells them, on the loop's clock."""
