"""One run as a model of its own: export, apply, card."""
