"""Form fields of the admin that WTForms has not."""

from typing import Any

from markupsafe import Markup
from wtforms import IntegerField

LOOK_UP_ROWS = 20


class LookUpWidget:
    """A text field that suggests things by name, and the id of the chosen one in a hidden field (admin.js)."""

    def __call__(self, field: "LookUp", **_: Any) -> Markup:
        return Markup(
            '<span class="look-up" data-look-up="{name}"><input type="hidden" name="{name}" value="{value}">'
            '<input type="text" id="{id}" value="{text}" role="combobox" aria-expanded="false" autocomplete="off"'
            ' aria-controls="{id}-found"><ul id="{id}-found" role="listbox" hidden></ul></span>'
        ).format(name=field.name, id=field.id, value=field.data or "", text=field.shown)


class LookUp(IntegerField):  # type: ignore[misc]
    """The id of a thing that the person finds by name; the view answers for it in `look_ups()`."""

    widget = LookUpWidget()
    shown = ""  # the name of what is chosen already; the view sets it where it edits
