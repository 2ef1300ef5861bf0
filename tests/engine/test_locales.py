"""The translations are whole and fit the backends' options, also where no ComfyUI is.

That they are those of the nodes themselves is asked in ``tests/comfyui/test_locales.py``.
"""

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cast_nodes.backends import backends, option_specs

ROOT = Path(__file__).resolve().parents[2]
LOCALES = ROOT / "locales"
DOCS = ROOT / "web" / "docs"
NODE_OF_STAGE = {
    "detect": "CASTDetect", "filter": "CASTFilter", "depth": "CASTDepth", "inpaint": "CASTInpaint",
    "mesh": "CASTMesh", "register": "CASTRegister", "compose": "CASTComposeScene",
}  # fmt: skip
MAIN_NODES = (*NODE_OF_STAGE.values(), "CASTPreview", "CASTSaveScene", "CASTDemoPhoto")
CODE_WORDS = {"GLB", "JSON", "PBR", "BBOX", "SEGS", "USD", "USDZ"}
"""What is written the same in Chinese."""
CHINESE = re.compile(r"[\u4e00-\u9fff]")
PLACEHOLDER = re.compile(r"\{\w+\}")
QUOTED = re.compile(r"“(CAST [^”]*)”")


def read(path: str) -> dict:
    return json.loads((LOCALES / path).read_text(encoding="utf-8"))


