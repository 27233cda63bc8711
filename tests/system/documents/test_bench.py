"""`make bench`, whole, as the documents say it."""

import json
import os

import pytest

from tests.support.docker import compose_command
from tests.system.documents.checkout import Checkout
from tests.system.documents.registry import runs

pytestmark = [pytest.mark.long, pytest.mark.timeout(1500)]


@runs("make bench")
def test_every_figure_is_measured(checkout: Checkout, command: str) -> None:
    """Beside other tests figures mean nothing, bars may be missed: that each is measured is what counts."""
    given = {
        "BENCH_ROUNDS": "1",
        **{name: os.environ[name] for name in os.environ if name.startswith("PIP_")},
    }
    said = checkout.run(f"{command} || true", given, seconds=1400)
    assert "build/bench.json is written" in said
    table = (checkout.folder / "docs" / "figures.md").read_text().partition("\n## ")[0]
    documented = [line for line in table.splitlines() if line.startswith("| ")][1:]
    measured = json.loads((checkout.folder / "build" / "bench.json").read_text())
    in_containers = sum("compose" in line or "image size" in line for line in documented)
    assert len(measured) == len(documented) - (0 if compose_command() else in_containers)
    assert all(figure["value"] > 0 for figure in measured)
