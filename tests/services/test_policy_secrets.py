"""Settings are looked for in a known order, and keys are in no text."""

import copy
import json
import logging
import pickle
import traceback

import pytest

from cast_nodes.context import Context
from cast_nodes.services import secrets
from cast_nodes.services.key_need import key_need
from cast_nodes.services.policy import Service, failure, retry_read
from cast_nodes.services.secrets import Secret, number, redact, secret, setting
from cast_nodes.services.troubles import ServiceFailure, StatusError, classify

KEY = "q7Zk-planted.key/0123456789"


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The three folders in which a .env may lie, empty."""
    current, pack, settings = (tmp_path / n for n in ("cwd", "pack", "settings"))
    for folder in (current, pack, settings):
        folder.mkdir()
    (pack / "pyproject.toml").touch()
    monkeypatch.chdir(current)
    monkeypatch.setattr(secrets, "PACK_ROOT", pack)
    monkeypatch.setattr(secrets, "_settings_folder", settings)
    return current, pack, settings


def test_the_order_is_environment_current_folder_pack_settings_folder(folders, monkeypatch):
    names = ("environment", "current", "pack", "settings")
    monkeypatch.setenv("CAST_X", names[0])
    for folder, name in zip(folders, names[1:], strict=True):
        (folder / ".env").write_text(f"CAST_X={name}\n")
    found = []
    monkeypatch.setenv("CAST_X", "environment")
    found.append(setting("CAST_X"))
    monkeypatch.delenv("CAST_X")
    for folder in folders:
        found.append(setting("CAST_X"))
        (folder / ".env").unlink()
    assert found == list(names)
    assert setting("CAST_X") is None


def test_empty_counts_as_not_set(folders, monkeypatch):
    monkeypatch.setenv("CAST_X", "  ")
    (folders[0] / ".env").write_text("CAST_X=\n")
    (folders[2] / ".env").write_text("CAST_X=here\n")
    assert setting("CAST_X") == "here"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("  export A = b  ", "b"),
        ('A="b c" # why', "b c"),
        ("A='b#c'", "b#c"),
        ("A=b # why", "b"),
        ("A=b#c", "b#c"),
        ("A=b=c==", "b=c=="),
        ("# A=b", None),
        ("nonsense", None),
    ],
)
def test_lines_of_an_env_file(folders, line, value):
    (folders[0] / ".env").write_text(f"\ufeff{line}\n\n", encoding="utf-8")
    assert setting("A") == value


def test_a_changed_file_is_read_again(folders):
    path = folders[0] / ".env"
    path.write_text("A=one\n")
    assert setting("A") == "one"
    path.write_text("A=three\n")
    assert setting("A") == "three"


def test_a_number_that_cannot_be_used_counts_as_not_set(monkeypatch):
    for text in ("many", "-1", ""):
        monkeypatch.setenv("CAST_X_LIMIT", text)
        assert number("CAST_X_LIMIT", 4, 1) == 4
    monkeypatch.setenv("CAST_X_LIMIT", "7")
    assert number("CAST_X_LIMIT", 4, 1) == 7


def test_a_secret_shows_itself_to_nobody(monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    held = secret("SOME_KEY")
    assert held is not None and held.reveal() == KEY
    for text in (str(held), repr(held), f"{held}", f"{held!r}", str({"a": held}), str([held])):
        assert KEY not in text
    for write in (pickle.dumps, copy.deepcopy, json.dumps):
        with pytest.raises(TypeError):
            write(held)


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {KEY}",
        f"key={KEY}&x=1",
        "key=q7Zk-planted.key%2F0123456789&x=1",
        f"{{'api_key': '{KEY}'}}",
        f"{KEY}{KEY}",
    ],
)
def test_known_keys_are_taken_out(text):
    Secret(KEY)
    assert "planted" not in redact(text) and "***" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "Bearer abcdef123456",
        "r8_0123456789abcdef",
        "tsk_0123456789abcdef",
        "sk-proj-0123456789abcdef",
        "AIzaSyA0123456789abcdef",
        "http://user:pass123456@127.0.0.1:5000/v1",
        "https://store.test/mesh.glb?Expires=1&Signature=0123456789abcdef",
        'http://store.test "GET /mesh.glb?Signature=0123456789abcdef HTTP/1.1" 200',
    ],
)
def test_what_looks_like_a_key_is_taken_out_though_it_was_never_seen(text):
    assert "123456" not in redact(f"error: {text} was refused")
    assert redact(f"error: {text} was refused").endswith("was refused")


def test_plain_text_stays_as_it_is():
    for text in (
        "chair 3: Replicate task ab12 failed at https://replicate.com/predictions, see docs",
        "Token expired; Basic textures; Bearer of news",
    ):
        assert redact(text) == text


def test_a_key_set_but_never_asked_for_is_taken_out_too(monkeypatch):
    key_need("OTHER_SERVICE_KEY", "https://other.test/keys")
    monkeypatch.setenv("OTHER_SERVICE_KEY", "zebra-horse-battery")
    assert redact("denied: zebra-horse-battery") == "denied: ***"


def test_logs_of_http_clients_hold_no_key(caplog):
    Secret(KEY)
    secrets.guard_logs()
    secrets.guard_logs()  # twice is as good as once
    with caplog.at_level("INFO"):
        logging.getLogger("httpx").info('HTTP Request: GET %s "200"', "https://a.test/m?Sig=abc123")
        logging.getLogger("httpx").info("header %s", KEY)
    assert [r.getMessage() for r in caplog.records] == [
        'HTTP Request: GET https://a.test/m?*** "200"',
        "header ***",
    ]


def test_the_need_for_a_key_names_the_setting_and_where_keys_come_from(folders):
    need = key_need("SOME_NEW_TOKEN", "https://some.test/keys")
    assert not need.present(Context())
    assert "SOME_NEW_TOKEN" in need.what and "https://some.test/keys" in need.mend
    (folders[2] / ".env").write_text(f"SOME_NEW_TOKEN={KEY}\n")
    assert need.present(Context())


def test_a_failure_holds_no_key_nor_the_exception_that_did():
    Secret(KEY)
    service = Service("thing", "Thing", key_setting="THING_KEY", attempts=1)

    def call():
        raise StatusError(400, f"bad request with header {KEY}")

    with pytest.raises(ServiceFailure) as caught:
        retry_read(call, service, Context(), "chair 3")
    assert caught.value.__context__ is None and caught.value.__cause__ is None
    text = "".join(traceback.format_exception(caught.value))
    assert KEY not in text
    assert str(failure(classify(StatusError(500, KEY)), service)).count("***") == 1
