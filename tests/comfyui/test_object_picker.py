"""The object picker in the real front end: what is drawn on the photo becomes objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .browser import Browser
from .prompts import BOXES, draw_room
from .server import Server

ROOM = (320, 240)
WIDE = {"width": 2400, "height": 1350}


class Picker:
    """The picker of the graph on show, used as a person does."""

    def __init__(self, server: Server, browser: Browser) -> None:
        self.server, self.browser = server, browser

    def tool(self, name: str) -> None:
        self.press_button(f'[data-tool="{name}"]')

    def press_button(self, selector: str) -> None:
        x, y = self.browser.run(
            """
            const found = document.querySelector(".cast-picker " + argument);
            const r = found.getBoundingClientRect();
            return [r.left + r.width / 2, r.top + r.height / 2];
            """,
            selector,
        )
        self.browser.click(x, y)

    def at(self, x: float, y: float, size: tuple[int, int] = ROOM) -> tuple[float, float]:
        """Where a pixel of the photo is on the page, while the whole photo is shown."""
        frame = self.browser.run(
            """
            const stage = document.querySelector(".cast-picker-stage");
            const r = stage.getBoundingClientRect();
            return [r.left, r.top, r.width, stage.clientWidth, stage.clientHeight];
            """
        )
        left, top, shown, width, height = frame
        scale = min((width - 12) / size[0], (height - 12) / size[1])
        zoom = shown / width
        across, down = (width - scale * size[0]) / 2, (height - scale * size[1]) / 2
        return left + zoom * (across + x * scale), top + zoom * (down + y * scale)

    def draw_box(self, box) -> None:
        self.tool("box")
        x0, y0, x1, y1 = box
        self.browser.drag(self.at(x0, y0), self.at((x0 + x1) / 2, y1 - 5), self.at(x1, y1))

    def click(self, x: float, y: float) -> None:
        self.browser.click(*self.at(x, y))

    def drag(self, *points) -> None:
        self.browser.drag(*(self.at(*p) for p in points))

    @property
    def text(self) -> str:
        """The widget's value, as it goes into the workflow."""
        return self.browser.run(
            """
            const node = app.graph.nodes.find((n) => n.type === "CASTEditObjects");
            return node.widgets.find((w) => w.name === "edits").value;
            """
        )

    @property
    def edits(self) -> dict:
        return json.loads(self.text)["objects"] if self.text else {}

    @property
    def listed(self) -> list[tuple[str, str]]:
        """Number and name of each line of the list."""
        return [
            tuple(line)
            for line in self.browser.run(
                """
                return [...document.querySelectorAll(".cast-picker-list li")].map((li) => [
                  li.querySelector(".cast-picker-number").textContent,
                  li.querySelector("input").value,
                ]);
                """
            )
        ]

    def update(self) -> dict:
        """Presses the picker's own button; gives what the node told."""
        queued = self.browser.run(
            """
            const original = app.api.queuePrompt;
            const asked = new Promise((done) => {
              app.api.queuePrompt = async function (...all) {
                app.api.queuePrompt = original;
                const answer = await original.apply(this, all);
                done(answer.prompt_id);
                return answer;
              };
            });
            document.querySelector(".cast-picker-run").click();
            return await asked;
            """
        )
        run = self.server.wait(queued)
        assert run.status == "success", run.error
        node_id = next(i for i, o in run.outputs.items() if "cast_picker" in o)
        self.browser.run(
            """
            for (let i = 0; i < 200; i++) {
              if (!document.querySelector(".cast-picker-due")) break;
              await new Promise((done) => setTimeout(done, 100));
            }
            if (document.querySelector(".cast-picker-due")) throw new Error("it is never up to date");
            await new Promise((done) => setTimeout(done, 200));
            """
        )
        return run.outputs[node_id] | {"ran": set(run.outputs)}


def masks_of(told: dict) -> dict[int, list]:
    return {o["id"]: o["outlines"] for o in told["cast_picker"][0]["objects"]}


def area(outlines: list[list[int]]) -> float:
    """Of polygons by the even-odd rule, whose holes run the other way round."""
    total = 0.0
    for line in outlines:
        xs, ys = line[0::2], line[1::2]
        total += sum(xs[i - 1] * ys[i] - xs[i] * ys[i - 1] for i in range(len(xs)))
    return abs(total) / 2


