"""Documents say what is there: every file they name exists, every link leads somewhere."""

import re
from pathlib import Path

from tests.architecture.source import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMED = re.compile(r"`((?:services|shared|deploy|tests|docs)/[\w./-]*|\.importlinter|pyproject\.toml)`")
LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#]+)")


def test_files_that_documents_name_exist() -> None:
    missing = [
        f"{document.relative_to(ROOT)}: {name}"
        for document in DOCUMENTS
        for name in NAMED.findall(document.read_text())
        if not (ROOT / name).exists() and not (ROOT / f"{name}.py").exists()
    ]
    assert missing == []


def test_links_lead_somewhere() -> None:
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in DOCUMENTS
        for target in LINK.findall(document.read_text())
        if not (document.parent / target).exists()
    ]
    assert broken == []


def test_every_decision_is_listed_and_has_its_parts() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text()
    pages = sorted(folder.glob("0*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text()
        assert f"({page.name})" in index, f"{page.name} is not in the list"
        assert text.startswith(f"# {page.name[:4]} "), page.name
        for part in ("Context", "Decision", "Consequences", "Alternatives", "Binds"):
            assert f"**{part}.**" in text, f"{page.name} has no {part}"
        assert len(text.splitlines()) <= 60, f"{page.name} is longer than a page"


def test_the_glossary_gives_each_word_one_meaning() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text()
    words = re.findall(r"^\| ([^|]+?) \|", text, re.MULTILINE)
    words = [word for word in words if word not in ("word", "---")]
    assert len(words) == len(set(words))
    for section in re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]:
        listed = [
            w for w in re.findall(r"^\| ([^|]+?) \|", section, re.MULTILINE) if w not in ("word", "---")
        ]
        assert listed == sorted(listed, key=_letters), "keep the words in order"


def test_the_licence_is_there() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert text.startswith("MIT License")
    assert "Rostrum contributors" in text


def _letters(word: str) -> str:
    return re.sub(r"[^a-z ]", "", word.lower())


def test_paths_are_relative() -> None:
    # A document must not know the machine it was written on.
    private = Path.home().as_posix() + "/"
    assert [str(document) for document in DOCUMENTS if private in document.read_text()] == []
