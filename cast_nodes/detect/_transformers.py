"""Models and tokenizers of ``transformers`` from a folder, and nothing from anywhere else."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..content import content_key
from ..context import Context
from ..errors import BackendNotReady, BadInput
from ..local.models import is_out_of_memory
from ..local.weights import Weights

if TYPE_CHECKING:
    import torch

Precision = Literal["auto", "float32", "float16", "bfloat16"]
INSTALL = "transformers>=4.56"
"""The first version with SAM 2 and Florence-2."""


def model_folder(weights: Weights, options: object, context: Context) -> Path:
    """The folder with a model's files; where a file in it is named, the folder around that."""
    path = weights.folder(options, context)
    return path.parent if path.is_file() else path


def from_folder(
    model: Any, folder: Path, precision: str = "float32", known: Mapping[str, torch.Tensor] = {}
) -> Any:
    """The model of a class from a folder, on the CPU, in eval mode, in one precision.

    Args:
        known: tensors by name that are set beside what transformers reads.

    Raises:
        BadInput: the files are damaged or belong to another model.
    """
    import torch

    try:
        with _quiet():
            made, told = model.from_pretrained(
                folder,
                dtype=getattr(torch, precision),
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
            )
    except Exception as error:  # safetensors, torch and transformers each have errors of their own
        if is_out_of_memory(error):
            raise
        text = " ".join(str(error).split())[:300]
        raise BadInput(
            f"the weights in {folder} cannot be loaded as {model.__name__} ({text}); "
            "fetch them again or name others"
        ) from error
    missing = {*told["missing_keys"], *(m[0] for m in told["mismatched_keys"])}
    for name, values in known.items():
        place, _, last = name.rpartition(".")
        getattr(made.get_submodule(place), last).data.copy_(values)
    lacking = missing - _computed(made) - set(known)
    if lacking:  # transformers would fill them with random numbers
        raise BadInput(
            f"the weights in {folder} are not those of {model.__name__}: {len(lacking)} tensors are "
            f"missing or of another size ({min(lacking)}, …)"
        )
    return made.eval()


def tensor_in(folder: Path, names: Sequence[str]) -> torch.Tensor | None:
    """The first of the named tensors that a folder's files hold; None when they hold none."""
    from safetensors import SafetensorError, safe_open

    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, "pt") as file:
                for name in names:
                    if name in file.keys():  # noqa: SIM118 - it is no mapping
                        return file.get_tensor(name)
        except SafetensorError:
            continue  # whoever loads the model says what is wrong with it
    return None


def _computed(model: Any) -> set[str]:
    """Buffers that a model makes by itself: some versions keep them in their files, some do not.

    SAM's random positions are a buffer, too, and no model makes the same ones again.
    """
    return {name for name, _ in model.named_buffers() if "positional_embedding" not in name}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars between ours, and no warning that SAM 2's weights hold a video model."""
    from transformers.utils import logging

    shown, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()


def edition(folder: Path) -> str:
    """Tells apart the same folder before and after other files were put into it."""
    files = sorted(p for p in folder.iterdir() if p.is_file())
    return content_key([(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in files])[:8]


def tokenizer_of(folder: Path) -> Any:
    """The folder's tokenizer.

    Raises:
        BadInput: there is none that can be read.
    """
    return _tokenizer(folder, edition(folder))


@lru_cache(maxsize=4)
def _tokenizer(folder: Path, edition: str) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # each tokenizer class has errors of its own
        text = " ".join(str(error).split())[:300]
        raise BadInput(
            f"the tokenizer in {folder} cannot be read ({type(error).__name__}: {text}); fetch it "
            f"again, or update: pip install -U '{INSTALL}'"
        ) from error


def read_config(folder: Path) -> Mapping[str, Any]:
    """The folder's config.json.

    Raises:
        BadInput: none that can be read, or one that does not say which model it is of.
    """
    path = folder / "config.json"
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(said["model_type"], str):
            return said
        reason = "its model_type is no name"
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"{type(error).__name__}: {error}"
    raise BadInput(
        f"{path} does not say which model it is ({reason}); the weights must be in the layout of "
        "transformers (config.json, model.safetensors)"
    )


def named_class(name: str) -> Any:
    """A model class of transformers.

    Raises:
        BackendNotReady: the installed version is too old to have it, or cannot import it.
    """
    import transformers

    try:
        return getattr(transformers, name)
    except AttributeError:
        mend = f"pip install -U '{INSTALL}'"
        raise BackendNotReady(
            f"transformers {transformers.__version__} has no {name}: {mend}"
        ) from None
    except Exception as error:  # whatever the packages raise that it imports on the way
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        raise BackendNotReady(
            f"transformers {transformers.__version__} cannot import {name} ({cause}); mostly a package "
            "that does not fit the installed torch: install the torchvision that belongs to it, or "
            "pip uninstall torchvision"
        ) from error
