"""Presets: study files that ship with the package."""
