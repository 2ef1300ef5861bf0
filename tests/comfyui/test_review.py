"""The object strip and the status on the nodes, in the real front end: one object is redone or
locked with a click, and nothing else is made."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from .browser import Browser
from .prompts import chain, node
from .server import Server
from .viewer_page import show

EVIL = '<img src=x onerror="window.hurt=1">'
STAGES = ("inpaint", "mesh", "register")


@pytest.fixture(params=[False, True], ids=["canvas", "vue"])
def renderer(request, browser: Browser):
    """Both renderers of the front end, each in a theme and a page of 1280 x 720."""
    browser.viewport(1280, 720)
    setting = "await app.extensionManager.setting.set(argument[0], argument[1]);"
    browser.run(setting, ["Comfy.VueNodes.Enabled", request.param])
    browser.run(setting, ["Comfy.ColorPalette", "light" if request.param else "dark"])
    yield "vue" if request.param else "canvas"
    browser.run(setting, ["Comfy.VueNodes.Enabled", False])
    browser.run(setting, ["Comfy.ColorPalette", "dark"])
    browser.viewport(2400, 1350)


def show_chain(server: Server, browser: Browser, labels: str, **changes: dict) -> dict[str, int]:
    """All stages and a strip on the canvas, as if somebody had put them there; ids by name."""
    detect = {"backend__labels": labels}
    prompt = chain(server, detect=detect, **changes)
    prompt["review"] = {"class_type": "CASTReviewObjects", "inputs": {"scene": ["compose", 0]}}
    del prompt["save"]
    return browser.run(
        """
        await app.loadGraphData({ version: 0.4, nodes: [], links: [], groups: [], last_node_id: 0, last_link_id: 0 });
        const made = {};
        for (const [name, { class_type }] of Object.entries(argument)) {
          made[name] = LiteGraph.createNode(class_type);
          app.graph.add(made[name]);
        }
        await new Promise((done) => setTimeout(done, 300));
        let column = 0;
        for (const [name, { inputs }] of Object.entries(argument)) {
          const node = made[name];
          node.pos = [column++ * 420, 0];
          for (const [input, value] of Object.entries(inputs)) {
            if (Array.isArray(value)) continue;
            const widget = node.widgets?.find((w) => w.name === input);
            if (widget) widget.value = value;
          }
        }
        for (const [name, { inputs }] of Object.entries(argument))
          for (const [input, value] of Object.entries(inputs))
            if (Array.isArray(value)) {
              const target = made[name].inputs.findIndex((i) => i.name === input);
              made[value[0]].connect(value[1], made[name], target);
            }
        made.review.pos = [0, 900];
        app.canvas.ds.scale = 1;
        app.canvas.ds.offset = [60, -830];
        app.canvas.setDirty(true, true);
        await new Promise((done) => setTimeout(done, 600));
        return Object.fromEntries(Object.entries(made).map(([name, node]) => [name, node.id]));
        """,
        prompt,
    )


def strip(browser: Browser, code: str, argument=None):
    """Runs code that knows the strip's shadow root as ``root``."""
    root = 'const root = document.querySelector(".cast-strip").shadowRoot;'
    return browser.run(root + code, argument)


def press_button(browser: Browser, selector: str, shift: bool = False) -> None:
    """Clicks in the middle of a button of the strip, with the mouse."""
    x, y = strip(
        browser,
        """
        const found = root.querySelector(argument);
        if (!found) throw new Error("there is no " + argument);
        found.scrollIntoView({ block: "nearest" });
        await new Promise((done) => setTimeout(done, 100));
        const box = found.getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
        """,
        selector,
    )
    browser.click(x, y, shift)


def watched(browser: Browser) -> None:
    """Has the page remember the prompts that it queues."""
    browser.run(
        """
        if (window.castQueued) return;
        window.castQueued = [];
        const asked = app.api.queuePrompt;
        app.api.queuePrompt = (...all) => {
          const answer = asked.apply(app.api, all);
          answer.then(({ prompt_id }) => window.castQueued.push(prompt_id), () => {});
          return answer;
        };
        """
    )


