"""What a person says of the columns of their own table."""

from dataclasses import dataclass
from typing import Literal

from study.data.preprocessing import Group, Value


@dataclass(frozen=True)
class TableColumns:
    """Roles of columns in the file ``path``: CSV or Parquet, on this machine or a URI that pyarrow opens.

    label: the outcome, 0/1 or booleans, or two values of which ``positive`` is 1. sensitive: who has A = 1.
    decision_maker: columns of decisions or probabilities, one for each person; several are combined by
    drawing one who decided the case, or by ``majority``. features: None for every column without another
    role. drop: nobody sees these. dm_only: only the DM does. split: a column of train, validation, test.
    group: rows that share its value are never on both sides of a split.
    """

    path: str
    label: str
    sensitive: Group
    positive: Value | None = None
    decision_maker: tuple[str, ...] = ()
    combine: Literal["draw", "majority"] | None = None
    features: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    dm_only: tuple[str, ...] = ()
    split: str | None = None
    group: str | None = None

    def roles(self) -> list[tuple[str, str]]:
        """Return (column, role) for every column that is named, roles worded as the study file's keys."""
        single = (("label", self.label), ("sensitive", self.sensitive.column))
        others = (("split", self.split), ("group", self.group))
        listed = (
            *(("decision_maker", name) for name in self.decision_maker),
            *(("features", name) for name in self.features or ()),
            *(("drop", name) for name in self.drop),
            *(("dm_only", name) for name in self.dm_only),
        )
        return [(name, role) for role, name in (*single, *others, *listed) if name is not None]
