"""Generated readers and writers: the common case of `schema.py`, several times as fast.

A message costs every service one decode and every change one encode, and marshmallow's field machinery
would be the largest part of both. So each record gets two generated functions that know only the canonical
form. They refuse more than marshmallow does, never less: whatever they do not recognise raises `NotPlain`,
and marshmallow then accepts it or tells why not. Property tests hold both paths to the same answers.
"""

import json.encoder
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from shared.messaging.schema import is_clean_text
from shared.messaging.shape import (
    INT_MAX,
    INT_MIN,
    PERSON,
    Choice,
    Listing,
    Member,
    Record,
    Scalar,
    Shape,
    is_personal,
    once_per_class,
    record_of,
)

Reader = Callable[[Any, list[str]], Any]
"""JSON values and the list that collects references → the dataclass."""

Writer = Callable[[Any, list[str]], tuple[str, str]]
"""The dataclass and the list that collects references → its JSON, and the same without personal data."""

_REFUSE_NO_INTEGER = f"if type({{0}}) is not int or not {INT_MIN} <= {{0}} <= {INT_MAX}: raise NotPlain"

_canonical_uuid = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII).fullmatch


class NotPlain(Exception):
    """Not in the form the generated code knows: ask marshmallow."""


@dataclass(frozen=True)
class Compiled:
    """The generated pair for one record."""

    read: Reader
    write: Writer


@once_per_class
def compiled_for(cls: type[Any]) -> Compiled:
    """The generated reader and writer of a message dataclass."""
    record = record_of(cls)
    return Compiled(read=_build(_reader_source(record), record), write=_build(_writer_source(record), record))