def queued(browser: Browser) -> str:
    """The prompt that was queued since this was last asked."""
    return browser.run(
        """
        for (let i = 0; i < 100 && !window.castQueued.length; i++)
          await new Promise((done) => setTimeout(done, 100));
        if (window.castQueued.length !== 1) throw new Error("queued: " + window.castQueued.length);
        return window.castQueued.pop();
        """
    )


def widget(browser: Browser, node_id: int, name: str):
    return browser.run(
        "return app.graph.getNodeById(argument[0]).widgets.find((w) => w.name === argument[1]).value;",
        [node_id, name],
    )


def drawn(browser: Browser, rows: int) -> None:
    """Waits until so many rows are drawn and none is being made anew."""
    strip(
        browser,
        """
        for (let i = 0; i < 100; i++) {
          const busy = root.querySelectorAll(".row.busy").length;
          if (root.querySelectorAll(".row").length === argument && !busy) return;
          await new Promise((done) => setTimeout(done, 100));
        }
        throw new Error("the rows did not come: " + root.textContent);
        """,
        rows,
    )


def made(run, ids: dict[str, int]) -> dict[str, list[str]]:
    """The objects that each stage has computed; none where ComfyUI did not run it again."""
    return {
        stage: [] if str(ids[stage]) in run.cached else run.report(str(ids[stage]))["made"]
        for stage in STAGES
    }


def test_one_object_is_redone_and_locked_with_a_click(
    server: Server, browser: Browser, artefacts, renderer: str
):
    browser.problems()
    watched(browser)
    before = {"canvas": 10, "vue": 20}[renderer]  # attempts that the server has not seen yet
    mesh = {"retry": f"1:{before}"}
    ids = show_chain(server, browser, f"0=chair, 1={EVIL}, 2=../../box", mesh=mesh)
    first = server.wait(browser.queue())
    assert first.status == "success", first.error
    browser.run("window.castQueued.length = 0;")
    drawn(browser, 3)

    # Every row has its pictures, and a label is text.
    shown = first.outputs[str(ids["review"])]["cast_strip"][0]["rows"]
    assert [row["tiles"] for row in shown] == [["crop", "view", "mesh", "fit"]] * 3
    picture = shown[1]["picture"]
    assert ".." not in picture["filename"] and "<" not in picture["filename"]
    file = server.base / "temp" / picture["subfolder"] / picture["filename"]
    sheet = np.asarray(Image.open(file).convert("RGB"))
    assert all(np.ptp(tile) > 40 for tile in np.split(sheet, 4, axis=1))
    labels = strip(
        browser, 'return [...root.querySelectorAll(".label")].map((l) => l.textContent);'
    )
    assert labels == ["chair 0", f"{EVIL} 1", "../../box 2"]
    assert strip(browser, 'return root.querySelectorAll("img").length;') == 0
    assert browser.run("return window.hurt ?? null;") is None
    browser.screenshot(artefacts / f"review_{renderer}.png")

    # Another mesh for object 1: that mesh and its placement are made, nothing else.
    press_button(browser, "[data-id='1'] .retry.mesh")
    again = server.wait(queued(browser))
    assert again.status == "success", again.error
    assert widget(browser, ids["mesh"], "retry") == f"1:{before + 1}"
    names = made(again, ids)
    assert names["inpaint"] == [] and [n.split()[-1] for n in names["mesh"]] == ["1"]
    assert {n.split()[-1] for n in names["register"]} <= {"1"}
    drawn(browser, 3)
    told = strip(browser, 'return root.querySelector(".told").textContent;')
    assert "CAST Mesh" in told and "retry" in told

    # The attempt before is still there: nothing at all is made.
    press_button(browser, "[data-id='1'] .back.mesh")
    back = server.wait(queued(browser))
    assert back.status == "success"
    assert made(back, ids) == {stage: [] for stage in STAGES}
    drawn(browser, 3)

    # Locked, it stays what it is with other settings; the others follow them.
    seen = {r["id"]: r for r in back.outputs[str(ids["review"])]["cast_strip"][0]["rows"]}
    press_button(browser, "[data-id='0'] .lock")
    assert widget(browser, ids["mesh"], "locked") == f"0:{seen[0]['locks']['mesh']}"
    assert widget(browser, ids["inpaint"], "locked") == f"0:{seen[0]['locks']['view']}"
    assert json.loads(widget(browser, ids["compose"], "edits"))["0"]["locked"] is True
    browser.run(
        """
        const node = app.graph.getNodeById(argument[0]);
        node.widgets.find((w) => w.name === "backend.thickness").value = argument[1];
        """,
        [ids["mesh"], {"canvas": 0.6, "vue": 0.7}[renderer]],
    )
    other = server.wait(browser.queue())
    browser.run("window.castQueued.length = 0;")
    assert other.status == "success", other.error
    assert {n.split()[-1] for n in made(other, ids)["mesh"]} == {"1", "2"}
    after = {r["id"]: r for r in other.outputs[str(ids["review"])]["cast_strip"][0]["rows"]}
    assert after[0]["locks"] == seen[0]["locks"]
    assert after[1]["locks"]["mesh"] != seen[1]["locks"]["mesh"]
    for name in ("position", "rotation_deg", "scale"):
        assert after[0]["pose"][name] == pytest.approx(seen[0]["pose"][name], abs=1e-3)
    assert other.report(str(ids["mesh"]))["warnings"] == []
    drawn(browser, 3)
    browser.screenshot(artefacts / f"review_locked_{renderer}.png")

    # All of it is in the workflow, and comes back with it.
    press_button(browser, "[data-id='2'] .accept")
    saved = browser.run("return app.graph.serialize();")
    browser.load(saved)
    assert widget(browser, ids["mesh"], "locked") == f"0:{seen[0]['locks']['mesh']}"
    properties = browser.run(
        "return app.graph.getNodeById(argument).properties.castReview;", ids["review"]
    )
    assert list(properties["accepted"]) == ["2"]
    assert [p for p in browser.problems() if "/extensions/cast/" in p] == []


