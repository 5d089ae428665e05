"""How a training step runs: as machine code, or on a GPU."""
