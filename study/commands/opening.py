"""Open the results directory that a command is given: one study, or a collection of them."""

from typing import TYPE_CHECKING

from study.errors import UserError

if TYPE_CHECKING:
    from study.api import Study
    from study.collection import Collection
    from study.storage.locations import Location


def collection_in(directory: "Location") -> "Collection | None":
    """Return what is in the directory where it holds several studies, else None."""
    from study.collection import Collection, is_collection

    return Collection.open(directory) if is_collection(directory) else None


def studies_in(directory: "Location") -> "Study | Collection":
    """Return the study in the directory, or the collection of several."""
    from study.api import Study

    return collection_in(directory) or Study(directory)


def one_study(directory: "Location") -> "Study":
    """Return the study in the directory; UserError where there are several."""
    from study.api import Study

    if collection := collection_in(directory):
        raise UserError(
            f"{directory}: holds several studies; give one of them, such as "
            f"{directory / collection.presets[0]}"
        )
    return Study(directory)
