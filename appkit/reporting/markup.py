"""HTML and SVG elements built so that text cannot become markup."""

import re

from markupsafe import Markup, escape

from appkit.reporting.numbers import NARROW_SPACE

__all__ = ["Attribute", "Child", "Markup", "join", "shape", "tag", "typeset"]

Child = str | Markup | None
Attribute = str | float | bool | None


_SPACED_PERCENT = re.compile(r"(?<=\d) %")
_VERBATIM = ("code", "pre", "style", "script")


def tag(name: str, *children: Child, **attributes: Attribute) -> Markup:
    """Return an element; text children and attribute values are escaped, ``Markup`` passes.

    Attribute names drop a trailing underscore and turn inner ones into hyphens; ``None`` and ``False`` leave an
    attribute out, ``True`` gives a bare one.

    Examples
    --------
    >>> tag("p", "a < b", class_="note", aria_label='"x"')
    Markup('<p class="note" aria-label="&#34;x&#34;">a &lt; b</p>')
    """
    if name not in _VERBATIM:
        children = tuple(typeset(child) for child in children)
    return Markup(f"<{name}{_attributes(attributes)}>{join(*children)}</{name}>")


def shape(name: str, **attributes: Attribute) -> Markup:
    """Return an SVG element without content.

    Examples
    --------
    >>> shape("line", x1=0, x2="50%")
    Markup('<line x1="0" x2="50%"/>')
    """
    return Markup(f"<{name}{_attributes(attributes)}/>")


def typeset(text: Child) -> Child:
    """Return prose with a space before the percent sign that neither widens nor breaks; markup comes back as it is.

    Examples
    --------
    >>> typeset("catches 63 % of defaults")
    'catches 63\u202f% of defaults'
    """
    if text is None or isinstance(text, Markup):
        return text
    return _SPACED_PERCENT.sub(f"{NARROW_SPACE}%", text)


def join(*children: Child) -> Markup:
    """Return the children one after another, text escaped, ``None`` left out."""
    return Markup("").join(child for child in children if child is not None)


def _attributes(attributes: dict[str, Attribute]) -> str:
    parts = []
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        plain = name.rstrip("_").replace("_", "-")
        parts.append(f" {plain}" if value is True else f' {plain}="{escape(_number(value))}"')
    return "".join(parts)


def _number(value: str | float) -> str:
    return value if isinstance(value, str) else f"{round(value, 2):g}"
