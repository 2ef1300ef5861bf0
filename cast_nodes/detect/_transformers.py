"""Models and tokenizers of ``transformers`` from a folder, and nothing from anywhere else."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from ..errors import BackendNotReady, BadInput

Precision = Literal["auto", "float32", "float16", "bfloat16"]
INSTALL = "transformers>=4.56"
"""The first version with SAM 2 and Florence-2."""


def from_folder(model: Any, folder: Path, precision: str = "float32") -> Any:
    """The model of a class from a folder, on the CPU, in eval mode, in one precision.

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
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        text = " ".join(str(error).split())[:300]
        raise BadInput(
            f"the weights in {folder} cannot be loaded as {model.__name__} ({text}); "
            "fetch them again or name others"
        ) from error
    lacking = sorted({*told["missing_keys"], *(m[0] for m in told["mismatched_keys"])})
    if lacking:  # transformers would fill them with random numbers
        raise BadInput(
            f"the weights in {folder} are not those of {model.__name__}: {len(lacking)} tensors are "
            f"missing or of another size ({lacking[0]}, …)"
        )
    return made.eval()


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


@lru_cache(maxsize=4)
def tokenizer_of(folder: Path) -> Any:
    """The folder's tokenizer.

    Raises:
        BadInput: there is none that can be read.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        text = " ".join(str(error).split())[:300]
        raise BadInput(f"the tokenizer in {folder} cannot be read ({text})") from error


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
        BackendNotReady: the installed version is too old to have it.
    """
    import transformers

    try:
        return getattr(transformers, name)
    except (AttributeError, ImportError) as error:
        raise BackendNotReady(
            f"transformers {transformers.__version__} has no {name} ({error}): "
            f"pip install -U '{INSTALL}'"
        ) from None
