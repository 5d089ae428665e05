"""The commands as Python: ``from study import Study``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import pandas as pd

from study.config.reading import load_config, stored, validate
from study.config.study_file import StudyConfig
from study.data import load_section
from study.errors import LedgerError, StudyFileError, UserError
from study.estimate import Estimate, estimate
from study.frames import Frames
from study.group_names import group_names
from study.own_table import keep_table, with_table_kept
from study.results.choice.chosen_run import select
from study.results.choice.selection import Selection
from study.results.directory import ResultsDirectory
from study.results.guarantee.bounds import parse_limit
from study.results.guarantee.certificate import Certificate, certify
from study.results.limits import Question, Wanted
from study.results.study_results import Results
from study.results.wording import as_html
from study.search.arm_state import planned_runs
from study.status import Status, study_results, study_status
from study.storage.locations import Location, local_path, location
from study.storage.whole_files import delivered
from study.words import FAILED

if TYPE_CHECKING:
    from study.deploy.budget import AtBudget
    from study.deploy.model import DeployedModel
    from study.deploy.origin import Origin
    from study.reports.figures.plots import Plots


class Study(Frames):
    """One study in one results directory, with the commands of the shell as methods.

    >>> study = Study("results/default")
    >>> study.results().groupby("method")["test_error"].median()
    """

    def __init__(self, directory: Location | str) -> None:
        self.directory = ResultsDirectory(directory)
        self._given: StudyConfig | None = None
        self._table: pd.DataFrame | None = None

    def __repr__(self) -> str:
        """Name the results directory."""
        return f"Study({str(self.directory.root)!r})"

    def _repr_html_(self) -> str:
        """Show in a notebook how the study stands."""
        begun = self.directory.exists()
        return as_html(repr(self), [("status", self.status().summary() if begun else "not begun")])

    @staticmethod
    def of(
        source: str | Path | Mapping[str, Any] | StudyConfig = "default",
        *,
        out: Location | str | None = None,
        overrides: Sequence[str] = (),
    ) -> "Study":
        """Return the study of a file, a preset, or a mapping with the keys of a study file; begin nothing.

        ``overrides`` are KEY=VALUE words as for ``--set``; ``out`` defaults to results/<study name>. In a
        mapping, ``dataset.path`` may be a DataFrame: the study keeps it as table.parquet among its results.
        Raises StudyFileError where anything in it is wrong.
        """
        if isinstance(overrides, str):
            raise StudyFileError(f"overrides: must be a list of KEY=VALUE words, got {overrides!r}")
        if isinstance(source, StudyConfig):
            source = source.resolved()
        table = None
        if isinstance(source, Mapping):
            source, table, out = with_table_kept(source, out)
            config = validate(source, "the study given", overrides)
        else:
            config = load_config(source, overrides)
        study = Study(out if out is not None else Path("results") / config.study)
        study._given, study._table = config, table
        return study

    @staticmethod
    def run(
        source: str | Path | Mapping[str, Any] | StudyConfig = "default",
        *,
        out: Location | str | None = None,
        overrides: Sequence[str] = (),
        address: str | None = None,
        workers: int | None = None,
        in_process: bool = False,
    ) -> "Study":
        """Run a study; the first three are those of ``of``, the others those of ``train``.

        Raises a UserError where anything asked for is wrong, and RuntimeError where some packs could not be
        trained.
        """
        study = Study.of(source, out=out, overrides=overrides)
        return study._checked(study.train(address=address, workers=workers, in_process=in_process))

    def resume(
        self, *, address: str | None = None, workers: int | None = None, in_process: bool = False
    ) -> "Study":
        """Train what is not in the ledger yet; raises as ``run`` does."""
        return self._checked(self.train(address=address, workers=workers, in_process=in_process))

    def train(
        self,
        *,
        address: str | None = None,
        workers: int | None = None,
        in_process: bool = False,
        log: Callable[[str], None] = print,
        progress: bool = True,
    ) -> bool:
        """Begin or resume the study; return whether every planned run is in the ledger.

        ``address`` is that of a Ray cluster; ``in_process`` trains without Ray; without ``progress`` only
        what ``log`` gets tells how far it is.
        """
        from study.training.launch import launch

        if workers is not None and workers < 1:
            raise UserError(f"workers: must be a whole number from 1 on, got {workers!r}")
        config = self._given or self.config
        if self._table is not None:
            keep_table(self._table, config.dataset.path)
        return launch(
            config,
            self.directory,
            address=address,
            workers=workers,
            in_process=in_process,
            log=log,
            progress=progress,
        )

    def estimate(self, *, workers: int | None = None) -> Estimate:
        """Return what the study takes: runs, packs, cores, about how long and how much room.

        Reads its data and writes nothing. Raises DataError where the data cannot be had.
        """
        config = self._given or self.config
        features = load_section(config.dataset, self._table).features
        return estimate(config.plan(), *features.shape, workers=workers)

    @property
    def config(self) -> StudyConfig:
        """The study as it was begun, or as it was given; LedgerError where there is neither."""
        if self._given is not None and not self.directory.exists():
            return self._given
        return stored(self.directory.read_study(), str(self.directory.study_file))

    def status(self) -> Status:
        """Return how the study stands."""
        return study_status(self.directory, self.config.study, self._planned())

    @property
    def plot(self) -> "Plots":
        """The report's figures one by one, such as ``study.plot.front(ax)``; see ``Plots``."""
        from study.reports.figures.plots import Plots

        return Plots(self.full_results())

    def report(
        self, out: Location | str | None = None, *, certificate: Certificate | None = None
    ) -> Location:
        """Write the report, to report/ in the results directory unless told otherwise; return its page.

        It says what the ``certificate`` states, where there is one, as ``certify`` returns it. Raises
        OutputError where it cannot be written.
        """
        # Not above: only a report waits for matplotlib.
        from study.reports.page.report import write_report

        where = location(out) if out else self.directory.report
        guarantee = certificate.to_json() if certificate else None
        results = replace(self.full_results(), guarantee=guarantee)
        with delivered(where) as folder:
            return where / write_report(results, folder).name

    def select(self, **wanted: Unpack[Wanted]) -> Selection:
        """Choose a run on validation metrics; see ``study.results.choice.chosen_run.select``.

        ``wanted`` are the options of `study select`: ``max_error`` and the like, the most that a metric may
        be, and ``min_idk``; ``minimise``, the metric's word (error); ``method``, ``model`` and
        ``decision_maker``, to choose among; ``include_degenerate``, to choose among runs, too, that are no
        better than a constant decision.
        """
        question = Question.of(**wanted)
        self.directory.require()
        runs, broken = self.directory.read_runs()
        return select(
            runs[runs["status"] != FAILED],
            self.directory.read_outcomes,
            question,
            planned=self._planned(),
            broken=broken,
            people=group_names(self.config.dataset.model_dump()).people,
        )

    def certify(self, *limits: str, confidence: float = 0.95, **wanted: Unpack[Wanted]) -> Certificate:
        """Choose a run that keeps ``limits`` with a stated confidence; see ``certify`` in study.results.

        ``limits`` are such as ``"error<=0.30"``; ``confidence``, in (0, 1), is the probability with which
        they hold; ``wanted`` says, as for ``select``, which runs are candidates, and what is minimised
        among certified ones. Raises UserError for what is wrong in these, LedgerError without a candidate
        and where a pack is damaged.
        """
        question, at_most = Question.of(**wanted), [parse_limit(limit) for limit in limits]
        if not at_most:
            raise UserError("--guarantee: give at least one limit, such as 'error<=0.30'")
        if not isinstance(confidence, int | float) or not 0 < confidence < 1:
            raise UserError(f"--confidence: must be a number between 0 and 1, got {confidence!r}")
        # Test rows of one split are validation rows of another, which order the candidates.
        runs = self._of_first_split()
        return certify(runs, self.directory.read_outcomes, at_most, question, confidence=confidence)

    def _of_first_split(self) -> pd.DataFrame:
        """Return the finished runs of one split; raises LedgerError where a pack is damaged."""
        self.directory.require()
        runs, broken = self.directory.read_runs()
        if broken:
            raise LedgerError(f"{broken[0]}, so its runs are no candidates; `study resume` makes it again")
        return runs[(runs["status"] != FAILED) & (runs["split"] == 0)]

    def to_budget(self, **wanted: Unpack[Wanted]) -> "AtBudget":
        """Choose the run that does best with its thresholds moved to defer the share ``max_idk`` of cases.

        Of repeated splits it is one of the first. ``wanted`` is as for ``select``, but holds at the moved
        thresholds; see ``best_at_budget`` in study.deploy. Raises UserError without ``max_idk``,
        and LedgerError where a pack is damaged.
        """
        from study.deploy.budget import best_at_budget

        question = Question.of(**wanted)
        if "idk_rate" not in question.most:
            raise UserError("--to-budget: needs --max-idk, the share of cases that people can take on")
        runs = self._of_first_split()
        return best_at_budget(self.directory, runs, self._origin(), question)

    def export(
        self,
        run_id: str,
        out: Path | str,
        *,
        idk: float | None = None,
        certificate: Certificate | None = None,
    ) -> "DeployedModel":
        """Write a run's model into the new directory ``out``, and return it; see `export`.

        ``run_id`` may be the first characters of one, or a setting's, of which the run with the smallest
        validation error is taken. With ``idk`` its thresholds are moved, on validation, to that share of
        deferred cases. The model and its card say what the ``certificate`` of the run states, as
        ``certify`` returns it. Raises UserError where that is of another run, or thresholds are moved.
        """
        from study.deploy.export import export

        run, guarantee = self.run_named(run_id), None
        if certificate is not None:
            if idk is not None:
                raise UserError("--idk: a guarantee is about a run as it was tested; leave one of both out")
            if not certificate.satisfies or certificate.run_id != run:
                raise UserError(
                    f"--guarantee: with these limits it is given for run {certificate.run_id}, and not for "
                    f"{run}; export that one, or leave the guarantee out"
                )
            guarantee = certificate.to_json()["guarantee"]
        return export(self.directory, run, out, self._origin, idk=idk, guarantee=guarantee)

    def _origin(self, split: int = 0) -> "Origin":
        from study.deploy.origin import Origin
        from study.training.study_data import measured_rows

        config = self.config
        dataset = load_section(config.dataset, split=split)
        return Origin(config.resolved(), dataset, measured_rows(dataset, config.thresholds.choose_on))

    def optuna(self, out: Path | str, *, log: Callable[[str], None] = print) -> int:
        """Write the search's history into the new file ``out``; see ``study.search.history``."""
        from study.search.history import write_optuna

        return write_optuna(self.directory, local_path(out), self.config.plan(), log=log)

    def full_results(self) -> Results:
        """Return everything that a report is made from."""
        results = study_results(self.directory, self.config.resolved(), self._planned())
        # The report of a running study is written every half a minute.
        return results if results.state == "running" else replace(results, calibration=self._calibration)

    def _calibration(self, run_id: str) -> "Mapping[str, pd.DataFrame]":
        from study.deploy.export import calibration_of

        return calibration_of(self.directory, run_id, self._origin)

    def _planned(self) -> int:
        return planned_runs(self.config.plan().search, self.directory.packs_of_all_rows())

    def _checked(self, complete: bool) -> "Study":
        if not complete:
            raise RuntimeError(self.status().summary())
        return self