def test_the_strip_is_worked_by_keys_alone(server: Server, browser: Browser, renderer: str):
    watched(browser)
    ids = show_chain(server, browser, "chair, table, box", register={"retry": ""})
    run = server.wait(browser.queue())
    assert run.status == "success", run.error
    browser.run("window.castQueued.length = 0;")
    drawn(browser, 3)
    strip(browser, 'root.querySelector(".row").focus();')
    browser.press("ArrowDown")
    browser.press("a")
    browser.press("Shift+V")
    state = strip(
        browser,
        """
        return { at: root.activeElement.dataset.id,
                 accepted: [...root.querySelectorAll(".row.accepted")].map((r) => r.dataset.id) };
        """,
    )
    assert state == {"at": "1", "accepted": ["1"]}
    assert widget(browser, ids["inpaint"], "retry") == "1:1"
    assert browser.run("return window.castQueued.length;") == 0  # Shift: noted, not run
    browser.press("l")
    assert widget(browser, ids["inpaint"], "locked").startswith("1:")
    nodes = browser.run("return app.graph.nodes.length;")
    browser.press("Backspace")  # not a key of the strip, and nothing is selected
    assert browser.run("return app.graph.nodes.length;") == nodes


def test_a_strip_can_be_put_behind_a_scene_from_its_menu(server: Server, browser: Browser):
    ids = show_chain(server, browser, "chair, table, box")
    linked = browser.run(
        """
        app.graph.remove(app.graph.getNodeById(argument.review));
        const scene = app.graph.getNodeById(argument.compose);
        const menu = app.canvas.getNodeMenuOptions(scene);
        menu.find((item) => item?.content?.startsWith("Review objects")).callback();
        const made = app.graph.nodes.find((n) => n.type === "CASTReviewObjects");
        return app.graph.getLink(made.inputs[0].link).origin_id;
        """,
        ids,
    )
    assert linked == ids["compose"]


