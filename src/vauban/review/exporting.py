"""What follows from the verdicts: clean data, what is held back, and the log of decisions, signed."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from vauban.errors import BadInput
from vauban.review.folder import Folder
from vauban.review.standing import standing
from vauban.store.repository import Verdict


def export(folder: Folder, verdicts: Sequence[Verdict], out: Path, key: Path | None) -> dict[str, int]:
    """Write clean.parquet, held.parquet, poison.parquet, and log.jsonl with its signature; return how many are in each.

    Clean are all records on which nobody has a doubt; labels that are mistakes are turned. Poison are those that four
    eyes agreed on; held are those that wait for somebody. With a key file the signature is an HMAC-SHA256 of the log;
    without one it is the hash of the last verdict, which shows that nothing was changed only to who kept it.

    Raises:
        BadInput: the folder cannot be written or holds something, or the key cannot be read or is too short.
    """
    secret = None if key is None else secret_of(key)
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise BadInput(f"The folder {out} is not empty. Name another with --out.")
    except OSError as error:
        raise BadInput(f"The folder {out} cannot be written: {error.strerror}. Name another with --out.") from error
    stands = standing(verdicts)
    records = folder.under_review
    state = np.array([stands[r].state if r in stands else "correct" for r in records["record"]], dtype=object)
    why = [stands[r].why if r in stands else "" for r in records["record"]]
    table = records.rename(columns=lambda c: c.removeprefix("field."))
    turned = np.where(state == "mistake", 1 - table["label"].to_numpy(), table["label"].to_numpy())
    clean = table.assign(label=turned)[(state == "correct") | (state == "mistake")]
    held = table.assign(why=why)[state == "held"]
    poison = table[state == "poison"]
    for name, part in (("clean", clean), ("held", held), ("poison", poison)):
        part.to_parquet(out / f"{name}.parquet", index=False)
    lines = "".join(json.dumps(asdict(v), ensure_ascii=False) + "\n" for v in verdicts)
    (out / "log.jsonl").write_text(lines, encoding="utf-8")
    last = verdicts[-1].hash if verdicts else ""
    seal = {"verdicts": len(verdicts), "last_hash": last, "signed": secret is not None}
    if secret is not None:
        seal["hmac_sha256"] = hmac.new(secret, lines.encode(), hashlib.sha256).hexdigest()
    (out / "log.seal.json").write_text(json.dumps(seal, indent=1) + "\n", encoding="utf-8")
    return {"clean": len(clean), "held": len(held), "poison": len(poison), "turned": int((state == "mistake").sum())}


def secret_of(key: Path) -> bytes:
    """Return the secret in a file; BadInput where it cannot be read or is too short."""
    try:
        secret = key.read_bytes().strip()
    except OSError as error:
        raise BadInput(f"The key {key} cannot be read: {error.strerror}. Name a file with a secret: --key.") from error
    if len(secret) < 16:
        raise BadInput(f"The key {key} holds {len(secret)} bytes. Give at least 16, as from: openssl rand -hex 32.")
    return secret
