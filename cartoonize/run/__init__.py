"""Runs: one file, many files, a watched folder, a resumed video."""