@pytest.fixture
def picker(server: Server, browser: Browser) -> Iterator[Picker]:
    """Load Image and Edit Objects, nothing else."""
    browser.viewport(1280, 720)
    draw_room(server.base / "input" / "room.png")
    browser.problems()
    browser.run(
        """
        app.graph.clear();
        await app.extensionManager.command?.execute?.("Comfy.RefreshNodeDefinitions");
        const photo = LiteGraph.createNode("LoadImage");
        photo.pos = [0, 0];
        app.graph.add(photo);
        const widget = photo.widgets.find((w) => w.name === "image");
        widget.value = "room.png";
        const edit = LiteGraph.createNode("CASTEditObjects");
        edit.pos = [340, 0];
        app.graph.add(edit);
        photo.connect(0, edit, edit.inputs.findIndex((i) => i.name === "image"));
        await new Promise((done) => setTimeout(done, 300));
        """
    )
    browser.load(browser.run("return app.graph.serialize();"))
    browser.run("await new Promise((done) => setTimeout(done, 1500));")
    yield Picker(server, browser)
    browser.viewport(**WIDE)


def test_a_drawn_box_becomes_an_object(picker: Picker, browser: Browser, artefacts: Path):
    browser.screenshot(artefacts / "picker_empty.png")
    picker.draw_box(BOXES[0])
    assert list(picker.edits) == ["100"]
    for drawn, wanted in zip(picker.edits["100"]["box"], BOXES[0], strict=True):
        assert abs(drawn - wanted) <= 1.5
    told = picker.update()
    browser.screenshot(artefacts / "picker_box.png")
    (made,) = told["cast_picker"][0]["objects"]
    assert made["keep"] and made["id"] == 100
    truth = (BOXES[0][2] - BOXES[0][0]) * (BOXES[0][3] - BOXES[0][1])
    assert area(made["outlines"]) == pytest.approx(truth, rel=0.15)
    assert told["cast_report"][0]["made"] == ["object 100"]


def covers(outlines: list[list[int]], x: float, y: float) -> bool:
    """Even-odd rule."""
    odd = False
    for line in outlines:
        for i in range(0, len(line), 2):
            (x0, y0), (x1, y1) = line[i - 2 : i] or line[-2:], line[i : i + 2]
            if (y0 > y) != (y1 > y) and x < (x1 - x0) * (y - y0) / (y1 - y0) + x0:
                odd = not odd
    return odd


RED, GREEN, WALL = (50, 150), (160, 140), (100, 30)


def test_points_on_it_and_beside_it_change_the_mask(
    picker: Picker, browser: Browser, artefacts: Path
):
    picker.draw_box((14, 84, 206, 206))  # red and green together
    before = masks_of(picker.update())[100]
    picker.tool("minus")
    picker.click(*GREEN)
    assert picker.edits["100"]["points"][0][2] == -1
    browser.screenshot(artefacts / "picker_minus_pending.png")
    without = masks_of(picker.update())[100]
    assert not covers(without, *GREEN) and area(without) < area(before)
    picker.tool("plus")
    picker.click(*WALL)
    browser.screenshot(artefacts / "picker_points.png")
    with_wall = masks_of(picker.update())[100]
    assert covers(with_wall, *WALL) and not covers(with_wall, *GREEN)
    picker.click(*WALL)  # a point that is clicked again goes
    assert len(picker.edits["100"]["points"]) == 1
    assert masks_of(picker.update())[100] == without


def test_a_point_alone_finds_its_thing(picker: Picker):
    picker.tool("plus")
    picker.click(270, 170)
    (made,) = picker.update()["cast_picker"][0]["objects"]
    assert made["keep"] and covers(made["outlines"], 270, 170)


def test_brush_and_eraser_paint_the_mask(picker: Picker, browser: Browser, artefacts: Path):
    picker.draw_box(BOXES[0])
    before = masks_of(picker.update())[100]
    picker.tool("paint")
    picker.drag((90, 40), (120, 60), (150, 40))
    picker.tool("erase")
    picker.drag((50, 110), (50, 155), (50, 200))
    adds, erases = picker.edits["100"]["brush"]
    assert adds["add"] == 12 and erases["erase"] == 12
    browser.screenshot(artefacts / "picker_brush_pending.png")
    after = masks_of(picker.update())[100]
    browser.screenshot(artefacts / "picker_brush.png")
    assert covers(after, 120, 58) and covers(after, 95, 44) and not covers(before, 120, 58)
    assert covers(before, *RED) and not covers(after, *RED)
    assert covers(after, 32, 150) and covers(after, 70, 150)  # left and right of what was wiped


