"""Equal content gives an equal key; what was stored comes back; damage costs reuse, not the run."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from cast_nodes.codec import DecodeError, decode, encode
from cast_nodes.content import content_key
from cast_nodes.frames import Sim3
from cast_nodes.store import FreshStore, Store
from cast_nodes.types import Mesh, MeshEntry, Placement, SceneObject, View

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
pixels = arrays.arrays(
    st.sampled_from([np.uint8, np.float32, np.bool_]), arrays.array_shapes(max_dims=3, max_side=4)
)


class TestContentKey:
    @given(pixels)
    def test_a_copy_has_the_same_key(self, array):
        assert content_key(array) == content_key(array.copy())
        assert content_key(array) == content_key(np.asfortranarray(array))

    def test_dtype_shape_and_value_all_count(self):
        zeros = np.zeros(4, np.uint8)
        others = [
            np.zeros(4, np.int8),
            np.zeros((2, 2), np.uint8),
            np.array([0, 0, 0, 1], np.uint8),
        ]
        assert len({content_key(a) for a in [zeros, *others]}) == 4

    def test_parts_do_not_run_together(self):
        assert content_key("ab", "c") != content_key("a", "bc")
        assert content_key((1, 2), 3) != content_key(1, (2, 3))
        assert content_key(1) != content_key(True) != content_key("1")

    def test_the_order_of_a_mapping_does_not_count(self):
        assert content_key({"a": 1, "b": 2}) == content_key({"b": 2, "a": 1})

    def test_what_has_no_stable_content_is_refused(self):
        with pytest.raises(TypeError):
            content_key(object())

    def test_a_retry_counter_changes_an_objects_key(self):
        item = SceneObject(1, "chair", 0.5, (0, 0, 4, 4), np.ones((4, 4), bool))
        assert content_key(item) != content_key(dataclasses.replace(item, retry=1))


class TestCodec:
    @given(plain)
    def test_plain_values_come_back(self, value):
        assert decode(encode(value)) == value

    @given(pixels)
    def test_arrays_come_back_bit_by_bit(self, array):
        again = decode(encode({"a": array}))["a"]
        assert again.dtype == array.dtype
        assert np.array_equal(again, array, equal_nan=array.dtype.kind == "f")

    def test_the_packs_types_come_back(self):
        mesh = MeshEntry(3, (Mesh(b"glTF...", "chair"),))
        placement = Placement(3, Sim3.identity(), 0, {"iou": 0.5}, True, (Sim3.identity(),))
        view = View(3, np.zeros((2, 2, 4), np.uint8), np.ones((2, 2, 4), np.uint8), (0, 0, 1, 2.5))
        again = decode(encode((mesh, placement, view)))
        assert again[0] == mesh or again[0].candidates[0].glb == b"glTF..."
        assert again[1].fit == {"iou": 0.5}
        assert again[1].alternatives[0].matrix().tolist() == np.eye(4).tolist()
        assert content_key(again) == content_key((mesh, placement, view))

    @given(st.binary(max_size=200))
    def test_foreign_bytes_are_refused_with_our_own_error(self, data):
        with pytest.raises(DecodeError):
            decode(data)

    @given(st.integers(0, 400))
    def test_truncated_bytes_are_refused(self, length):
        data = encode({"a": np.arange(100), "b": [1, 2]})
        with pytest.raises(DecodeError):
            decode(data[: min(length, len(data) - 1)])


class TestStore:
    def test_what_was_put_comes_back_in_a_new_process(self, tmp_path):
        Store(tmp_path).put("ab12", {"x": np.arange(3)})
        assert Store(tmp_path).get("ab12")["x"].tolist() == [0, 1, 2]
        assert Store(tmp_path).get("ff00") is None

    def test_memory_is_bounded_and_the_disk_still_answers(self, tmp_path):
        store = Store(tmp_path, memory_bytes=5000)
        for index in range(20):
            store.put(f"{index:04}", np.full(1000, index, np.uint8))
        assert store._memory_used <= 5000
        assert store.get("0000")[0] == 0

    def test_the_folder_is_bounded_and_the_oldest_go_first(self, tmp_path):
        store = Store(tmp_path, disk_bytes=20_000)
        for index in range(40):
            store.put(f"{index:04}", np.full(1000, index, np.uint8))
        store.trim()
        kept = list(tmp_path.glob("*/*.cast"))
        assert sum(p.stat().st_size for p in kept) <= 20_000
        assert Store(tmp_path).get("0039") is not None

    def test_a_damaged_file_is_forgotten(self, tmp_path):
        Store(tmp_path).put("abcd", [1, 2, 3])
        path = tmp_path / "ab" / "abcd.cast"
        path.write_bytes(path.read_bytes()[:30])
        assert Store(tmp_path).get("abcd") is None
        assert not path.exists()

    def test_a_disk_that_takes_nothing_costs_reuse_only(self, tmp_path):
        blocked = tmp_path / "file"
        blocked.write_text("not a folder")
        store = Store(blocked / "store")
        store.put("abcd", 5)
        assert store.get("abcd") == 5
        assert "not kept" in store.disk_error

    def test_no_temporary_file_is_left(self, tmp_path):
        Store(tmp_path).put("abcd", 5)
        assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["abcd.cast"]

    def test_a_fresh_store_forgets_earlier_runs_but_keeps_its_own(self, tmp_path):
        Store(tmp_path).put("abcd", "old")
        fresh = FreshStore(tmp_path)
        assert fresh.get("abcd") is None
        fresh.put("abcd", "new")
        assert fresh.get("abcd") == "new"
        assert Store(tmp_path).get("abcd") == "new"
