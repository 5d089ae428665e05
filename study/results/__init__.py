"""The ground floor: what a result is, where it is kept, and what it means."""
