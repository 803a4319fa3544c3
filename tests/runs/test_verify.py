"""What verify says of a real run, and of one that somebody has tampered with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import vauban as product
from conftest import ASKED, Vauban
from vauban.errors import BadInput, ExitCode
from vauban.system import System


def rewritten(run: Path, change: Callable[[pd.DataFrame], Any]) -> pd.DataFrame:
    """Change the stored successes, and return them."""
    path = run / "records.parquet"
    table = pd.read_parquet(path)
    change(table)
    table.to_parquet(path, index=False)
    return table


def problems(said: tuple[int, str, str]) -> list[str]:
    code, out, err = said
    assert code == ExitCode.OVER_LIMIT, err
    found = err.splitlines()
    assert out.endswith(f": {len(found)} problems.\n")
    return found


def test_a_real_run_passes(vauban: Vauban, run: Path) -> None:
    held = len(pd.read_parquet(run / "records.parquet"))
    assert held > 20
    assert vauban("verify", run) == (ExitCode.DONE, f"{held} stored successes scored from scratch: 0 problems.\n", "")


def test_a_run_on_messages_passes(vauban: Vauban, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert vauban("audit", "small-text", *ASKED, "--out", out)[0] == ExitCode.DONE
    code, said, err = vauban("verify", out)
    assert code == ExitCode.DONE, err
    assert not said.startswith("0 ")
    rewritten(out, lambda t: t.__setitem__("after.text", t["after.text"] + " winner"))
    assert "does not cost what is stored" in " ".join(problems(vauban("verify", out)))


@pytest.mark.data
@pytest.mark.parametrize(
    "asked", [("spam", "--data", "sms"), ("credit", "--data", "german", "--model", "hist-gradient-boosting")], ids=str
)
def test_runs_on_real_data_pass(asked: tuple[str, ...], vauban: Vauban, tmp_path: Path) -> None:
    """With the product's own attacks and models, whatever they are; what goes through training is not verified."""
    out, small = tmp_path / "run", ("--victims", 6, "--queries", 60, "--tune", 0, "--causative", "off")
    assert vauban("audit", *asked, *small, "--out", out)[0] == ExitCode.DONE
    code, said, err = vauban("verify", out)
    assert code == ExitCode.DONE, err
    assert not said.startswith("0 ")


def test_a_changed_cost(vauban: Vauban, run: Path) -> None:
    table = rewritten(run, lambda t: t.__setitem__("cost", t["cost"].where(t.index != 3, t["cost"] * 0.9)))
    row = table.iloc[3]
    assert problems(vauban("verify", run)) == [
        f"{row.attack} in {row.cell}: victim {row.victim_id} does not cost what is stored"
    ]


def test_records_that_were_never_changed(vauban: Vauban, run: Path) -> None:
    def undo(table: pd.DataFrame) -> None:
        for name in [c for c in table if c.startswith("after.")]:
            table.loc[2, name] = table.loc[2, name.replace("after.", "before.", 1)]

    row = rewritten(run, undo).iloc[2]
    assert problems(vauban("verify", run)) == [
        f"{row.attack} in {row.cell}: victim {row.victim_id} does not flip the decision",
        f"{row.attack} in {row.cell}: victim {row.victim_id} does not cost what is stored",
    ]


def test_victims_that_were_decided_so_before(vauban: Vauban, run: Path) -> None:
    def swap(table: pd.DataFrame) -> None:
        for name in [c for c in table if c.startswith("before.")]:
            table.loc[1, name] = table.loc[1, name.replace("before.", "after.", 1)]

    row = rewritten(run, swap).iloc[1]
    assert f"{row.attack} in {row.cell}: victim {row.victim_id} was decided so before any change" in problems(
        vauban("verify", run)
    )


def test_numbers_that_cannot_be(vauban: Vauban, run: Path) -> None:
    def forge(table: pd.DataFrame) -> None:
        table.loc[0, "after.loan_amount"] = table["after.loan_amount"].max() * 1000 + 7

    row = rewritten(run, forge).iloc[0]
    assert f"{row.attack} in {row.cell}: victim {row.victim_id} is no record that this attacker can make" in problems(
        vauban("verify", run)
    )


def test_categories_that_do_not_exist(vauban: Vauban, run: Path) -> None:
    def forge(table: pd.DataFrame) -> None:
        table["after.purpose"] = table["after.purpose"].astype(object)
        table.loc[0, "after.purpose"] = "ransom"

    row = rewritten(run, forge).iloc[0]
    found = problems(vauban("verify", run))
    assert len(found) == 1
    assert found[0].startswith(f"{row.cell}: the stored records are none of the schema")
    assert "ransom" in found[0]


def test_fields_that_are_gone(vauban: Vauban, run: Path) -> None:
    table = pd.read_parquet(run / "records.parquet").drop(columns="after.loan_amount")
    table.to_parquet(run / "records.parquet", index=False)
    assert all("lack the columns loan_amount" in problem for problem in problems(vauban("verify", run)))


def test_successes_that_were_removed_or_added(vauban: Vauban, run: Path) -> None:
    table = pd.read_parquet(run / "records.parquet")
    row = table.iloc[0]
    n = int(((table["attack"] == row.attack) & (table["cell"] == row.cell)).sum())
    table.drop(index=0).to_parquet(run / "records.parquet", index=False)
    assert problems(vauban("verify", run)) == [
        f"{row.attack} in {row.cell}: result.json counts {n} successes, records.parquet holds {n - 1}"
    ]
    pd.concat([table, table.iloc[:1].assign(attack="magic")]).to_parquet(run / "records.parquet", index=False)
    assert problems(vauban("verify", run)) == [
        f"magic in {row.cell}: result.json counts 0 successes, records.parquet holds 1"
    ]


def test_a_limit_that_was_lowered(vauban: Vauban, run: Path) -> None:
    stored = json.loads((run / "system.json").read_text())
    table = pd.read_parquet(run / "records.parquet")
    limit = float(table.loc[table["cell"] == "EI", "cost"].median())
    stored["costs"]["EI"] = limit
    (run / "system.json").write_text(json.dumps(stored))
    found = problems(vauban("verify", run))
    assert len(found) == int(((table["cell"] == "EI") & (table["cost"] > limit)).sum()) > 0
    assert all(problem.endswith("costs more than the attacker could pay") for problem in found)


def test_a_cell_without_a_schema(vauban: Vauban, run: Path) -> None:
    rewritten(run, lambda t: t.__setitem__("cell", "CI"))
    code, _, err = vauban("verify", run)
    assert code == ExitCode.BAD_INPUT
    assert "cell 'CI'" in err


def test_a_run_whose_model_has_no_safe_format(scorecard_system: System, tmp_path: Path, vauban: Vauban) -> None:
    part, out = scorecard_system.parts.victims, tmp_path / "run"
    target = scorecard_system.target
    result = product.audit(
        target, part.frame, part.labels, victims=8, queries=60, attacks=["wander"], out=out, cells=["EI"]
    )
    assert sum(f.successes for f in result.findings) > 0
    with pytest.raises(BadInput, match="holds no model"):
        product.verify(out)
    assert vauban("verify", out)[0] == ExitCode.BAD_INPUT
    assert product.verify(out, target).problems == ()

    def lenient(frame: pd.DataFrame) -> Any:
        return np.zeros(len(frame))

    from dataclasses import replace

    wrong = product.verify(out, replace(target, predict=lenient)).problems
    assert len(wrong) == result.findings[0].successes
    assert all("was decided so before any change" in problem for problem in wrong)
