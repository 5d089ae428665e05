"""How one run is chosen: candidates, the choice itself, what it is compared with, and its optimism."""
