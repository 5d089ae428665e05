"""Measurements of speed: every ratio has both sides from one run of one program."""
