"""The commands of the command line: each group's parsers, and what they do, in one file."""
