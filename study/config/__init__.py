"""The study file: what a person may write, validated and resolved."""