class _Source:
    """Lines of a function that is being generated, and the objects they refer to by name."""

    def __init__(self, head: str) -> None:
        self.lines = [head, "    try:"]
        self.names: dict[str, Any] = {}
        self.depth = 2

    def add(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    @contextmanager
    def indented(self) -> Iterator[None]:
        """One level deeper while it lasts."""
        self.depth += 1
        yield
        self.depth -= 1

    def name(self, value: Any) -> str:
        """A name under which the generated code finds `value`."""
        name = f"_k{len(self.names)}"
        self.names[name] = value
        return name

    def finish(self) -> str:
        # Whatever a surprising value provokes is the same answer: marshmallow says what is wrong with it.
        self.lines += ["    except Exception:", "        raise NotPlain from None"]
        return "\n".join(self.lines)


def _build(source: _Source, record: Record) -> Any:
    namespace: dict[str, Any] = {
        "NotPlain": NotPlain,
        "UUID": UUID,
        "UTC": UTC,
        "date": date,
        "datetime": datetime,
        "canonical_uuid": _canonical_uuid,
        "clean": is_clean_text,
        "quote": json.encoder.encode_basestring,
        **source.names,
    }
    # The source is made of field names, which are Python identifiers, and of nothing that was received.
    exec(compile(source.finish(), f"<generated for {record.cls.__name__}>", "exec"), namespace)
    return namespace["generated"]


# Reading: JSON values → dataclass


def _reader_source(record: Record) -> _Source:
    source = _Source("def generated(raw, references):")
    source.add("if type(raw) is not dict: raise NotPlain")
    for number, member in enumerate(record.members):
        _read_member(source, member, f"v{number}")
    arguments = ", ".join(f"{member.name}=v{number}" for number, member in enumerate(record.members))
    source.add(f"return {source.name(record.cls)}({arguments})")
    return source


def _read_member(source: _Source, member: Member, variable: str) -> None:
    if member.required:
        source.add(f"{variable} = raw[{member.name!r}]")
        _read(source, member.shape, variable, member)
        return
    missing = source.name(MISSING)
    source.add(f"{variable} = raw.get({member.name!r}, {missing})")
    source.add(f"if {variable} is {missing}: {variable} = {source.name(member.assumed)}")
    if member.nullable:
        source.add(f"elif {variable} is None: pass")
    source.add("else:")
    with source.indented():
        _read(source, member.shape, variable, member)


def _read(source: _Source, shape: Shape, variable: str, member: Member) -> None:
    match shape:
        case Scalar.TEXT:
            source.add(f"if type({variable}) is not str or not clean({variable}): raise NotPlain")
            if member.is_reference:
                source.add(f"references.append({variable})")
        case Scalar.INTEGER:
            source.add(_REFUSE_NO_INTEGER.format(variable))
        case Scalar.BOOLEAN:
            source.add(f"if {variable} is not True and {variable} is not False: raise NotPlain")
        case Scalar.UUID:
            source.add(f"if canonical_uuid({variable}) is None: raise NotPlain")
            if member.is_reference:
                source.add(f"references.append({variable})")
            # The text was checked just now; `UUID(text)` would look for braces and prefixes again.
            source.add(f"{variable} = UUID(int=int({variable}.replace('-', ''), 16))")
        case Scalar.INSTANT:
            source.add(f"if {variable}[-1] != 'Z': raise NotPlain")
            source.add(f"{variable} = datetime.fromisoformat({variable})")
        case Scalar.DATE:
            source.add(f"{variable} = date.fromisoformat({variable})")
        case Choice(values):
            source.add(f"if {variable} not in {source.name(frozenset(values))}: raise NotPlain")
        case Listing(item):
            source.add(f"if type({variable}) is not list: raise NotPlain")
            source.add(f"{variable}_items = []")
            source.add(f"for {variable}_item in {variable}:")
            with source.indented():
                _read(source, item, f"{variable}_item", member)
                source.add(f"{variable}_items.append({variable}_item)")
            source.add(f"{variable} = tuple({variable}_items)")
        case Record():
            reader = source.name(compiled_for(shape.cls).read)
            source.add(f"{variable} = {reader}({variable}, {_collector(member)})")


# Writing: dataclass → JSON text, and JSON text without personal data


def _writer_source(record: Record) -> _Source:
    source = _Source("def generated(message, references):")
    source.add(f"if type(message) is not {source.name(record.cls)}: raise NotPlain")
    whole, public = [], []
    for number, member in enumerate(record.members):
        variable = f"v{number}"
        source.add(f"{variable} = message.{member.name}")
        _write_member(source, member, variable)
        whole.append(f'"{member.name}":{{{variable}}}')
        if member.name == PERSON:
            public.append(f'"{member.name}":null')
        elif is_personal(member.shape):
            public.append(f'"{member.name}":{{{variable}_public}}')
        else:
            public.append(whole[-1])
    source.add(f"whole = f'{{{{{','.join(whole)}}}}}'")
    if record.is_personal():
        source.add(f"return whole, f'{{{{{','.join(public)}}}}}'")
    else:
        source.add("return whole, whole")
    return source


def _write_member(source: _Source, member: Member, variable: str) -> None:
    if not member.nullable:
        _write(source, member.shape, variable, member)
        return
    source.add(f"if {variable} is None: {variable} = {variable}_public = 'null'")
    source.add("else:")
    with source.indented():
        _write(source, member.shape, variable, member)


def _write(source: _Source, shape: Shape, variable: str, member: Member) -> None:
    match shape:
        case Scalar.TEXT:
            source.add(f"if type({variable}) is not str or not clean({variable}): raise NotPlain")
            if member.is_reference:
                source.add(f"references.append({variable})")
            source.add(f"{variable} = quote({variable})")
        case Scalar.INTEGER:
            source.add(_REFUSE_NO_INTEGER.format(variable))
        case Scalar.BOOLEAN:
            source.add(f"if type({variable}) is not bool: raise NotPlain")
            source.add(f"{variable} = 'true' if {variable} else 'false'")
        case Scalar.UUID:
            source.add(f"if type({variable}) is not UUID: raise NotPlain")
            source.add(f"{variable} = str({variable})")
            if member.is_reference:
                source.add(f"references.append({variable})")
            source.add(f"{variable} = f'\"{{{variable}}}\"'")
        case Scalar.INSTANT:
            source.add(f"if type({variable}) is not datetime: raise NotPlain")
            source.add(f"if {variable}.tzinfo is not UTC: raise NotPlain")
            source.add(f"{variable} = f'\"{{{variable}.isoformat()[:-6]}}Z\"'")
        case Scalar.DATE:
            source.add(f"if type({variable}) is not date: raise NotPlain")
            source.add(f"{variable} = f'\"{{{variable}.isoformat()}}\"'")
        case Choice(values):
            source.add(f"if {variable} not in {source.name(frozenset(values))}: raise NotPlain")
            source.add(f"{variable} = quote({variable})")
        case Listing(item):
            source.add(f"if type({variable}) is not tuple: raise NotPlain")
            source.add(f"{variable}_whole, {variable}_publics = [], []")
            source.add(f"for {variable}_item in {variable}:")
            with source.indented():
                _write(source, item, f"{variable}_item", member)
                source.add(f"{variable}_whole.append(str({variable}_item))")
                if is_personal(item):
                    source.add(f"{variable}_publics.append({variable}_item_public)")
            source.add(f"{variable} = f'[{{\",\".join({variable}_whole)}}]'")
            if is_personal(item):
                source.add(f"{variable}_public = f'[{{\",\".join({variable}_publics)}}]'")
        case Record():
            writer = source.name(compiled_for(shape.cls).write)
            source.add(f"{variable}, {variable}_public = {writer}({variable}, {_collector(member)})")


def _collector(member: Member) -> str:
    """Where ids inside a part go: those inside personal data are nobody's search key."""
    return "[]" if member.name == PERSON else "references"
