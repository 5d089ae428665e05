"""Reads the results of a study, measures, draws and writes the report.

Four rooms, each importing only those before it: `measure` turns frames into frames; `figures` draws them
and alone imports matplotlib; `page` has the templates, style and script of a study's page; `paper` has
the claims and figures of the paper. A new figure is a function in `measure` and its line in `Measures`, a
module in `figures` and its line in `album`, and a line in a template.
"""
