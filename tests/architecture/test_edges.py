"""Where transactions end, where selects are written, where the environment and the clock are read."""

import ast
import re
from collections.abc import Iterable, Iterator

from tests.architecture.source import Source, called_name, python_files

ALL = python_files("services", "shared", "deploy")
SERVICES = python_files("services")


def calls(sources: Iterable[Source], *names: str) -> Iterator[tuple[Source, ast.Call]]:
    for source in sources:
        for call in source.calls():
            if called_name(call) in names:
                yield source, call


def test_only_the_transaction_edge_commits() -> None:
    # The sandboxes are programs of their own, with no outbox to keep in step.
    found = [
        source.at(call)
        for source, call in calls(ALL, "commit", "rollback")
        if not source.path.startswith(("shared/db/", "deploy/sandbox/"))
    ]
    assert found == [], "leaving `transactions.begin()` commits, an exception rolls back; nothing else does"


def test_selects_live_in_repository_and_queries() -> None:
    home = re.compile(r"services/\w+/(repository|queries)(\.py|/.*)")
    found = [source.at(call) for source, call in calls(SERVICES, "select") if not home.fullmatch(source.path)]
    assert found == [], "'where are our queries?' has one answer: repository for change, queries for readers"


def test_the_environment_is_read_at_the_entries_only() -> None:
    # The command line and gunicorn's entries hand it to `load_settings`; what deploy holds are programs.
    entries = re.compile(
        r"shared/config/__init__\.py|shared/cli/\w+\.py|services/\w+/app\.py|services/__main__\.py|deploy/.*"
    )
    found = [
        source.at(node)
        for source in ALL
        if not entries.fullmatch(source.path)
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"})
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and "env" in ast.unparse(node))
    ]
    assert found == [], "settings are read once, at the edge, and all their errors are told at once"


def test_business_time_is_injected() -> None:
    # Sessions are compared with cookies, which are signed with real time.
    real_time = {"services/enrollment/handlers/staff.py"}
    found = [
        source.at(call)
        for source, call in calls(SERVICES, "now", "utcnow", "today")
        if ast.unparse(call.func).startswith(("datetime", "date.")) and source.path not in real_time
    ]
    assert found == [], "ask the injected clock: the demo and the tests move it"


def test_money_is_never_a_float() -> None:
    money = re.compile(r"amount|price|fee\b|money|minor|total|gross|net\b")
    found = [
        source.at(node)
        for source in SERVICES
        for node in ast.walk(source.tree)
        if isinstance(node, ast.AnnAssign | ast.arg)
        or (isinstance(node, ast.Call) and called_name(node) == "float")
        if "float" in ast.unparse(node) and money.search(ast.unparse(node))
    ]
    assert found == [], "amounts are whole minor units"


def test_imports_stand_at_the_top() -> None:
    found = [
        source.at(inner)
        for source in SERVICES
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert found == [], "an import inside a function hides a dependency from whoever reads the file"
