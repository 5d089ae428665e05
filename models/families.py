"""The model families by name."""

from study.models.bayes import BAYES
from study.models.gate import GATE
from study.models.mlp import MLP, POSTHOC
from study.models.network import Model
from study.models.ordinal import ORDINAL

MODELS: dict[str, Model] = {model.name: model for model in (MLP, ORDINAL, POSTHOC, BAYES, GATE)}
