"""Curves of one run: what other deferral rates would do, and whether its probabilities are right."""
