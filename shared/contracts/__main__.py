"""`python -m shared.contracts check|export`: hold the published contract and the code together."""

import sys

import click

from shared.contracts.published import (
    evolution_problems,
    example_problems,
    export,
    present_schemas,
    read_examples,
    read_snapshots,
    stale_files,
)


@click.group(help=__doc__)
def main() -> None:
    """The contract's two commands."""


@main.command()
def check() -> None:
    """Say what is wrong with examples, snapshots and document; exit 1 if anything is."""
    problems = example_problems(read_examples())
    problems += evolution_problems(read_snapshots(), present_schemas())
    problems += [f"{name}: stale, run `make contracts`" for name in stale_files()]
    _report(problems)
    click.echo("The contract and the code agree.")


@main.command("export")
@click.option(
    "--unreleased",
    multiple=True,
    metavar="TYPE",
    help="An event type that was never deployed: its snapshot may break. Repeat for more.",
)
def export_command(unreleased: tuple[str, ...]) -> None:
    """Write snapshots/ and asyncapi.yaml, unless a published event would break."""
    _report(export(frozenset(unreleased)))
    click.echo("Wrote shared/contracts/snapshots and shared/contracts/asyncapi.yaml.")


def _report(problems: list[str]) -> None:
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        sys.exit(1)


if __name__ == "__main__":
    main(prog_name="python -m shared.contracts")
