"""The object picker in the real front end: what is drawn on the photo becomes objects."""

from __future__ import annotations

import json
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
        self.browser.run("await new Promise((done) => setTimeout(done, 400));")
        return run.outputs[node_id] | {"ran": set(run.outputs)}


def masks_of(told: dict) -> dict[int, list]:
    return {o["id"]: o["outlines"] for o in told["cast_picker"][0]["objects"]}


def area(outlines: list[list[int]]) -> float:
    """Of polygons by the even-odd rule, whose holes run the other way round."""
    total = 0.0
    for line in outlines:
        xs, ys = line[0::2], line[1::2]
        total += sum(
            xs[i - 1] * ys[i] - xs[i] * ys[i - 1] for i in range(len(xs))
        )
    return abs(total) / 2


@pytest.fixture
def picker(server: Server, browser: Browser, request) -> Picker:
    """Load Image and Edit Objects, nothing else."""
    browser.viewport(**WIDE)
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
    return Picker(server, browser)


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
