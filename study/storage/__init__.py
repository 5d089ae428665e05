"""Where files lie, here or in an object store: locations, retries, whole files, locks."""