def test_rename_delete_undo_and_what_the_saved_workflow_brings_back(
    picker: Picker, server: Server, browser: Browser, artefacts: Path
):
    for box in BOXES:
        picker.draw_box(box)
    browser.run(
        """
        const inputs = document.querySelectorAll(".cast-picker-list input");
        const name = (input, text) => {
          input.focus(); input.value = text; input.dispatchEvent(new Event("change")); input.blur();
        };
        name(inputs[0], "chair"); name(inputs[1], "table");
        """
    )
    assert picker.listed == [("100", "chair"), ("101", "table"), ("102", "object")]
    picker.press_button(".cast-picker-list li:nth-child(3) button:nth-of-type(3)")
    assert [n for n, _ in picker.listed] == ["100", "101"]
    picker.press_button(".cast-picker-stage")  # back to the photo, which draws no box
    browser.press("Control+z")
    assert [n for n, _ in picker.listed] == ["100", "101", "102"]
    browser.press("Control+Shift+z")
    browser.press("Control+z")
    assert [n for n, _ in picker.listed] == ["100", "101", "102"]
    assert len(browser.run("return app.graph.nodes.map((n) => n.id);")) == 2

    told = picker.update()
    assert [o["label"] for o in told["cast_picker"][0]["objects"]] == ["chair", "table", "object"]
    text, saved = picker.text, browser.run("return app.graph.serialize();")
    browser.run("app.graph.clear();")
    browser.load(saved)
    browser.run("await new Promise((done) => setTimeout(done, 1500));")
    assert picker.text == text
    assert picker.listed == [("100", "chair"), ("101", "table"), ("102", "object")]
    browser.screenshot(artefacts / "picker_reloaded.png")
    again = picker.update()
    assert again["cast_picker"] == told["cast_picker"]


@pytest.fixture
def found(server: Server, browser: Browser, picker: Picker) -> Picker:
    """Load Image, Detect with the boxes of the three things, Edit Objects."""
    boxes = "\n".join(f"{n}: {', '.join(map(str, b))}" for n, b in zip("abc", BOXES, strict=True))
    browser.run(
        """
        const [photo, edit] = ["LoadImage", "CASTEditObjects"].map((t) =>
          app.graph.nodes.find((n) => n.type === t));
        const detect = LiteGraph.createNode("CASTDetect");
        app.graph.add(detect);
        const widget = (name) => detect.widgets.find((w) => w.name === name);
        widget("backend").value = "boxes";
        widget("backend.boxes").value = argument;
        detect.pos = [0, 420];
        photo.connect(0, detect, 0);
        edit.disconnectInput(edit.inputs.findIndex((i) => i.name === "image"));
        detect.connect(0, edit, 0);
        """,
        boxes,
    )
    return picker


def test_found_objects_are_edited_and_the_others_left_alone(
    found: Picker, browser: Browser, artefacts: Path
):
    told = found.update()
    assert found.listed == [("0", "a"), ("1", "b"), ("2", "c")]
    before = masks_of(told)
    found.tool("select")
    found.click(*GREEN)
    browser.press("Delete")
    assert found.edits == {"1": {"keep": False}}
    found.click(*RED)
    found.tool("erase")
    found.drag((30, 120), (40, 120))
    browser.screenshot(artefacts / "picker_found_pending.png")
    told = found.update()
    browser.screenshot(artefacts / "picker_found.png")
    objects = {o["id"]: o for o in told["cast_picker"][0]["objects"]}
    assert [o["keep"] for o in objects.values()] == [True, False, True]
    assert objects[1]["reason"] == "deleted by hand"
    assert objects[2]["outlines"] == before[2] and objects[0]["outlines"] != before[0]
    found.press_button('button[aria-label="Bring b 1 back"]')
    assert found.update()["cast_picker"][0]["objects"][1]["keep"]


@pytest.mark.parametrize("label", ["<img src=x onerror=window.hacked=1>../../x", "🪑" * 5000])
def test_a_label_of_ill_will_is_shown_as_text(
    picker: Picker, browser: Browser, artefacts: Path, label: str
):
    text = json.dumps(
        {"photo": [320, 240], "objects": {"100": {"label": label, "box": list(BOXES[0])}}}
    )
    browser.run(
        """
        const node = app.graph.nodes.find((n) => n.type === "CASTEditObjects");
        const widget = node.widgets.find((w) => w.name === "edits");
        widget.value = argument;
        widget.callback?.(argument);
        """,
        text,
    )
    told = picker.update()
    assert told["cast_picker"][0]["objects"][0]["label"] == label.lower()
    assert picker.listed[0][1][:5] == label[:5]
    browser.screenshot(artefacts / "picker_ill_label.png")
    assert browser.run("return document.querySelectorAll('.cast-picker img').length;") == 0
    assert not browser.run("return window.hacked;")
    browser.problems()


