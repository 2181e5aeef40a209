"""Drawn faces by identity, for the demo and for tests: seeded, made up, of nobody."""
