"""The browser: a small program on node's side, asked and answering line by line."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any


class Browser:
    """Headless Chromium on one page."""

    def __init__(self, driver: Path, chromium: str) -> None:
        self._process = subprocess.Popen(
            ["node", str(driver)],
            cwd=driver.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"CHROMIUM": chromium},
        )

    def _ask(self, **request: Any) -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the browser's driver has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def run(self, code: str, argument: Any = None) -> Any:
        """Runs the body of an async function (argument) in the page; ``app`` is ComfyUI's."""
        return self._ask(do="run", code="const app = window.app;" + code, argument=argument)

    def screenshot(self, path: Path, clip: dict[str, float] | None = None) -> Path:
        """The page, or the rectangle ``{"x", "y", "width", "height"}`` of it, as PNG or JPEG."""
        self._ask(do="screenshot", path=str(path), clip=clip)
        return path

    def click(self, x: float, y: float, shift: bool = False) -> None:
        """Presses the mouse's left button at a point of the page."""
        self._ask(do="click", x=x, y=y, shift=shift)

    def drag(self, *points: tuple[float, float]) -> None:
        """Presses at the first point and lets go at the last; with one point, only goes there."""
        self._ask(do="drag", points=points)

    def wheel(self, x: float, y: float, by: float) -> None:
        """Turns the wheel over a point; down is above 0."""
        self._ask(do="wheel", x=x, y=y, by=by)

    def press(self, key: str) -> None:
        """Presses a key, as playwright names them ("ArrowDown", "a", "Shift+v")."""
        self._ask(do="press", key=key)

    def download(self, x: float, y: float, path: Path) -> str:
        """Clicks at a point of the page, keeps the file that comes, gives the name it has."""
        return self._ask(do="download", x=x, y=y, path=str(path))

    def viewport(self, width: int, height: int) -> None:
        """Sets the size of the page."""
        self._ask(do="viewport", width=width, height=height)

    def problems(self) -> list[str]:
        """Errors on the page's console since this was last asked."""
        return self._ask(do="problems")

    def open_comfyui(self, url: str) -> None:
        """Opens the front end and waits until it has loaded the graph that it begins with."""
        self._ask(do="open", url=url)
        self.run(
            """
            for (let i = 0; i < 300; i++) {
              const types = window.LiteGraph?.registered_node_types;
              if (types?.CASTDetect && window.app?.isGraphReady) {
                await new Promise((done) => setTimeout(done, 2000));
                return window.app.graph.nodes.length;
              }
              await new Promise((done) => setTimeout(done, 200));
            }
            throw new Error("the front end did not come up with the pack's nodes");
            """
        )

    def load(self, workflow: dict[str, Any]) -> None:
        """Shows a saved workflow, all of it in view."""
        self.run(
            """
            await app.loadGraphData(argument);
            await new Promise((done) => setTimeout(done, 800));
            app.canvas.ds.fitToBounds?.(app.graph.nodes?.length
              ? (() => {
                  let [x0, y0, x1, y1] = [1e9, 1e9, -1e9, -1e9];
                  for (const n of app.graph.nodes) {
                    x0 = Math.min(x0, n.pos[0]); y0 = Math.min(y0, n.pos[1] - 40);
                    x1 = Math.max(x1, n.pos[0] + n.size[0]); y1 = Math.max(y1, n.pos[1] + n.size[1]);
                  }
                  return [x0, y0, x1 - x0, y1 - y0];
                })()
              : [0, 0, 100, 100], { zoom: 0.95 });
            app.canvas.setDirty(true, true);
            await new Promise((done) => setTimeout(done, 400));
            """,
            workflow,
        )

    def api_prompt(self) -> dict[str, Any]:
        """The graph on show as the front end would queue it."""
        return self.run("return (await app.graphToPrompt()).output;")

    def settle(self) -> None:
        """Waits for the 3D view to draw and the nodes to grow around their pictures."""
        self.run(
            """
            for (let i = 0; i < 8; i++) {
              await new Promise((done) => setTimeout(done, 1000));
              app.canvas.setDirty(true, true);
            }
            """
        )

    def queue(self) -> str:
        """Presses Run; gives the prompt's id, or raises with the server's refusal."""
        return self.run(
            """
            const original = app.api.queuePrompt;
            const asked = new Promise((done, refused) => {
              app.api.queuePrompt = async function (...all) {
                app.api.queuePrompt = original;
                try {
                  const answer = await original.apply(this, all);
                  done(answer.prompt_id);
                  return answer;
                } catch (error) {
                  refused(new Error("refused: " + JSON.stringify(error.response ?? String(error))));
                  throw error;
                }
              };
            });
            await app.queuePrompt(0, 1);
            return await asked;
            """
        )

    def close(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