def test_a_text_that_cannot_be_read_is_refused_with_object_and_field(
    picker: Picker, browser: Browser
):
    browser.run(
        """
        const node = app.graph.nodes.find((n) => n.type === "CASTEditObjects");
        node.widgets.find((w) => w.name === "edits").value =
          '{"objects": {"3": {"box": [1, 2, 3]}}}';
        """
    )
    with pytest.raises(
        RuntimeError, match=r"object 3: box: .*left, top, right, bottom.* is needed"
    ):
        browser.queue()


def test_all_of_it_with_the_keyboard_alone(picker: Picker, browser: Browser, artefacts: Path):
    browser.run("document.querySelector('.cast-picker-keys').focus();")

    def press(*keys: str) -> None:
        for key in keys:
            browser.press(key)

    press("b", "Enter", *["Shift+ArrowLeft"] * 4, "Enter", *["Shift+ArrowDown"] * 3)
    press(*["Shift+ArrowRight"] * 7, "Enter")
    ((number, edit),) = picker.edits.items()
    x0, y0, x1, y1 = edit["box"]
    assert number == "100" and x1 - x0 > 20 and y1 - y0 > 10
    press("v", "ArrowRight", "ArrowRight", "Shift+ArrowDown")
    assert picker.edits["100"]["box"] == [x0 + 2, y0 + 10, x1 + 2, y1 + 10]
    press("Alt+ArrowRight")
    assert picker.edits["100"]["box"][2] == x1 + 3
    press("p", "Enter", "n", "ArrowUp", "Shift+ArrowUp", "Enter")
    assert [p[2] for p in picker.edits["100"]["points"]] == [1, -1]
    press("d", "]", "Enter", "e", "[", "ArrowLeft", "Enter")
    assert [next(iter(s)) for s in picker.edits["100"]["brush"]] == ["add", "erase"]
    browser.screenshot(artefacts / "picker_keyboard.png")
    press("Delete")
    assert picker.edits == {}
    press("Control+z", "Control+z")
    assert len(picker.edits["100"]["brush"]) == 1
    assert len(browser.run("return app.graph.nodes.map((n) => n.id);")) == 2  # the node is there


@pytest.fixture
def settings(browser: Browser):
    """Sets the front end's settings and puts them back."""
    before: dict = {}

    def put(**values) -> None:
        for name, value in values.items():
            key = "Comfy." + name.replace("_", ".")
            get = "return app.extensionManager.setting.get(argument);"
            before.setdefault(key, browser.run(get, key))
            browser.run(
                "await app.extensionManager.setting.set(argument[0], argument[1]);", [key, value]
            )

    yield put
    for key, value in before.items():
        browser.run(
            "await app.extensionManager.setting.set(argument[0], argument[1]);", [key, value]
        )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_in_the_other_renderer_and_in_both_themes(
    picker: Picker, browser: Browser, artefacts: Path, settings, theme: str
):
    settings(VueNodes_Enabled=True, ColorPalette=theme)
    browser.load(browser.run("return app.graph.serialize();"))
    browser.run("await new Promise((done) => setTimeout(done, 2500));")
    place = browser.run("return app.graph.nodes.map((n) => [...n.pos]);")
    picker.draw_box(BOXES[1])
    assert list(picker.edits) == ["100"]
    for drawn, wanted in zip(picker.edits["100"]["box"], BOXES[1], strict=True):
        assert abs(drawn - wanted) <= 2
    (made,) = picker.update()["cast_picker"][0]["objects"]
    browser.screenshot(artefacts / f"picker_vue_{theme}.png")
    assert covers(made["outlines"], *GREEN)
    assert browser.run("return app.graph.nodes.map((n) => [...n.pos]);") == place


def test_the_wheel_zooms_the_photo_and_not_the_graph(picker: Picker, browser: Browser):
    zoom = browser.run("return app.canvas.ds.scale;")
    x, y = picker.at(*GREEN)
    browser.wheel(x, y, -400)
    browser.run("await new Promise((done) => setTimeout(done, 300));")
    assert browser.run("return app.canvas.ds.scale;") == zoom
    picker.tool("plus")
    browser.click(x, y)  # what was under the pointer still is
    px, py, _ = picker.edits["100"]["points"][0]
    assert abs(px - GREEN[0]) <= 1 and abs(py - GREEN[1]) <= 1