def faces(browser: Browser) -> list[str]:
    return browser.run(
        """
        return [...document.querySelectorAll(".cast-status")]
          .map((face) => face.shadowRoot.querySelector(".all").innerText);
        """
    )


def test_a_node_tells_what_it_works_on_and_what_became_of_it(
    server: Server, browser: Browser, artefacts, renderer: str
):
    anew = 50 if renderer == "vue" else 60
    ids = show_chain(
        server,
        browser,
        f"0=chair, 1={EVIL}, 2=box",
        mesh={"retry": f"0:{anew}, 1:{anew}, 2:{anew}"},
    )
    browser.run("app.canvas.ds.offset = [-2000, 80]; app.canvas.setDirty(true, true);")
    browser.run(
        """
        window.castTold = [];
        app.api.addEventListener("cast.status", ({ detail }) => window.castTold.push(detail));
        """
    )
    run = server.wait(browser.queue())
    assert run.status == "success", run.error
    told = [t for t in browser.run("return window.castTold;") if t["stage"] == "mesh"]
    assert {name for t in told for name in t["working"]} == {"chair 0", f"{EVIL} 1", "box 2"}
    assert told[-1]["done"] == told[-1]["total"] == 3 and told[-1]["made"] == 3
    assert {t["node"] for t in told} == {str(ids["mesh"])}
    browser.run("await new Promise((done) => setTimeout(done, 800));")
    assert any(face.startswith("3 made, 0 reused") for face in faces(browser))
    assert browser.run("return window.hurt ?? null;") is None
    browser.screenshot(artefacts / f"status_{renderer}.png")
    if renderer == "vue":  # the picture of the work has gone, the result's is there
        pictures = browser.run(
            """
            await new Promise((done) => setTimeout(done, 1500));
            return document.querySelectorAll(`[data-node-id="${argument}"] img`).length;
            """,
            ids["mesh"],
        )
        assert pictures == 1


def test_a_warning_of_a_run_stands_on_its_node(
    server: Server, browser: Browser, artefacts, renderer: str
):
    anew = 70 if renderer == "vue" else 80  # a run that is not in the cache
    mesh = {"locked": f"1:{'ab' * 32}", "retry": f"0:{anew}"}
    show_chain(server, browser, "chair, table, box", mesh=mesh)
    browser.run("app.canvas.ds.offset = [-2000, 80]; app.canvas.setDirty(true, true);")
    run = server.wait(browser.queue())
    assert run.status == "success", run.error
    browser.run("await new Promise((done) => setTimeout(done, 800));")
    browser.screenshot(artefacts / f"warning_{renderer}.png")
    (told,) = [face for face in faces(browser) if "the lock does not hold" in face]
    assert "Note" in told and "table 1" in told


def test_a_missing_key_is_told_when_its_backend_is_chosen_with_what_mends_it(
    server: Server, browser: Browser, artefacts, renderer: str
):
    ids = show_chain(server, browser, "chair, table, box")
    browser.run("app.canvas.ds.offset = [-2000, 80]; app.canvas.setDirty(true, true);")
    choose = """
        const widget = app.graph.getNodeById(argument[0]).widgets.find((w) => w.name === "backend");
        widget.value = argument[1];
        widget.callback?.(argument[1]);
        await new Promise((done) => setTimeout(done, 600));
    """
    browser.run(choose, [ids["mesh"], "tripo3d"])
    (told,) = [face for face in faces(browser) if "tripo3d is not ready" in face]
    assert "TRIPO_API_KEY" in told
    found = browser.run(
        """
        const face = [...document.querySelectorAll(".cast-status")]
          .find((f) => f.shadowRoot.textContent.includes("tripo3d is not ready"));
        const all = face.shadowRoot.querySelectorAll("button, a");
        return [...all].map((e) => e.title);
        """
    )
    assert "Copy “TRIPO_API_KEY=”" in found
    assert "Open https://platform.tripo3d.ai/api-keys" in found
    with pytest.raises(RuntimeError, match="refused"):
        browser.queue()
    browser.screenshot(artefacts / f"missing_key_{renderer}.png")
    browser.run(choose, [ids["mesh"], "inflate"])
    with_backend = browser.run("return app.graph.serialize();")
    assert "cast_status" not in json.dumps(with_backend)


