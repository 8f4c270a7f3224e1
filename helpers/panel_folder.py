"""A panel in a folder: one file for each of its arrays, which numpy maps into memory where they are read."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np

from helpers.compact import CompactArray
from helpers.packed import packed, unpacked

LABELS = ("dates", "tickers", "characteristic_names", "portfolio_names")
CONTENTS = "panel.json"


def write_panel(panel: Any, folder: str | Path) -> None:
    """Writes what `Panel.load` opens; a folder that holds anything but a panel is refused."""
    folder = Path(folder)
    if folder.exists() and not (folder / CONTENTS).is_file() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} exists and holds no panel. Give a new folder, so that nothing is overwritten.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}.{uuid4().hex}.unfinished")
    unfinished.mkdir()
    try:
        arrays: dict[str, np.ndarray] = {"returns": panel.returns}
        z = panel.characteristics
        if isinstance(z, CompactArray):
            # Views of a larger panel: only the rows of these dates.
            arrays |= {"values": z.values[z.rows], "columns": z.columns[z.rows], "starts": z.starts - z.starts[0]}
        else:
            arrays["characteristics"] = z
        if panel.portfolios is not None:
            arrays["portfolios"] = panel.portfolios
        about: dict[str, Any] = {"labels": {name: packed(name, getattr(panel, name), arrays) for name in LABELS}}
        numbers, texts = {}, {}
        for name, values in panel.side.items():
            if values.dtype == object:
                names, codes = np.unique(values[values != None], return_inverse=True)  # noqa: E711 (one by one)
                coded = np.full(values.shape, -1, np.int32)
                coded[values != None] = codes  # noqa: E711
                texts[name] = [packed(name, coded, arrays), names.tolist()]
            else:
                numbers[name] = packed(name, values, arrays)
        about |= {"numbers": numbers, "texts": texts}
        for name, array in arrays.items():
            np.save(unfinished / f"{name}.npy", np.ascontiguousarray(array), allow_pickle=False)
        (unfinished / CONTENTS).write_text(json.dumps(about), encoding="utf-8")
        if folder.exists():
            old = folder.with_name(f".{folder.name}.{uuid4().hex}.old")
            os.replace(folder, old)
            os.replace(unfinished, folder)
            shutil.rmtree(old)
        else:
            os.replace(unfinished, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def stored_panel(cls: Any, folder: str | Path) -> Any:
    """The panel in the folder."""
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}. Panel.save makes one.")
    try:
        about = json.loads((folder / CONTENTS).read_text(encoding="utf-8"))
        arrays = {path.stem: np.load(path, mmap_mode="r", allow_pickle=False) for path in folder.glob("*.npy")}
        parts = {name: unpacked(value, arrays) for name, value in about["labels"].items()}
        side = {name: unpacked(value, arrays) for name, value in about["numbers"].items()}
        for name, (codes, names) in about["texts"].items():
            side[name] = np.array([*names, None], dtype=object)[unpacked(codes, arrays)]
        z = arrays.get("characteristics")
        if z is None:
            z = CompactArray(arrays["values"], arrays["columns"], np.array(arrays["starts"]), len(parts["tickers"]))
        whole = arrays["returns"].shape == z.shape[:2] and len(arrays.get("values", ())) == (
            z.starts[-1] if isinstance(z, CompactArray) else 0
        )
        if not whole:
            raise ValueError("its arrays do not belong together")
        return cls._of(
            returns=arrays["returns"], characteristics=z, portfolios=arrays.get("portfolios"), side=side, **parts
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise ValueError(f"{folder} is not a folder that Panel.save wrote, or it is damaged: {error}.") from error
