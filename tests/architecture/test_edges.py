"""Where transactions end, where selects are written, where the environment is read, and what is never written."""

import ast
import re

import pytest

from tests.architecture.source import Source, called_name, python_files

ALL = python_files("services", "shared", "deploy")
SERVICES = python_files("services")
sources = pytest.mark.parametrize("source", ALL, ids=lambda source: source.path)
service_sources = pytest.mark.parametrize("source", SERVICES, ids=lambda source: source.path)

READS_ENVIRONMENT = re.compile(
    r"shared/(config|cli)\.py|services/\w+/app\.py|services/__main__\.py|deploy/.*"
)
"""The command line and the two entries of gunicorn hand the environment to `load_settings`; sandboxes are
programs of their own."""


@sources
def test_only_the_transaction_edge_commits(source: Source) -> None:
    if source.path.startswith(("shared/db/", "deploy/sandbox/")):
        return
    found = [source.at(call) for call in source.calls() if called_name(call) in {"commit", "rollback"}]
    assert found == [], (
        "leaving `transactions.begin()` commits, an exception rolls back; nothing else does either"
    )


@service_sources
def test_selects_live_in_repository_and_queries(source: Source) -> None:
    if re.match(r"services/\w+/(repository|queries)(\.py|/)", source.path):
        return
    found = [source.at(call) for call in source.calls() if called_name(call) == "select"]
    assert found == [], "'where are our queries?' has one answer: repository for change, queries for readers"


@sources
def test_the_environment_is_read_at_the_entries_only(source: Source) -> None:
    if READS_ENVIRONMENT.fullmatch(source.path):
        return
    found = [
        source.at(node)
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"})
        or (isinstance(node, ast.Name) and node.id in {"environ", "getenv"})
    ]
    # A WSGI request is an `environ` too.
    found = [at for at in found if not re.search(r"request\.environ|def .*\(.*environ", _line(source, at))]
    assert found == [] or _takes_environ_as_argument(source), "settings are read once, at the edge"


REAL_TIME = {"services/enrollment/handlers/staff.py"}
"""Sessions and their endings are compared with cookies, which are signed with real time."""


@service_sources
def test_business_time_is_injected(source: Source) -> None:
    if source.path in REAL_TIME:
        return
    found = [
        source.at(call)
        for call in source.calls()
        if called_name(call) in {"utcnow", "today"}
        or (called_name(call) == "now" and ast.unparse(call.func).startswith("datetime"))
    ]
    assert found == [], "ask the injected clock: the demo and the tests move it"


@service_sources
def test_money_is_never_a_float(source: Source) -> None:
    money = re.compile(r"amount|price|fee\b|money|minor|total|gross|net\b")
    found = [
        source.at(node)
        for node in ast.walk(source.tree)
        if (
            isinstance(node, ast.AnnAssign | ast.arg)
            or (isinstance(node, ast.Call) and called_name(node) == "float")
        )
        and "float" in ast.unparse(node)
        and money.search(ast.unparse(node))
    ]
    assert found == [], "amounts are whole minor units"


@service_sources
def test_imports_stand_at_the_top(source: Source) -> None:
    found = [
        source.at(inner)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert found == [], "an import inside a function hides a dependency from the import contracts"


def _line(source: Source, at: str) -> str:
    return source.lines[int(at.rsplit(":", 1)[1]) - 1]


def _takes_environ_as_argument(source: Source) -> bool:
    arguments = {
        argument.arg
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.Lambda)
        for argument in node.args.args
    }
    return "environ" in arguments and "os.environ" not in source.text and "getenv" not in source.text
