"""The exit statuses of every command."""

DONE, INCOMPLETE, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
