"""HTML that is escaped unless it says that it is HTML already."""

from html import escape


class Html(str):
    """Text that is HTML and goes into a page as it is."""

    __slots__ = ()


def tag(name: str, *children: object, **attributes: object) -> Html:
    """An element. Children and attribute values are escaped, except children that are `Html`.

    Args:
        name: of the element.
        children: None is left out; whatever is neither `Html` nor a string is shown as `str()`.
        attributes: a trailing underscore is dropped and others become hyphens (`class_`,
            `aria_label`); None is left out, True gives the bare name.
    """
    return Html(f"{void(name, **attributes)}{join(*children)}</{name}>")


def void(name: str, **attributes: object) -> Html:
    """An element that has no content and no end, such as input; attributes as those of `tag`."""
    pairs = [
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None
    ]
    return Html(f"<{name}{''.join(pairs)}>")


def join(*children: object) -> Html:
    """Children one after the other, escaped like those of `tag`."""
    return Html("".join(_text(child) for child in children if child is not None))


def section(anchor: str, title: str, *content: object, class_: str | None = None) -> Html:
    """A part of the page with its heading."""
    return tag("section", tag("h2", title), *content, id=anchor, class_=class_)


def _text(child: object) -> str:
    return child if isinstance(child, Html) else escape(str(child))
