"""HTML forms through the same marshmallow schemas that the API uses."""

import re
from collections.abc import Mapping
from typing import Any

import marshmallow
from marshmallow import fields
from werkzeug.datastructures import MultiDict

from shared.web.csrf import FIELD
from shared.web.problems import flat_fields

_REPEATED = re.compile(r"^(?P<name>[A-Za-z_]\w*)-(?P<index>\d{1,4})-(?P<rest>.+)$")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def load_form(schema: marshmallow.Schema, form: "MultiDict[str, str]") -> tuple[Any, dict[str, list[str]]]:
    """What the schema makes of a form, and what is wrong with it: field name → sentences.

    Blanks around a value go; an empty field counts as not sent, so that `required` speaks. Repeated groups
    are named `guests-0-email` and become nested lists; their errors come back under the same names. With
    errors the data is None: show the form again with what was typed.
    """
    nested, indexes = _nest(schema, form)
    try:
        return schema.load(nested), {}
    except marshmallow.ValidationError as error:
        flat = flat_fields(error.messages)
        return None, {_form_name(path, indexes): texts for path, texts in flat.items()}


def _nest(
    schema: marshmallow.Schema, form: "MultiDict[str, str]"
) -> tuple[dict[str, Any], Mapping[str, list[int]]]:
    plain: dict[str, Any] = {}
    groups: dict[str, dict[int, dict[str, Any]]] = {}
    for name in form:
        if name == FIELD:
            continue
        many = isinstance(schema.fields.get(name), fields.List)
        repeated = _REPEATED.match(name)
        if repeated:
            # An empty member still counts its group: the group was sent, and its fields are missing.
            group = groups.setdefault(repeated["name"], {}).setdefault(int(repeated["index"]), {})
            if value := _clean(form[name]):
                group[repeated["rest"]] = value
        elif many:
            plain[name] = [value for text in form.getlist(name) if (value := _clean(text))]
        elif value := _clean(form[name]):
            plain[name] = value
    indexes = {name: sorted(group) for name, group in groups.items()}
    for name, order in indexes.items():
        plain[name] = [groups[name][index] for index in order]
    return plain, indexes


def _clean(text: str) -> str:
    # No database stores NUL, and no field of ours wants the other controls; line ends become plain ones.
    return _CONTROLS.sub("", text.replace("\r\n", "\n")).strip()


def _form_name(path: str, indexes: Mapping[str, list[int]]) -> str:
    parts = path.split(".")
    if len(parts) > 1 and parts[0] in indexes and parts[1].isdecimal():
        parts[1] = str(indexes[parts[0]][int(parts[1])])
    return "-".join(parts)
