"""The figures of a report: one module, one figure."""
