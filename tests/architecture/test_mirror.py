"""Unit tests mirror the domain: whoever changes an aggregate knows where its rules are tried."""

import ast

from tests.architecture.source import ROOT, Source, python_files

DECISIONS = (ast.If, ast.IfExp, ast.Match, ast.BoolOp, ast.Compare, ast.comprehension, ast.Try)


def decides(source: Source) -> bool:
    """Whether a file holds a rule, and not only columns, states or words."""
    return any(
        isinstance(inner, DECISIONS)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef)
        for inner in ast.walk(node)
    )


def domain_files() -> dict[str, list[str]]:
    """Domain file → where its unit tests may stand; a service with little domain needs no folder for them."""
    found = {}
    for source in python_files("services"):
        _, service, *inner = source.path.split("/")
        if inner[:1] == ["domain"] and decides(source):
            name = f"test_{inner[-1]}"
            base = f"tests/unit/services/{service}"
            found[source.path] = [f"{base}/domain/{name}", f"{base}/{name}"]
    return found


def test_every_domain_file_with_a_rule_has_its_unit_tests() -> None:
    missing = {
        path: tests[0]
        for path, tests in domain_files().items()
        if not any((ROOT / test).exists() for test in tests)
    }
    assert missing == {}
