"""The files of a results directory: where they lie, what is in them, how they are written and read."""
