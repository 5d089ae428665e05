"""Reads the results of a study, reduces them, draws them and writes the report.

Imports neither torch nor Ray nor any other room of the project: data frames in, files out.
`reduce`, `fronts`, `hypervolume`, `idk`, `alpha` and `headline` turn frames into frames and never import
matplotlib; `figures` draws frames and `descriptions` says what they show; `asked`, `sections`, `ran`
and `glossary` are the parts of the page, which `page.write_report` puts into one directory.
"""
