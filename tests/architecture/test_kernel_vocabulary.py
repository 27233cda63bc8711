"""The kernel is general: of `shared/`, business words live in `contracts/` alone.

`staff` is the kernel's own word: who signs in, and which roles they hold.
"""

import re

from tests.architecture.source import ROOT

BUSINESS = re.compile(
    r"booking|workshop|payment|payable|payer|certificat|stripe|enrol|seat|attendee|attendance|trainer|student"
    r"|refund|dispute|coverage|scrum|membership|invoice|roster|checkout|\bcourse_|cspo|\bcsm\b",
    re.IGNORECASE,
)

# File → words that mean something else there, or that the kernel cannot do without. Each has its reason.
ALLOWED = {
    # "payment" is a browser feature in the header Permissions-Policy.
    "shared/web/headers.py": {"payment"},
    # Whose log lines are too many.
    "shared/observability/logs.py": {"stripe"},
    # The site's frame names its sections and its owner's marks.
    "shared/web/templates/rostrum/page.html": {"certificat", "workshop", "scrum", "csm", "cspo"},
    "shared/ops/templates/ops/_frame.html": {"enrol", "payment", "certificat"},
    "shared/ops/templates/ops/_parts.html": {"booking", "enrol", "payment", "certificat"},
    "shared/web/templates/rostrum/_staff_navigation.html": {
        "trainer",
        "workshop",
        "payment",
        "enrol",
        "certificat",
    },
}

FILES = [
    str(path.relative_to(ROOT))
    for path in sorted((ROOT / "shared").rglob("*"))
    if path.suffix in {".py", ".html", ".txt", ".css", ".js"}
    and "contracts" not in path.parts
    and "vendor" not in path.parts
]


def test_no_business_word_in_the_kernel() -> None:
    found = [
        f"{path}:{number}: {match.group()}"
        for path in FILES
        for number, line in enumerate((ROOT / path).read_text().splitlines(), 1)
        for match in BUSINESS.finditer(line)
        if match.group().lower() not in ALLOWED.get(path, set())
    ]
    assert found == [], "say it in general words, or move it to the service that owns it"


def test_exceptions_are_still_needed() -> None:
    for path, words in ALLOWED.items():
        text = (ROOT / path).read_text().lower()
        assert not [word for word in words if word not in text], path
