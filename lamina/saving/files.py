"""Saving and loading, for programs: models as a whole, and weights alone."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from lamina.core import registry
from lamina.core.atomic import atomic_write
from lamina.core.budget import limited
from lamina.core.load_errors import LoadError
from lamina.saving import assets, model_file
from lamina.saving.hdf5 import Hdf5Reader
from lamina.saving.model_file import write_arrays, write_model
from lamina.saving.paths import (
    MODEL,
    WEIGHTS,
    as_path,
    check_kind,
    check_there,
    loading_from,
    may_replace,
)
from lamina.saving.report import LoadReport
from lamina.saving.rules import present
from lamina.saving.weights import Loading, by_group, load


def save_model(
    model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any
) -> None:
    """Write a model to a file: its layers, weights, and how it was compiled and trained.

    The file is written beside its place, flushed to the disk and put in place when it is whole:
    whatever happens meanwhile, there is the old file or the new one. Keras opens it.

    Args:
        model: the model.
        filepath: ends in `.keras`.
        overwrite: whether to replace a file that is there; else the user is asked.
        zipped: False for a folder of files instead of one archive.
        **kwargs: `save_format="keras"`, which programs for Keras 2 pass; nothing else.

    Raises:
        ValueError: if the path ends in something else.
        FileExistsError: if a file is there, `overwrite` is False and nobody can be asked.
        TypeError: if a config holds an object that has no `get_config`.

    Example:
        >>> import lamina, os, tempfile
        >>> model = lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(2)])
        >>> path = os.path.join(tempfile.mkdtemp(), "model.keras")
        >>> save_model(model, path)
        >>> load_model(path).output_shape
        (None, 2)
    """
    path = as_path(filepath)
    if not path.name.endswith(MODEL) and zipped is not False:
        raise ValueError(
            f"A model's file ends in .keras, and {path} does not. For weights alone call "
            "save_weights, for a folder pass zipped=False."
        )
    _check_options("save", kwargs, "keras")
    if may_replace(path, overwrite):
        with model_file.saving_to(path):
            write_model(model, path, zipped is not False)


def _check_options(method: str, options: dict[str, Any], form: str) -> None:
    """Raise where `options` hold what no form of Keras 3 has."""
    if options.pop("save_format", form) not in (form, None):
        raise ValueError(f"{method} writes the form {form!r}; leave save_format out.")
    if options:
        raise ValueError(f"{method} has no argument {', '.join(options)}.")


def load_model(
    filepath: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
    *,
    report: bool = False,
    strict: bool = False,
) -> Any:
    """The model in a file that Lamina or Keras wrote.

    A file is data: no code in it is run, in any mode, and no other file is opened. Names in it are
    looked up among Lamina's own classes and functions, what is registered, and `custom_objects`.

    Args:
        filepath: a `.keras` file or folder.
        custom_objects: classes and functions of one's own, by name.
        compile: whether to compile the model as it was, its optimizer's state included.
        safe_mode: kept for programs that pass it; False allows nothing more.
        report: whether to return what was mapped, left out or set to a default, too.
        strict: whether to refuse weights that are NaN or infinite, and arrays without digests.

    Returns:
        The model; with `report=True`, the model and a `LoadReport`.

    Raises:
        LoadError: in one of its forms, says what is wrong, where, and what to do.

    Example:
        >>> import lamina, os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "model.keras")
        >>> lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(2)]).save(path)
        >>> model, report = load_model(path, report=True)
        >>> report.written_by.split()[:3]
        ['written', 'by', 'Lamina']
    """
    path = as_path(filepath)
    check_there(path)
    notes = LoadReport(str(path))
    with loading_from(path), limited(), registry.CustomObjectScope(custom_objects):
        if path.is_dir() or path.name.endswith(MODEL):
            model = _from_archive(path, compile, notes, strict)
        else:
            raise LoadError(
                f"{path} is no model's file by its name: those end in .keras. For weights call "
                "load_weights of a model."
            )
    notes.finish(strict)
    return (model, notes) if report else model


def _from_archive(path: Path, compile: bool, notes: LoadReport, strict: bool) -> Any:
    with model_file.opened(path) as members:
        config = model_file.read_config(members, notes)
        if not compile:
            config.pop("compile_config", None)
        model = registry.deserialize(config)
        if not hasattr(model, "load_own_variables"):
            raise LoadError(f"{path} describes a {type(model).__name__}, and no model.")
        _ready_optimizer(model)
        with model_file.arrays_of(members, notes) as stored:
            how = Loading(notes, load_optimizer=compile, strict=strict, fresh=True)
            load(model, present(model, stored, notes), how)
        assets.restore(model, members)
    return model


def _ready_optimizer(model: Any) -> None:
    """Have a compiled model's optimizer make its variables, which a file has values for."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and model.built and not optimizer.built:
        optimizer.build(model.trainable_variables)


