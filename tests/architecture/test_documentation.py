"""Every public thing says what it is for."""

import ast

import pytest

from tests.architecture.source import Source, python_files


def test_modules_classes_and_functions_have_a_docstring() -> None:
    missing = []
    for source in python_files("services", "shared", "deploy"):
        if not ast.get_docstring(source.tree):
            missing.append(f"{source.path}:1: the module")
        missing += [
            f"{source.at(node)}: {node.name}"
            for node in source.tree.body
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and not node.name.startswith("_")
            and not ast.get_docstring(node)
        ]
    assert missing == []


@pytest.mark.parametrize("name", ["enrollment", "payment", "certification"])
def test_a_service_has_a_charter(name: str) -> None:
    charter = ast.get_docstring(Source(f"services/{name}/__init__.py").tree) or ""
    assert all(word in charter.lower() for word in ("owns", "publishes", "reacts")), charter
