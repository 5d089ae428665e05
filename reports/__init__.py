"""Reads the results of a study, reduces them, draws them and writes the report.

Imports neither torch nor Ray nor any other room of the project: data frames in, files out.
`reduce`, `fronts`, `hypervolume`, `idk`, `alpha`, `workloads` and `headline` turn frames into frames, and
never import matplotlib; `reductions` gathers them. What helps a person to choose is measured in `choices`,
`deciding`, `setting_intervals`, `comparisons`, `front_seeds` and `importance`, which `weighing` gathers.
`figures` draws frames and `descriptions` says what they show; `summary`, `chooser`, `choosing`, `asked`,
`sections`, `ran` and `glossary` are the parts of the page, which `page.write_report` puts into a directory.
"""
