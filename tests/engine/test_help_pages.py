"""Every node's help page shows the node, in both languages, and the tutorial shows its steps.

``scripts/front_end_pictures.py`` takes the pictures.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "web" / "docs"
NODES = sorted(path.stem for path in DOCS.glob("CAST*.md"))
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
LARGEST, ALTOGETHER = 200_000, 2_000_000


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("node", NODES)
def test_a_page_shows_its_node(node: str, language: str) -> None:
    page = DOCS / f"{node}.md" if language == "en" else DOCS / node / "zh.md"
    text = page.read_text(encoding="utf-8")
    # ComfyUI takes a page's relative addresses from web/docs, also those of translations.
    (alt, address), *_ = PICTURE.findall(text)
    assert address == f"pictures/{node}.webp"
    assert alt == text.splitlines()[0].lstrip("# ")
    with Image.open(DOCS / address) as picture:
        assert picture.width >= 200 and picture.height >= 100


def test_no_picture_is_left_over_and_all_are_small() -> None:
    pictures = list((DOCS / "pictures").iterdir())
    assert sorted(path.stem for path in pictures) == NODES
    sizes = [path.stat().st_size for path in pictures]
    assert max(sizes) < LARGEST and sum(sizes) < ALTOGETHER


@pytest.mark.parametrize("name", ["tutorial.md", "tutorial.zh.md"])
def test_the_tutorial_shows_every_step(name: str) -> None:
    page = ROOT / "docs" / name
    shown = [address for _, address in PICTURE.findall(page.read_text(encoding="utf-8"))]
    taken = sorted(f"tutorial/{path.name}" for path in (ROOT / "docs" / "tutorial").iterdir())
    assert shown == taken
    for address in shown:
        assert (ROOT / "docs" / address).stat().st_size < LARGEST


@pytest.mark.parametrize("name", ["tutorial.md", "tutorial.zh.md"])
def test_links_of_the_tutorial_lead_somewhere(name: str) -> None:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    for address in re.findall(r"\]\(([^)#]+)\)", text):
        assert (ROOT / "docs" / address).is_file(), address
