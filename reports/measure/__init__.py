"""Measures: frames in, frames out."""