def save_weights(
    model: Any,
    filepath: Any,
    overwrite: bool = True,
    **kwargs: Any,
) -> None:
    """Write the weights of a model, and its optimizer's state, to a file.

    Args:
        model: the model.
        filepath: ends in `.weights.h5`.
        overwrite: whether to replace a file that is there; else the user is asked.
        **kwargs: `save_format="h5"`, which programs for Keras 2 pass; nothing else.

    Raises:
        ValueError: if the path ends in something else.

    Example:
        >>> import lamina, os, tempfile
        >>> model = lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(2)])
        >>> path = os.path.join(tempfile.mkdtemp(), "model.weights.h5")
        >>> save_weights(model, path)
        >>> load_weights(model, path)
    """
    path = as_path(filepath)
    _check_options("save_weights", kwargs, "h5")
    if not path.name.endswith(WEIGHTS):
        raise ValueError(f"A file of weights ends in .weights.h5, and {path} does not.")
    if may_replace(path, overwrite):
        with model_file.saving_to(path), atomic_write(path) as file:
            write_arrays(model, file)


def load_weights(
    model: Any,
    filepath: Any,
    skip_mismatch: bool = False,
    *,
    load_optimizer: bool = True,
    report: bool = False,
    strict: bool = False,
    **kwargs: Any,
) -> Any:
    """Put the weights in a file into a model: all of them, or none where one does not fit.

    Args:
        model: the model, built, so that its variables are known.
        filepath: a `.weights.h5` or `.keras` file, or a model's folder.
        skip_mismatch: whether to leave out, with a warning, what does not fit.
        load_optimizer: whether to load the optimizer's state where there is some.
        report: whether to return a `LoadReport`.
        strict: whether to refuse weights that are NaN or infinite, and arrays without digests.

    Raises:
        LoadError: says which array, what was expected and what came. The model is unchanged.

    Example:
        >>> import lamina, os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "model.weights.h5")
        >>> lamina.Sequential([lamina.Input((3,)), lamina.layers.Dense(2)]).save_weights(path)
        >>> other = lamina.Sequential([lamina.Input((4,)), lamina.layers.Dense(2)])
        >>> try:
        ...     load_weights(other, path)
        ... except LoadError as error:
        ...     print(str(error).partition(" has the shape ")[2][:30])
        (4, 2), and the file's (3, 2).
    """
    if kwargs:
        raise ValueError(f"load_weights has no argument {', '.join(kwargs)}.")
    path = as_path(filepath)
    check_there(path)
    notes = LoadReport(str(path))
    how = Loading(notes, skip_mismatch, load_optimizer, strict)
    with loading_from(path), contextlib.ExitStack() as stack:
        if load_optimizer:
            _ready_optimizer(model)
        if path.is_dir() or path.name.endswith(MODEL):
            members = stack.enter_context(model_file.opened(path))
            stored = stack.enter_context(model_file.arrays_of(members, notes))
            load(model, present(model, stored, notes), how)
        else:
            check_kind(path, "HDF5")
            reader = stack.enter_context(Hdf5Reader(path, str(path)))
            load(model, present(model, by_group(reader.arrays), notes), how)
    notes.finish(strict)
    return notes if report else None