def texts(tree: dict, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text below a dict with the path that leads to it."""
    for key, value in tree.items():
        where = f"{path}.{key}" if path else key
        if isinstance(value, dict):
            yield from texts(value, where)
        else:
            yield where, value


@pytest.fixture(scope="module")
def locales():
    """The script that writes the files."""
    source = ROOT / "scripts" / "make_locales.py"
    spec = importlib.util.spec_from_file_location("make_locales", source)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ENGLISH = dict(texts(read("en/nodeDefs.json")))
CHINESE_TEXTS = dict(texts(read("zh/nodeDefs.json")))
ALL_CHINESE = CHINESE_TEXTS | dict(texts(read("zh/main.json")))


def test_both_languages_have_the_same_keys():
    assert list(ENGLISH) == list(CHINESE_TEXTS)


def test_no_text_is_empty():
    assert [key for key, text in (ENGLISH | ALL_CHINESE).items() if not text.strip()] == []


def test_every_chinese_text_is_chinese_unless_it_is_a_code_word():
    lines = {line for text in ALL_CHINESE.values() for line in text.split("\n")}
    assert {line for line in lines if not CHINESE.search(line)} <= CODE_WORDS


def test_placeholders_are_kept():
    catalogue = read("zh/texts.json")["texts"]
    kept = {e: sorted(PLACEHOLDER.findall(c)) for e, c in catalogue.items()}
    assert kept == {e: sorted(PLACEHOLDER.findall(e)) for e in catalogue}


def test_what_stands_for_itself_is_kept():
    """Addresses, settings, prices, model names: a wrong letter there would send people astray."""
    itself = re.compile(
        r"https?://\S+?(?=[\s）)]|$)|[A-Z]+_[A-Z_]+|\$\d[\d.]*|[\w-]+/[\w.-]*\d[\w.-]*"
    )
    for english, chinese in read("zh/texts.json")["texts"].items():
        for word in itself.findall(english):
            assert word.rstrip(".,;:") in chinese, english


def test_names_and_descriptions_hold_nothing_that_the_front_end_reads_as_a_pattern():
    for key, text in (ENGLISH | CHINESE_TEXTS).items():
        if not key.endswith(".tooltip"):
            assert not set(text) & set("{}@|"), key


def test_a_node_has_the_same_name_wherever_a_chinese_text_speaks_of_it():
    names = {v for k, v in CHINESE_TEXTS.items() if k.endswith(".display_name")}
    spoken = {name for text in ALL_CHINESE.values() for name in QUOTED.findall(text)}
    assert spoken and spoken <= names


def test_two_inputs_or_outputs_of_a_node_do_not_look_alike():
    for node_id, node in read("zh/nodeDefs.json").items():
        outputs = [o["name"] for o in node["outputs"].values()]
        assert len(outputs) == len(set(outputs)), node_id
        for prefix in ("backend_", ""):
            names = [
                i["name"]
                for key, i in node["inputs"].items()
                if key.startswith("backend_") == bool(prefix)
            ]
            assert len(names) == len(set(names)), node_id


@pytest.mark.parametrize("stage", NODE_OF_STAGE)
def test_every_option_of_every_backend_is_named_and_told(stage: str):
    """Fails after an option was added or reworded: ``make locales``, and translate what it names."""
    node = NODE_OF_STAGE[stage]
    told = read("zh/main.json")["castOptions"][node]["backend"]
    catalogue = read("zh/texts.json")["texts"]
    assert list(told) == list(backends(stage))
    for name, backend in backends(stage).items():
        for spec in option_specs(backend.options):
            assert f"{node}.inputs.backend_{spec.name}.name" in ENGLISH
            english = f"{spec.help} [{spec.unit}]" if spec.unit else spec.help
            assert english in ENGLISH[f"{node}.inputs.backend_{spec.name}.tooltip"]
            assert told[name][spec.name] == catalogue[english]


def test_each_main_node_has_its_help_in_both_languages():
    """The front end asks for ``NODE/zh.md``, and takes ``NODE.md`` for other languages."""
    for node in MAIN_NODES:
        english = (DOCS / f"{node}.md").read_text(encoding="utf-8")
        chinese = (DOCS / node / "zh.md").read_text(encoding="utf-8")
        assert english.startswith(f"# {ENGLISH[f'{node}.display_name']}\n")
        assert chinese.startswith(f"# {CHINESE_TEXTS[f'{node}.display_name']}\n")


@pytest.mark.parametrize("path", sorted(DOCS.glob("*/zh.md")), ids=lambda p: p.parent.name)
def test_a_chinese_help_page_names_every_code_word_of_the_english_one(path: Path):
    """Options, keys, file names and commands; nodes are called by their Chinese names."""
    english = (DOCS / f"{path.parent.name}.md").read_text(encoding="utf-8")
    chinese = path.read_text(encoding="utf-8")
    code = re.compile(r"`([^`]+)`")
    assert set(code.findall(english)) - set(code.findall(chinese)) == set()
    # Markdown closes no bold between a full stop and a character.
    bold = re.findall(r"\*\*([^*]+)\*\*(?=(.?))", chinese)
    assert not [text for text, after in bold if text[-1] in "，。：；）" and after.strip()]
    names = {v for k, v in CHINESE_TEXTS.items() if k.endswith(".display_name")}
    assert set(re.findall(r"\*\*(CAST [^*]+)\*\*", chinese)) <= names


NODE = {
    "display_name": "CAST Cut",
    "description": "Cuts.",
    "input": {
        "required": {
            "side": ["INT", {"tooltip": "Its side."}],
            "backend": [
                "COMFY_DYNAMICCOMBO_V3",
                {
                    "tooltip": "How.\nfast: Quickly.",
                    "options": [
                        {
                            "key": "fast",
                            "inputs": {
                                "required": {
                                    "side": ["INT", {"tooltip": "of the square"}],
                                    "steps": ["INT", {"tooltip": "how many"}],
                                }
                            },
                        },
                        {
                            "key": "fine",
                            "inputs": {"optional": {"side": ["INT", {"tooltip": "of the tile"}]}},
                        },
                    ],
                },
            ],
        }
    },
    "output": ["IMAGE"],
    "output_name": ["image"],
    "output_tooltips": ["It."],
}
"""A node with one choice, as the server tells it."""

WORDS = {
    "names": {"CAST Cut": "CAST 裁切", "side": "边长", "backend": "后端", "steps": "步数",
              "image": "图像", "CASTCut.image": "成图"},
    "texts": {"Cuts.": "裁切。", "Its side.": "边长。", "How.": "方法。", "fast: Quickly.": "fast：快。",
              "of the square": "方形的", "how many": "多少", "of the tile": "图块的", "It.": "它。"},
}  # fmt: skip


def test_what_a_choice_brings_is_found_under_its_name_with_the_dot_replaced(locales):
    node = locales.english({"CASTCut": NODE})["CASTCut"]
    assert node["inputs"]["backend_steps"] == {"name": "steps", "tooltip": "how many"}
    assert node["outputs"] == {"0": {"name": "image", "tooltip": "It."}}


def test_where_choices_tell_different_things_of_one_name_each_says_whose_it_is(locales):
    node = locales.english({"CASTCut": NODE})["CASTCut"]
    told = node["inputs"]["backend_side"]["tooltip"]
    assert told == "fast: of the square\nfine: of the tile"


def test_each_choice_keeps_its_own_tooltip_in_the_other_language(locales):
    defs, main = locales.translated({"CASTCut": NODE}, locales.Catalogue(WORDS))
    assert main["castOptions"]["CASTCut"]["backend"] == {
        "fast": {"side": "方形的", "steps": "多少"},
        "fine": {"side": "图块的"},
    }
    assert defs["CASTCut"]["inputs"]["backend"]["tooltip"] == "方法。\nfast：快。"


def test_the_words_of_price_badges_are_translated_once_for_all_nodes(locales):
    badge = {"price_badge": {"expr": '(\n  $words := {"free": "free", "a cut": "a cut"};\n  1\n)'}}
    words = WORDS | {"texts": WORDS["texts"] | {"free": "免费", "a cut": "每次裁切"}}
    catalogue = locales.Catalogue(words)
    _, main = locales.translated({"CASTCut": NODE | badge, "CASTPlain": NODE}, catalogue)
    assert main["castPrices"] == {"a cut": "每次裁切", "free": "免费"}


def test_a_nodes_own_word_counts_before_the_common_one(locales):
    defs, _ = locales.translated({"CASTCut": NODE}, locales.Catalogue(WORDS))
    assert defs["CASTCut"]["outputs"]["0"]["name"] == "成图"


def test_a_reworded_text_is_named_as_untranslated_and_the_old_one_as_unused(
    locales, monkeypatch: pytest.MonkeyPatch
):
    changed = NODE | {"description": "Cuts well."}
    words = {"names": {**WORDS["names"]}, "texts": WORDS["texts"]}
    del words["names"]["image"]
    monkeypatch.setattr(locales, "read", lambda path: words)
    assert set(locales.files({"CASTCut": NODE})) == {
        "en/nodeDefs.json", "zh/nodeDefs.json", "zh/main.json",
    }  # fmt: skip
    with pytest.raises(locales.Untranslated) as lacks:
        locales.files({"CASTCut": changed})
    assert str(lacks.value).split("\n") == [
        'no translation: "Cuts well."', 'no longer used: "Cuts."',
    ]  # fmt: skip
