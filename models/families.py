"""The model families: what a study may name, with nothing that takes long to import.

Adding a family means one file with its mathematics and one line in ``FAMILIES``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING

from study.words import PAPER_METHODS, QUANTILES, Method

if TYPE_CHECKING:
    from study.models.network import Model


class Band(Enum):
    """The shape of the region of deferral that is chosen after training; see models.thresholds."""

    TWO_SIDED = "t0 and t1 of their own"
    SYMMETRIC = "t0 = -t1"


@dataclass(frozen=True)
class Family:
    """A model as a study names it: its mathematics, what it can be trained to do, and how it decides.

    ``at`` is where the mathematics are, as "module:NAME" within ``models.networks``, and ``variants``
    where they are for methods that decide by other scores; ``summary`` describes the family in a card.
    Where there is a ``band``, all other methods but binary train a binary network and choose their
    thresholds afterwards. Where p is ``given``, it is a column of the user's table and the first input.
    """

    name: str
    at: str
    methods: tuple[Method, ...]
    summary: str
    band: Band | None = None
    variants: Mapping[Method, str] = field(default_factory=dict)
    given: bool = False

    def model(self, method: str) -> "Model":
        """Return its mathematics for a method, imported on first use."""
        at = {str(name): where for name, where in self.variants.items()}.get(method, self.at)
        module, _, name = at.partition(":")
        model: Model = getattr(import_module(f"{__package__}.networks.{module}"), name)
        return model

    def chosen_afterwards(self, method: str) -> bool:
        """Return whether thresholds are chosen after training."""
        return self.band is not None and method != "binary" and method not in self.variants

    def trained_method(self, method: str) -> str:
        """Return the method whose loss the network is trained with."""
        return "binary" if self.chosen_afterwards(method) else method

    def trains(self, method: str) -> bool:
        """Return whether there are weights to train."""
        return not self.given or self.trained_method(method) != "binary"

    def quantiles(self, method: str) -> tuple[str, ...]:
        """Return the coordinates by which a search proposes thresholds; none where they are learned."""
        if not self.chosen_afterwards(method):
            return ()
        return QUANTILES[1::2] if self.band is Band.SYMMETRIC else QUANTILES


_DEFERRING: tuple[Method, ...] = ("reject", "defer")

FAMILIES = {
    family.name: family
    for family in (
        Family(
            "mlp",
            "mlp:MLP",
            ("binary", "confidence"),
            "one hidden layer, one logit; it defers, if at all, below a confidence chosen after training",
            Band.SYMMETRIC,
        ),
        Family(
            "ordinal",
            "ordinal:ORDINAL",
            _DEFERRING,
            "one hidden layer, one score; it defers between thresholds learned with the weights (3.2.1)",
        ),
        Family(
            "posthoc",
            "mlp:MLP",
            _DEFERRING,
            "one hidden layer, one logit; it defers between thresholds chosen after training (Appendix C)",
            Band.TWO_SIDED,
        ),
        Family(
            "bayes",
            "bayes:BAYES",
            PAPER_METHODS,
            "one hidden layer with uncertain weights; it defers where 20 draws of them disagree (3.2.2)",
            Band.SYMMETRIC,
        ),
        Family(
            "gate",
            "gate:GATE",
            _DEFERRING,
            "one hidden layer, and a second network that says when to defer (3.1)",
        ),
        Family(
            "actions",
            "actions:ACTIONS",
            ("ce", "ova", "realizable"),
            "one hidden layer, and a score for each action: 0, 1 and asking; the largest decides",
            variants={"ce": "actions:BY_COST", "ova": "actions:ONE_VS_ALL"},
        ),
        Family(
            "pair",
            "pair:PAIR",
            ("compare",),
            "two networks: the outcome's probability, and that the person is right; the larger decides",
        ),
        Family(
            "given",
            "given:AS_IT_IS",
            ("binary", "confidence", "compare", "two-stage"),
            "a model that was there before: its probabilities are read, and only when to defer is learned",
            Band.SYMMETRIC,
            variants={"compare": "given:COMPARED", "two-stage": "given:TWO_STAGE"},
            given=True,
        ),
    )
}
"""Every family by name."""
