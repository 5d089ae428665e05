"""One study under many kills: ``python -m tests.chaos``."""
