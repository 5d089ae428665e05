"""What the names of a table's columns tell of their roles."""

import re

LABEL = (
    *("label", "target", "outcome", "y", "class", "recid", "recidivism", "recidivated", "default"),
    *("defaulted", "readmitted", "readmission", "died", "death", "mortality", "churn", "fraud"),
    *("approved", "repaid", "diagnosis"),
)
SENSITIVE = (
    *("sensitive", "protected", "race", "ethnicity", "ethnic", "sex", "gender", "nationality"),
    *("disability", "age"),
)
DECISION = (
    *("decision", "decisions", "decided", "dm", "judge", "judgement", "judgment", "doctor", "physician"),
    *("clinician", "human", "expert", "reviewer", "annotator", "rater", "officer", "nurse", "adjuster"),
    *("says", "said", "answer", "answers", "response", "verdict", "vote", "opinion", "reader"),
)
PEOPLE = (
    *("p", "r", "person", "people", "worker", "participant", "respondent", "subject"),
    *("user", "coder", "labeler", "labeller", "labelled", "labeled", "juror", "crowd", "adjudicator"),
)
"""Whose numbers several columns of answers have: ``p01``, ``worker_2``."""
CONCERNED = (
    *("patient", "person", "client", "customer", "member", "defendant", "applicant", "student"),
    *("employee", "claimant", "borrower", "household"),
)
"""Whose cases rows are: a column named so that holds codes, such as ``P0017``, is an identifier."""
POSITIVE = ("1", "true", "yes", "y", "positive", "pos", "bad", "high", "t", "2")


def numbered(names: list[str]) -> dict[str, list[str]]:
    """Return columns that are named alike but for a number at the end, by what they have in common."""
    found: dict[str, list[str]] = {}
    for name in names:
        if match := re.fullmatch(r"(.*?)[-_ ]?\d+", name):
            found.setdefault(match[1], []).append(name)
    return found


def words_of(name: str) -> list[str]:
    """Return the words of a name: ``isRecid2`` has is and recid."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return [word for word in re.split(r"[^a-z]+", parted.lower()) if word] or [name.lower()]


def tokens(name: str) -> set[str]:
    """Return the words of a name, and the whole."""
    return {*words_of(name), name.lower()}
