"""The project's own source files, read once."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One Python file, by its path from the repository's root."""

    path: str

    @cached_property
    def text(self) -> str:
        """What is in it."""
        return (ROOT / self.path).read_text()

    @cached_property
    def lines(self) -> list[str]:
        """Its lines."""
        return self.text.splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax."""
        return ast.parse(self.text, self.path)

    @property
    def module(self) -> str:
        """Its dotted name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def calls(self) -> Iterator[ast.Call]:
        """Every call in it."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.Call))

    def at(self, node: ast.AST) -> str:
        """Where a node is, for a message."""
        return f"{self.path}:{getattr(node, 'lineno', 0)}"


def python_files(*folders: str) -> list[Source]:
    """Every Python file below these folders; migrations tell what was, and are left alone."""
    return [
        Source(str(path.relative_to(ROOT)))
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "versions" not in path.parts and "migrations" not in path.parts
    ]


def called_name(call: ast.Call) -> str:
    """The last word of what is called: `f` in `f()` and in `a.b.f()`."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
