"""One design system: templates use the classes that the stylesheet knows, and no others."""

import re

from tests.architecture.source import ROOT

STYLESHEET = ROOT / "shared/web/static/rostrum.css"
API_DOCS = STYLESHEET.with_name("api-docs.css")
TEMPLATES = sorted(
    [*(ROOT / "shared").rglob("templates/**/*.html"), *(ROOT / "services").rglob("templates/**/*.html")]
)
MADE_OF_PARTS = re.compile(r"r-(tag|notice|step|button|width|figure|page)-$")
"""Names whose last part comes from the view: `r-tag-` and a kind."""


def rules() -> set[str]:
    return set(re.findall(r"\.(r-[\w-]+)", STYLESHEET.read_text()))


def test_every_class_has_a_rule() -> None:
    # The documentation of the API is somebody else's page, with a stylesheet that fits it to ours.
    known, unknown = rules() | set(re.findall(r"\.(docs-[\w-]+)", API_DOCS.read_text())), []
    for path in TEMPLATES:
        if path.name == "api_docs.html":
            # Swagger UI's page has a stylesheet of its own, api-docs.css.
            continue
        text = re.sub(r"{%.*?%}|{{.*?}}", lambda found: " " * len(found.group()), path.read_text())
        for classes in re.findall(r'class="([^"]*)"', text):
            unknown += [
                f"{path.relative_to(ROOT)}: {name}"
                for name in classes.split()
                if name not in known and not MADE_OF_PARTS.search(name)
            ]
    assert unknown == [], "use a class of shared/web/static/rostrum.css, or add a rule there"


def test_every_rule_is_used() -> None:
    used = " ".join(path.read_text() for path in TEMPLATES)
    used += (ROOT / "shared/web/static/rostrum.js").read_text()
    used += " ".join(
        path.read_text() for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py")
    )
    kinds = re.compile(r"r-(tag|notice|step|figure|width|page|button)-")
    unused = [
        name
        for name in sorted(rules())
        if not re.search(rf"(?<![\w-]){name}(?![\w-])", used) and not kinds.match(name)
    ]
    assert unused == [], "take the rule away"


def test_colours_are_tokens() -> None:
    body = re.sub(r":root \{.*?\n\}|:root \{[^}]*\}", "", STYLESHEET.read_text(), flags=re.DOTALL)
    assert re.findall(r"(?<![\w&])#[0-9a-f]{3,8}\b", body) in ([], ["#fff", "#000"]), (
        "name it once, among the tokens"
    )
