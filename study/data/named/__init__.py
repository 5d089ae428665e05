"""The data sets that the project knows by name."""
