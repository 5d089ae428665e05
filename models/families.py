"""The model families by name."""

from models.bayes import BAYES
from models.gate import GATE
from models.mlp import MLP, POSTHOC
from models.network import Model
from models.ordinal import ORDINAL

MODELS: dict[str, Model] = {model.name: model for model in (MLP, ORDINAL, POSTHOC, BAYES, GATE)}
