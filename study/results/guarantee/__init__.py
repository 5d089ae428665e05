"""A guarantee for a chosen run: exact bounds on the test split, in an order fixed on validation."""
