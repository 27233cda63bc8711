"""What may change in an event without a new version: readers and writers are never deployed at one moment.

Compared are the published JSON Schema of a type and the one that the code has now. *Backward*: today's reader
understands what was written under the published schema. *Forward*: a reader of the published schema
understands what is written today. A change that breaks either needs the next version of the type.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]


def incompatibilities(published: Schema, present: Schema) -> list[str]:
    """Every breaking change, as a sentence that names the field. Empty when both directions hold."""
    return list(_compare(published, present, "data"))


def _compare(published: Schema, present: Schema, path: str) -> Iterator[str]:
    before, was_nullable = _bare(published)
    now, is_nullable = _bare(present)
    if was_nullable and not is_nullable:
        yield f"{path}: may no longer be null, but published messages hold null"
    if is_nullable and not was_nullable:
        yield f"{path}: may be null now, which readers of the published schema refuse"
    if _kind(before) != _kind(now):
        yield f"{path}: was {_kind(before)}, is {_kind(now)}"
    elif before["type"] == "array":
        yield from _compare(before["items"], now["items"], f"{path}[]")
    elif before["type"] == "object":
        yield from _compare_objects(before, now, path)


def _compare_objects(published: Schema, present: Schema, path: str) -> Iterator[str]:
    before, now = published["properties"], present["properties"]
    for name in present["required"]:
        if name not in published["required"]:
            yield f"{path}.{name}: is required now, but published messages may lack it: give it a default"
    for name in published["required"]:
        if name not in now:
            yield f"{path}.{name}: was removed, which readers of the published schema refuse"
    for name in before:
        if name in now:
            yield from _compare(before[name], now[name], f"{path}.{name}")


def _bare(schema: Schema) -> tuple[Schema, bool]:
    if "oneOf" in schema:
        return schema["oneOf"][0], True
    return schema, False


def _kind(schema: Schema) -> str:
    kind = str(schema["type"])
    if "enum" in schema:
        # Order says nothing, but a new choice is refused by old readers and a lost one by new readers.
        return f"one of {', '.join(sorted(schema['enum']))}"
    return f"{kind} ({schema['format']})" if "format" in schema else kind
