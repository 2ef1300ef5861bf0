"""Objects out to a graph, and its answers back as views."""

from __future__ import annotations

import numpy as np
import pytest
from coloured_things import COLOURS, things
from PIL import Image

from cast_nodes.bridges.out_crops import (
    Answer,
    Crop,
    CropOptions,
    GatherOptions,
    crops_of,
    crops_out,
    gather_views,
)
from cast_nodes.bridges.out_room import PlateOptions, RoomOptions, room_request, with_room
from cast_nodes.errors import BadInput
from cast_nodes.types import View, Views

SMALL = {"side": 128}


def painted(crop: Crop, size: tuple[int, int] | None = None) -> np.ndarray:
    """What a sampler would answer: the object's colour where it may go on; another size."""
    rgb = crop.picture.copy()
    rgb[crop.unknown > 0.3] = crop.picture[crop.visible > 0.9].mean(0)
    if size is None:
        return rgb
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BILINEAR))


def sent(objects, context, **options):
    order = crops_out(objects, CropOptions(**(SMALL | options)), context.store)
    return order, crops_of(order)


def colour(view: View) -> np.ndarray:
    return view.rgba[view.rgba[..., 3] > 200][:, :3].mean(0)


@pytest.mark.parametrize(
    ("count", "mode"), [(1, "plain"), (7, "plain"), (2, "application_querying")]
)
def test_each_answer_becomes_the_view_of_its_object(context, count: int, mode: str):
    order, crops = sent(things(count), context, mode=mode)
    answers = [Answer(painted(c, (144, 120))) for c in crops]
    if mode != "plain":  # a window keeps about its own size
        answers = [
            Answer(painted(c, tuple(8 * (s // 10) for s in c.picture.shape[1::-1]))) for c in crops
        ]
    views = gather_views(order, answers, GatherOptions(), context)
    assert [v.id for v in views.views] == [10 + i for i in range(count)]
    for view, wanted in zip(views.views, COLOURS, strict=False):
        assert not view.failure
        assert np.abs(colour(view) - wanted).max() < 20


def test_hidden_parts_are_completed_where_the_photo_has_them(context):
    objects = things(2)
    order, crops = sent(objects, context)
    views = gather_views(order, [Answer(painted(c)) for c in crops], GatherOptions(), context)
    for view in views.views:
        completed = (view.rgba[..., 3] > 128) & (view.crop[..., 3] < 128)
        assert completed.any()
        x0, y0, x1, y1 = view.box
        rows, columns = np.nonzero(completed)
        across = x0 + (columns + 0.5) * (x1 - x0) / view.rgba.shape[1]
        down = y0 + (rows + 0.5) * (y1 - y0) / view.rgba.shape[0]
        left = objects.by_id(view.id).bbox[0]
        assert left + 3 < across.mean() < left + 9 and down.min() > 70


def test_what_is_to_be_painted_hangs_together_with_the_object(context):
    """Posts before other things are unknown ground, too, but nothing of this object is there."""
    _, crops = sent(things(3), context)
    for crop in crops:
        columns = np.flatnonzero((crop.visible > 0.5).any(0))
        beside = crop.unknown.copy()
        beside[:, columns[0] : columns[-1] + 1] = 0
        assert crop.unknown.any() and not (beside[:, columns[-1] + 3 :] > 0.5).any()
        assert not ((crop.unknown > 0.5) & (crop.visible > 0.5)).any()


def test_objects_that_nothing_hides_stay_at_home_unless_all_are_sent(context):
    objects = things(2, hidden=False)
    order, crops = sent(objects, context)
    assert order.sent == () and len(crops) == 1  # a placeholder: lists must not be empty
    views = gather_views(order, [Answer(crops[0].picture)], GatherOptions(), context)
    assert [v.failure for v in views.views] == ["", ""]
    assert sent(objects, context, every_object=True)[0].sent == (10, 11)


def test_no_object_gives_no_views_and_the_photo_as_plate(context):
    order, _ = sent(things(0), context)
    views = gather_views(order, [], GatherOptions(), context)
    assert views.views == () and views.background is not None


def test_an_object_without_a_pixel_is_named_with_the_reason(context):
    objects = things(2, mask=np.zeros((120, 200), bool))
    order, crops = sent(objects, context)
    assert order.sent == (11,)
    views = gather_views(order, [Answer(painted(c)) for c in crops], GatherOptions(), context)
    assert "has no visible pixel" in views.views[0].failure and not views.views[1].failure


def test_a_mask_of_the_graph_decides_what_the_object_is(context):
    order, crops = sent(things(1), context)
    rgb = painted(crops[0])
    noisy = np.where(
        (crops[0].visible + crops[0].unknown > 0.5)[..., None], rgb, np.arange(128)[None, :, None]
    ).astype(np.uint8)
    plain = gather_views(order, [Answer(noisy)], GatherOptions(), context)
    assert "plain ground" in plain.views[0].failure
    cover = (crops[0].visible + crops[0].unknown > 0.5).astype(np.float32)
    small = np.asarray(Image.fromarray(cover).resize((96, 96)))  # masks may be of another size
    views = gather_views(order, [Answer(noisy, small)], GatherOptions(), context)
    assert not views.views[0].failure
    assert np.abs(colour(views.views[0]) - COLOURS[0]).max() < 20


def test_a_changed_answer_makes_that_view_anew_and_no_other(context):
    from dataclasses import replace

    order, crops = sent(things(3), context)
    answers = [Answer(painted(c)) for c in crops]
    steps: list = []
    counting = replace(context, progress=steps.append)
    gather_views(order, answers, GatherOptions(), counting)
    assert [s.reused for s in steps] == [False] * 3
    steps.clear()
    answers[1] = Answer(painted(crops[1], (112, 120)))
    gather_views(order, answers, GatherOptions(background_margin=0.02), counting)
    assert sorted((s.label, s.reused) for s in steps) == [
        ("thing0 10", True), ("thing1 11", False), ("thing2 12", True),
    ]  # fmt: skip


def test_only_new_sends_the_object_that_was_changed(context):
    order, crops = sent(things(3), context, only_new=True)
    assert order.sent == (10, 11, 12)
    gather_views(order, [Answer(painted(c)) for c in crops], GatherOptions(), context)
    changed, again = sent(things(3, retry=1), context, only_new=True)
    assert (changed.sent, changed.kept) == ((10,), (11, 12))
    views = gather_views(changed, [Answer(painted(again[0]))], GatherOptions(), context)
    assert [v.failure for v in views.views] == ["", "", ""]
    assert sent(things(3), context, only_new=True, answers="another graph")[0].sent == (10, 11, 12)


def test_the_token_of_another_list_is_refused(context):
    from cast_nodes.bridges.handout import HandedOut

    with pytest.raises(BadInput, match="connect the order of CAST Objects to Images"):
        gather_views(HandedOut(things(1), ()), [], GatherOptions(), context)


def test_the_empty_room_is_taken_where_objects_were(context):
    objects, views = things(3), Views(())
    request = room_request(objects, RoomOptions())
    assert "thing0" in request.prompt and request.mask[60, 10]
    empty = np.full((120, 200, 3), 190, np.uint8)
    empty[70:] = (140, 110, 80)
    larger = np.asarray(Image.fromarray(empty).resize((400, 240)))
    plate = with_room(objects, views, [larger], PlateOptions(), context).background
    assert np.abs(plate[50, 10].astype(int) - 190).max() < 12
    np.testing.assert_array_equal(plate[5, 150], objects.photo.rgb[5, 150])


def test_an_empty_room_that_still_shows_the_objects_leaves_the_background_as_it_was(context):
    from dataclasses import replace

    told: list[str] = []
    objects = things(3)
    old = np.zeros((120, 200, 3), np.uint8)
    views = with_room(
        objects,
        Views((), old),
        [objects.photo.rgb],
        PlateOptions(),
        replace(context, warn=told.append),
    )
    np.testing.assert_array_equal(views.background, old)
    assert "still shows the objects" in told[0]
