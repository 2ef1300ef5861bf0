"""Settings and keys: where they are looked for, and how they are kept out of every text.

A setting is looked for in this order; the first place that has it wins:

1. the environment,
2. ``.env`` in the current folder,
3. ``.env`` in the pack's own folder (beside ``pyproject.toml``),
4. ``.env`` in the settings folder that the surroundings named (:func:`use_settings_folder`; in
   ComfyUI the pack's folder among the protected user folders, which no web request can read).

Keys are never options: they reach no widget, workflow, run.json or content key.
"""

from __future__ import annotations

import logging
import os
import re
import threading
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

PACK_ROOT = Path(__file__).resolve().parents[2]
HIDDEN = "***"

_MIN_SECRET = 6  # shorter values would blank ordinary words
_SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD)$")
_SHAPES = re.compile(
    r"\b(?:Bearer|Basic|Token)\s+(?=\S*\d)[A-Za-z0-9._~+/=-]{8,}"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|\b(?:r8_|tsk_|sk-|hf_|AIza)[A-Za-z0-9_-]{8,}"
)
"""How the keys of these services look, for those that no setting of ours has held."""
_QUERY = re.compile(
    r"((?:https?://|\"(?:GET|HEAD|POST|PUT|PATCH|DELETE) /)[^\s\"'<>?]+)\?[^\s\"'<>]*"
)
"""A signed address is a key to what lies there, and its signature is in the query; some clients log
the request's line alone."""

_LOGGERS = (
    "httpx", "urllib3.connectionpool", "dashscope", "openai._base_client", "google_genai.models",
    "httpx2", "httpcore2.http11", "huggingface_hub.file_download", "huggingface_hub.utils._http",
)  # fmt: skip

_lock = threading.Lock()
_values: set[str] = set()
_names: set[str] = set()
_settings_folder: Path | None = None


class Secret:
    """A value that shows itself only when asked by name."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        remember(value)

    def reveal(self) -> str:
        """The value. Hand it to the client that needs it and to nothing else."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    __str__ = __repr__

    def __reduce__(self):
        raise TypeError("a secret is not written anywhere")


def use_settings_folder(folder: Path | None) -> None:
    """Names the folder whose ``.env`` is looked into last. The nodes call it once."""
    global _settings_folder
    _settings_folder = folder


def places() -> list[Path]:
    """The ``.env`` files in the order in which they are looked into."""
    found = [Path.cwd() / ".env"]
    if (PACK_ROOT / "pyproject.toml").is_file():
        found.append(PACK_ROOT / ".env")
    if _settings_folder is not None:
        found.append(_settings_folder / ".env")
    return found


def setting(name: str) -> str | None:
    """A setting's value, or None. Empty counts as not set."""
    value = os.environ.get(name, "").strip()
    if not value:
        for path in places():
            value = _read(path).get(name, "").strip()
            if value:
                break
    if value and (_SECRET_NAME.search(name) or name in _names):
        remember(value)
    return value or None


def secret(name: str) -> Secret | None:
    """A key, wrapped so that it cannot be shown by accident."""
    note_key(name)
    value = setting(name)
    return None if value is None else Secret(value)


def note_key(name: str) -> None:
    """Has a setting's value count as a key, also before anyone asks for it."""
    with _lock:
        _names.add(name)


def number(name: str, default: float, low: float = 0.0) -> float:
    """A setting as a number; one that cannot be read or lies below ``low`` counts as not set."""
    text = setting(name)
    try:
        value = default if text is None else float(text)
    except ValueError:
        return default
    return value if value >= low else default


def remember(value: str) -> None:
    """Has :func:`redact` hide ``value`` from now on."""
    if len(value) >= _MIN_SECRET:
        with _lock:
            _values.add(value)


def redact(text: object) -> str:
    """``text`` without any key: known values, what looks like one, and signatures of addresses."""
    clean = str(text)
    with _lock:
        known, names = sorted(_values, key=len, reverse=True), tuple(_names)
    for name in names:  # also a key that was set but never asked for
        value = os.environ.get(name, "").strip()
        if len(value) >= _MIN_SECRET and value not in known:
            known.append(value)
    for value in known:
        for form in {value, quote(value, safe=""), value.encode("unicode_escape").decode()}:
            clean = clean.replace(form, HIDDEN)
    clean = _SHAPES.sub(HIDDEN, clean)
    return _QUERY.sub(rf"\1?{HIDDEN}", clean)


class _Redacting(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        return True


def guard_logs() -> None:
    """Keeps keys and signed addresses out of what the SDKs and their HTTP clients log."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(f, _Redacting) for f in logger.filters):
            logger.addFilter(_Redacting())


def _read(path: Path) -> dict[str, str]:
    try:
        stat = path.stat()
        return _parse(path, stat.st_mtime_ns, stat.st_size)
    except OSError:
        return {}


@lru_cache(maxsize=16)
def _parse(path: Path, modified_ns: int, size: int) -> dict[str, str]:
    """``NAME=value`` lines; ``export``, quotes, comments and blank lines are allowed."""
    found = {}
    for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines():
        match = re.match(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$", line)
        if not match:
            continue
        value = match[2]
        quoted = re.match(r"(['\"])(.*?)\1(?:\s+#.*)?$", value)
        value = quoted[2] if quoted else re.sub(r"\s+#.*$", "", value)
        found[match[1]] = value
    return found