def test_weights_that_cannot_be_fetched_are_told_with_the_command_that_does(
    server: Server, browser: Browser, artefacts, renderer: str
):
    prompt = {
        "photo": node(server, "CASTDemoPhoto"),
        "detect": node(server, "CASTDetect", image=["photo", 0], backend="grounded_sam"),
        "look": node(server, "CASTPreview", anything=["detect", 0]),
    }
    show(browser, prompt)
    run = server.wait(browser.queue())
    assert run.status == "error" and "weights" in run.error
    browser.run(
        """
        const node = app.graph.nodes.find((n) => n.type === "CASTDetect");
        app.canvas.ds.scale = 1;
        app.canvas.ds.offset = [300 - node.pos[0], 120 - node.pos[1]];
        app.canvas.setDirty(true, true);
        await new Promise((done) => setTimeout(done, 1200));
        """
    )
    browser.screenshot(artefacts / f"missing_weights_{renderer}.png")
    (told,) = [face for face in faces(browser) if "cannot be downloaded" in face]
    assert told.startswith("Failed") and "Stopped" not in told
    copied = browser.run(
        """
        return [...document.querySelectorAll(".cast-status")]
          .flatMap((face) => [...face.shadowRoot.querySelectorAll("button")].map((b) => b.textContent));
        """
    )
    assert any(text.startswith("cast fetch ") for text in copied)


def test_what_a_backend_lacks_is_asked_of_the_server(server: Server):
    needs = server.get("/cast/needs")
    assert "TRIPO_API_KEY" in needs["CASTMesh"]["tripo3d"]
    assert "inflate" not in needs["CASTMesh"]


@pytest.mark.parametrize("linked", ["nothing", "objects only"])
def test_rows_are_shown_as_far_as_the_work_is_done(server: Server, linked: str):
    prompt = chain(server)
    for name in ("compose", "save"):
        del prompt[name]
    inputs = {} if linked == "nothing" else {"objects": ["filter", 0], "views": ["inpaint", 0]}
    prompt["review"] = {"class_type": "CASTReviewObjects", "inputs": inputs}
    run = server.run(prompt)
    if linked == "nothing":
        assert run.error.startswith("scene: connect a scene, or objects")
        return
    rows = run.outputs["review"]["cast_strip"][0]["rows"]
    assert [row["tiles"] for row in rows] == [["crop", "view"]] * 3
    assert all(row["pose"] is None and set(row["locks"]) == {"view"} for row in rows)


def test_a_lock_whose_store_is_gone_is_told_and_the_object_made(server: Server):
    prompt = chain(server, mesh={"locked": f"1:{'ab' * 32}"})
    run = server.run(prompt)
    assert run.status == "success", run.error
    (warning,) = run.report("mesh")["warnings"]
    assert warning.startswith("table 1: the lock does not hold")


def test_a_lock_that_cannot_be_read_is_an_error_that_names_the_widget(server: Server):
    run = server.run(chain(server, mesh={"locked": "chair"}))
    assert run.error.startswith("locked: 'chair' cannot be read")


def test_pictures_that_were_cleared_away_are_drawn_again(server: Server):
    prompt = chain(server)
    prompt["review"] = {"class_type": "CASTReviewObjects", "inputs": {"scene": ["compose", 0]}}
    first = server.run(prompt)
    assert first.status == "success", first.error
    shutil.rmtree(server.base / "temp" / "cast_rows")
    prompt["compose"]["inputs"]["backend.margin"] = 0.3
    again = server.run(prompt)
    picture = again.outputs["review"]["cast_strip"][0]["rows"][0]["picture"]
    assert (server.base / "temp" / picture["subfolder"] / picture["filename"]).is_file()
