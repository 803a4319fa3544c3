"""Fetch a public data set, when asked to and never otherwise; nothing is kept whose contents are not the published."""

from __future__ import annotations

import gzip
import hashlib
import tempfile
import zipfile
from pathlib import Path

from vauban.datasets.public import PUBLIC, contents, data_folder
from vauban.datasets.source import PublicFile, SourceFile
from vauban.errors import BadInput, VaubanError, unknown

TIMEOUT = 60
"""Seconds without an answer after which a server is given up."""


def fetch(name: str, address: str | None = None) -> tuple[Path, ...]:
    """Put the files of a public data set where ``load`` looks for them, and return their paths.

    Files that are there already are checked and left. Needs the extra ``download`` (pooch).

    Args:
        name: of the data set.
        address: of the file or archive, in place of the publisher's: a mirror. It must hold the same contents.

    Raises:
        BadInput: no such public data set, none that a program can fetch, a file there already that is another one, or
            pooch is not installed.
        VaubanError: the address cannot be reached, or does not hold the published contents.
    """
    if name not in PUBLIC:
        raise unknown("public data set", name, PUBLIC)
    public = PUBLIC[name]
    paths = tuple(data_folder() / file.path for file in public.files)
    absent = [file for file, path in zip(public.files, paths, strict=True) if not path.exists()]
    for file in public.files:
        if file not in absent:
            contents(public, file)
    if not absent:
        return paths
    address = public.download if address is None else address
    if address is None:
        raise BadInput(
            f"{name} cannot be fetched by a program: get it from {public.info.address} ({public.how}) and put it at "
            f"{paths[0]}."
        )
    with tempfile.TemporaryDirectory() as folder:
        got = _downloaded(name, address, Path(folder))
        whole = {file: _content(public, file, got, address) for file in absent}
    for file, data in whole.items():  # all of them are right: none is written before
        _write(data_folder() / file.path, data)
    return paths


def _downloaded(name: str, address: str, folder: Path) -> Path:
    try:
        import pooch
    except ImportError as error:
        raise BadInput(
            f"Fetching {name} needs a library that is not here: {error}. "
            "Install it with pip install 'vauban[download]'."
        ) from error
    pooch.get_logger().setLevel("WARNING")
    try:
        downloader = pooch.HTTPDownloader(timeout=TIMEOUT)
        # No hash for pooch: what is known are the digests of the contents, whatever they are packed in.
        return Path(pooch.retrieve(address, None, fname="download", path=folder, downloader=downloader))
    except (OSError, ValueError) as error:  # requests' errors are OSErrors; ValueError is an address that is none
        raise VaubanError(
            f"{name} could not be fetched from {address}: {error}. Try again, name a mirror with --from, or get it "
            f"from {PUBLIC[name].info.address} ({PUBLIC[name].how})."
        ) from error


def _content(public: PublicFile, file: SourceFile, got: Path, address: str) -> bytes:
    data, what = got.read_bytes(), address
    if zipfile.is_zipfile(got) and file.member is not None:
        with zipfile.ZipFile(got) as archive:
            if file.member not in archive.namelist():
                raise VaubanError(
                    f"{public.info.name}: {address} holds no {file.member}. It holds: "
                    f"{', '.join(archive.namelist()[:10]) or 'nothing'}."
                )
            data, what = archive.read(file.member), f"{file.member} in {address}"
    digest = hashlib.sha256(data).hexdigest()
    if digest not in file.sha256:
        raise VaubanError(
            f"{public.info.name}: {what} is not the published file: expected sha256 {' or '.join(file.sha256)}, got "
            f"{digest} ({len(data)} bytes). Nothing was kept."
        )
    return data


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
        part.replace(path)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}. Set VAUBAN_DATA_DIR to another folder.") from error
