"""The mathematics of learning to defer, on tensors: networks in lanes, losses, fairness, training.

Axis letters, the same everywhere: S seeds, B examples of a minibatch (N of a whole split), F inputs,
H hidden units, K lanes (one lane is one setting), P parameters of one network. This package reads no
files and knows neither Ray nor pandas nor Optuna.
"""
