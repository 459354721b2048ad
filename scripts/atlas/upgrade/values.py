"""Edits applied to a configuration as a value: what an edited file must read as."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any, TypeAlias

from atlas.upgrade.model import DocumentPath, Edit

Json: TypeAlias = Any


def edited(value: Json, edits: Iterable[Edit], below: DocumentPath = ()) -> Json:
    """The value with the edits made to what is at `below`; the order of names stays."""
    found = copy.deepcopy(value)
    for edit in edits:
        holder = found
        for key in (*below, *edit.path[:-1]):
            holder = holder[key]
        name = edit.path[-1]
        if edit.action == "remove":
            del holder[name]
        elif edit.action == "set":
            holder[name] = edit.to
        else:
            renamed = {edit.to if key == name else key: inner for key, inner in holder.items()}
            holder.clear()
            holder.update(renamed)
    return found


def collides(value: Json, edit: Edit, below: DocumentPath = ()) -> bool:
    """Whether a new name is taken already."""
    holder = value
    for key in (*below, *edit.path[:-1]):
        holder = holder[key]
    return edit.action == "rename" and edit.to in holder
