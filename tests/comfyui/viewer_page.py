"""The scene viewer of a node in the browser, as the tests look at it and handle it."""

from __future__ import annotations

import base64
import io
import time
from typing import Any

import numpy as np
from PIL import Image

from .browser import Browser
from .prompts import chain, node
from .server import Server

FIND = """
    const node = app.graph.nodes.find((n) => n.type === argument.type);
    const host = node.widgets.find((w) => w.name === "cast_scene_viewer").element;
    const root = host.shadowRoot;
"""


def scene_graph(server: Server, **changes: dict) -> dict:
    """All stages over the drawn room, with a Preview Scene at the end."""
    return chain(server, **changes) | {
        "look": node(server, "CASTPreviewScene", scene=["compose", 0])
    }


def show(browser: Browser, prompt: dict) -> None:
    """Puts an API prompt on the canvas."""
    browser.run(
        """
        await app.loadApiJson(argument, "scene");
        await new Promise((done) => setTimeout(done, 800));
        """,
        prompt,
    )


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean difference of two pictures' grey values."""
    return float(np.abs(one.astype(float) - other.astype(float)).mean())


def open_viewer(server: Server, browser: Browser, **changes: dict) -> ViewerPage:
    """The viewer of Compose Scene, as it is when a graph was loaded and run."""
    show(browser, scene_graph(server, **changes))
    browser.run('localStorage.removeItem("cast"); document.activeElement?.blur?.();')
    done = server.wait(browser.queue())
    assert done.status == "success", done.error + server.log_end()
    page = ViewerPage(browser, "CASTComposeScene")
    page.look()
    page.wait()
    return page


class ViewerPage:
    """The viewer on the first node of a type."""

    def __init__(self, browser: Browser, node_type: str) -> None:
        self.browser, self.type = browser, node_type

    def run(self, code: str, **arguments: Any) -> Any:
        """Runs code that sees ``node``, ``host``, ``root`` (the shadow root) and ``argument``."""
        return self.browser.run(FIND + code, {"type": self.type, **arguments})

    def look(self, scale: float = 1.0) -> None:
        """Brings the node to the middle of the window, this much enlarged."""
        self.run(
            """
            const [w, h] = [innerWidth, innerHeight];
            app.canvas.ds.scale = argument.scale;
            const widget = node.widgets.find((x) => x.name === "cast_scene_viewer");
            const y = widget.y ?? node.size[1] / 2;
            app.canvas.ds.offset = [
              w / 2 / argument.scale - node.pos[0] - node.size[0] / 2,
              h / 2 / argument.scale - node.pos[1] - y - 215,
            ];
            app.canvas.setDirty(true, true);
            await new Promise((done) => setTimeout(done, 400));
            """,
            scale=scale,
        )

    def wait(self, seconds: float = 30) -> None:
        """Until a scene is shown and the picture is still."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            shown = self.run(
                """
                if (!root?.querySelector(".message").hidden) return false;
                const canvas = root.querySelector("canvas");
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                return data.some((value) => value > 0);
                """
            )
            if shown:
                self.still()
                return
            time.sleep(0.2)
        raise TimeoutError(f"no scene: {self.run('return root?.textContent ?? host.textContent;')}")

    def still(self, seconds: float = 30) -> None:
        """Until nothing is drawn any more, and the canvas keeps its size."""
        until = time.monotonic() + seconds
        size = None
        while time.monotonic() < until:
            time.sleep(0.25)
            before = size
            picture, *size = self.run(
                """
                const canvas = root.querySelector("canvas");
                const { picture } = root.querySelector(".stage").dataset;
                return [picture, canvas.clientWidth, canvas.clientHeight];
                """
            )
            if picture == "done" and size == before:
                return
        raise TimeoutError("the picture does not come to rest")

    def pixels(self) -> np.ndarray:
        """(h, w, 3) uint8, what the viewer's canvas shows, of the size it has in the layout."""
        url, *size = self.run(
            """
            const canvas = root.querySelector("canvas");
            return [canvas.toDataURL("image/png"), canvas.clientWidth, canvas.clientHeight];
            """
        )
        picture = Image.open(io.BytesIO(base64.b64decode(url.split(",", 1)[1])))
        return np.asarray(picture.convert("RGB").resize(size, Image.Resampling.BOX))

    def photo_pixels(self, width: int, height: int) -> np.ndarray:
        """(height, width, 3) uint8: the part of the canvas where the photo lies."""
        canvas = self.pixels()
        tall, wide = canvas.shape[:2]
        fitting = min(wide, tall * width / height)
        x, y = (wide - fitting) / 2, (tall - fitting * height / width) / 2
        box = (round(x), round(y), round(wide - x), round(tall - y))
        cut = Image.fromarray(canvas).crop(box)
        return np.asarray(cut.resize((width, height), Image.Resampling.BOX))

    def point(self, selector: str) -> tuple[float, float]:
        """The middle of a piece of the viewer, in pixels of the window."""
        return tuple(
            self.run(
                """
                const box = root.querySelector(argument.selector).getBoundingClientRect();
                return [box.x + box.width / 2, box.y + box.height / 2];
                """,
                selector=selector,
            )
        )

    def press(self, name: str) -> None:
        """Clicks a button of the toolbar."""
        self.browser.click(*self.point(f'[data-name="{name}"]'))
        self.still()

    def row(self, index: int, part: str = "name") -> None:
        """Clicks in a row of the list: its name, eye, solo or lock."""
        self.browser.click(*self.point(f".row:nth-child({index + 1}) .{part}"))
        self.still()

    def at_photo(self, u: float, v: float, width: int, height: int) -> tuple[float, float]:
        """Where the window shows a point of the photo, given as its share across and down."""
        box = self.run(
            'const b = root.querySelector("canvas").getBoundingClientRect();'
            "return [b.x, b.y, b.width, b.height];"
        )
        fitting = min(box[2], box[3] * width / height)
        x = box[0] + box[2] / 2 + (u - 0.5) * fitting
        return x, box[1] + box[3] / 2 + (v - 0.5) * fitting * height / width

    def rows(self) -> list[dict[str, Any]]:
        """The list: text, and what is pressed in each row."""
        return self.run(
            """
            const on = (row, part) => row.querySelector("." + part)?.getAttribute("aria-pressed");
            return [...root.querySelectorAll(".row")].map((row) => ({
              text: row.querySelector(".label").textContent,
              selected: row.classList.contains("selected"),
              changed: row.classList.contains("changed"),
              eye: on(row, "eye") === "true",
              solo: on(row, "solo") === "true",
              lock: on(row, "lock") === "true",
            }));
            """
        )

    def selected(self) -> list[int]:
        return [n for n, row in enumerate(self.rows()) if row["selected"]]

    def status(self) -> str:
        return self.run('return root.querySelector(".status").textContent;')

    def edits(self) -> str:
        return self.run('return node.widgets.find((w) => w.name === "edits").value;')
