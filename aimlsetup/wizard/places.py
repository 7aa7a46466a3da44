"""Places in a document of mappings and lists: what stands there, and putting something there. Pure."""

from typing import Any

from aimlsetup.wizard.question import MISSING, Place


def read(document: Any, place: Place) -> Any:
    """What stands at a place, MISSING where nothing does."""
    for key in place:
        try:
            document = document[key]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return document


def write(document: Any, place: Place, value: Any, *, remove: bool = False) -> None:
    """Set or remove what stands at a place; mappings and lists on the way are made, emptied mappings removed."""
    key, rest = place[0], place[1:]
    if remove and read(document, place) is MISSING:
        return
    if rest:
        inner = read(document, (key,))
        if not isinstance(inner, dict | list):
            inner = [] if isinstance(rest[0], int) else {}
        write(inner, rest, value, remove=remove)
        if remove and inner == {}:
            del document[key]
            return
        value = inner
    elif remove:
        del document[key]
        return
    if isinstance(document, list) and key == len(document):
        document.append(value)
    else:
        document[key] = value
