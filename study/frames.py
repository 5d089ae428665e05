"""What is in a results directory as DataFrames: runs, settings, fronts and decisions."""

import warnings

import pandas as pd

from study.errors import LedgerError
from study.results.directory import ResultsDirectory
from study.results.fronts import fronts
from study.results.limits import NAMING, run_named
from study.results.outcomes import decisions_of
from study.results.settings import medians_by_setting
from study.words import FAILED


class Frames:
    """The DataFrames of a study; ``directory`` holds its results."""

    directory: ResultsDirectory

    def results(self) -> pd.DataFrame:
        """Return the ledger: one row per finished run, in the columns of the contract.

        Warns of every damaged file, whose runs are missing, and of packs without rows where the study does
        not run; ``resume`` does them again.
        """
        self.directory.require()
        runs, broken = self.directory.read_runs()
        lines = [f"{item}; its runs are left out" for item in broken]
        known = {item.path.stem for item in broken}
        for pack_id in self.directory.packs_without_rows():
            if pack_id not in known:
                file = self.directory.rows_files(pack_id)[0]
                lines.append(f"{file}: not found, so the runs of pack {pack_id} are left out")
        for line in lines:
            warnings.warn(line, stacklevel=2)
        return runs

    def runs(self) -> pd.DataFrame:
        """Return ``results`` without the runs that failed."""
        runs = self.results()
        return runs[runs["status"] != FAILED].reset_index(drop=True)

    def settings(self) -> pd.DataFrame:
        """Return one row per setting: its coefficients, and medians over seeds of every metric."""
        return medians_by_setting(self.runs())

    def fronts(self) -> pd.DataFrame:
        """Return every Pareto front, as report/fronts.csv has them."""
        return fronts(self.settings(), self.directory.costs.metric)

    def decisions(self, run_id: str) -> pd.DataFrame:
        """Return what a run decides for every test case, in the order of test_rows.parquet.

        Columns: ``label`` and ``sensitive``; ``defer``; ``prediction``, the model's class, also where it
        defers; ``decision_maker``, what the person on test decides, which binary runs lack; ``decision``,
        what comes of both. ``run_id`` is as for ``export``. Raises LedgerError where there is no such run.
        """
        runs = self.runs()
        row = runs[runs["run_id"] == run_named(runs, run_id)]
        if row.empty:
            raise LedgerError(f"{self.directory.root}: no finished run {run_id}; `study select` names one")
        return decisions_of(row, self.directory.read_outcomes)

    def run_named(self, name: str) -> str:
        """Return the id of the run that an id, or its first characters, means; see `run_named`."""
        self.directory.require()
        return run_named(self.directory.read_runs(NAMING)[0], name)
