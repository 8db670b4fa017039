"""What an artifact's content can be turned into: the libraries' own tables and pictures, and files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nb_artifacts.errors import InvalidValue, UnsupportedType
from nb_artifacts.types.image import Image
from nb_artifacts.types.table import Table

if TYPE_CHECKING:
    import os

    import duckdb
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from PIL import Image as PILImage

    from nb_artifacts.types import Payload


class Turned:
    """The part of `Artifact` that gives its content in other forms."""

    @property
    def payload(self) -> Payload:
        """The typed value (`nb_artifacts.types`). Raises `BlobMissing`."""
        raise NotImplementedError

    def _table(self) -> Table:
        if not isinstance(self.payload, Table):
            raise UnsupportedType(f"{self!r} is not a table: use .value.")
        return self.payload

    def to_pandas(self) -> pd.DataFrame:
        """A table as a pandas DataFrame, dtypes and index as kept. Raises `UnsupportedType` for another type."""
        return self._table().to_pandas()

    def to_polars(self) -> pl.DataFrame:
        """A table as a polars DataFrame. Raises `UnsupportedType` for another type or without polars."""
        return self._table().to_polars()

    def to_arrow(self) -> pa.Table:
        """A table as a pyarrow Table. Raises `UnsupportedType` for another type."""
        return self._table().to_arrow()

    def to_duckdb(self) -> duckdb.DuckDBPyRelation:
        """A table as a DuckDB relation. Raises `UnsupportedType` for another type."""
        return self._table().to_duckdb()

    def image(self) -> PILImage.Image:
        """An image as a Pillow image. Raises `UnsupportedType` for another type, and for one that is only a URL."""
        if not isinstance(self.payload, Image):
            raise UnsupportedType(f"{self!r} is not an image: use .value.")
        return self.payload.image()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write its content to a file; the suffix chooses the form (a table: .parquet, .csv, .json). Gives the path.

        Raises `InvalidValue` for a suffix that this type cannot be written as, naming those that can.
        """
        target = Path(path).expanduser()
        content = self.payload.file(target.suffix.lower())
        try:
            target.write_bytes(content)
        except OSError as error:
            raise InvalidValue(f"{target} cannot be written: {error.strerror}. Choose another place.") from None
        return target
