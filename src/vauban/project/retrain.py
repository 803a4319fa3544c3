"""The user's own retraining procedure, as [retrain] in ``vauban.toml`` names it: a `Trainer`."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from vauban.contracts import Labelled, Target, Trainer
from vauban.errors import BadInput, TargetError
from vauban.project.settings import Settings
from vauban.records import with_columns
from vauban.targets import EstimatorTarget, ReferringTarget, read_model
from vauban.targets.refit import Refit


@dataclass(frozen=True)
class Call:
    """Retrains by a function of the user's: ``function(frame, labels)`` returns a fitted model.

    Attributes:
        name: ``module:function``; imported when it is first needed, never when the file is read.
        like: the deployed target: schema, threshold and harmful class of the new model.
    """

    name: str
    like: EstimatorTarget

    def fit(self, data: Labelled, start: Target | None = None) -> Target:  # noqa: ARG002 - the function decides
        """Return the model that the function returns, as a target; TargetError if it fails."""
        module, _, function = self.name.partition(":")
        try:
            made = getattr(import_module(module), function)
            return replace(self.like, estimator=made(self.like.schema.decode(data.records), data.labels))
        except Exception as error:
            raise TargetError(f"Retraining by {self.name} failed: {type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Command:
    """Retrains by a command of the user's, which is run without a shell.

    Attributes:
        words: of the command; {data} is the Parquet file of records with the label, {model} the file to write.
        label: the label's column in that file.
        like: the deployed target.
        suffix: of the model's file: what format it is in.
        folder: where the command is run.
    """

    words: Sequence[str]
    label: str
    like: EstimatorTarget
    suffix: str
    folder: Path

    def fit(self, data: Labelled, start: Target | None = None) -> Target:  # noqa: ARG002 - the command decides
        """Return the model that the command writes, as a target; TargetError if it fails."""
        with tempfile.TemporaryDirectory() as folder:
            table, model = Path(folder) / "data.parquet", Path(folder) / f"model{self.suffix}"
            with_columns(self.like.schema.decode(data.records), {self.label: data.labels}).to_parquet(
                table, index=False
            )
            words = [w.replace("{data}", str(table)).replace("{model}", str(model)) for w in self.words]
            try:
                done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=False)  # noqa: S603
            except OSError as error:
                raise TargetError(f"Retraining by {words[0]!r} failed: {error}") from error
            if done.returncode:
                said = done.stderr.strip().splitlines()[-1:] or ["nothing"]
                raise TargetError(f"Retraining by {words[0]!r} ended with {done.returncode} and said: {said[0][:300]}")
            return replace(self.like, estimator=read_model(model))


def trainer_of(settings: Settings, deployed: Target) -> Trainer:
    """Return the trainer that [retrain] names: refit, call or command.

    Raises:
        BadInput: it names none or several, or the deployed model cannot be retrained that way.
    """
    said = [key for key in ("refit", "call", "command") if settings.retrain.get(key)]
    if len(said) != 1:
        raise BadInput(
            f"{settings.path}: [retrain] must say one of refit, call, command. Got: {', '.join(said) or 'none'}."
        )
    plain = deployed.base if isinstance(deployed, ReferringTarget) else deployed
    if not isinstance(plain, EstimatorTarget):
        raise BadInput(f"A {type(plain).__name__} cannot be fitted again. Store the model with scikit-learn's methods.")
    refer = deployed.refer if isinstance(deployed, ReferringTarget) else None
    if said[0] == "refit":
        return Refit(plain.estimator, plain.schema, plain.name, plain.threshold, tuning=plain.sample, refer=refer)
    if refer is not None:
        raise BadInput("[retrain] by a call or command, and [model] refer, do not go together yet. Use refit = true.")
    if said[0] == "call":
        name = str(settings.retrain["call"])
        if name.count(":") != 1 or not all(name.split(":")):
            raise BadInput(f"[retrain] call must be module:function. Got {name!r}.")
        return Call(name, plain)
    words: Any = settings.retrain["command"]
    if not all(isinstance(w, str) for w in words) or not any("{model}" in w for w in words):
        raise BadInput("[retrain] command must be a list of texts, {model} among them: the file to write.")
    suffix = Path(settings.model["file"]).suffix
    return Command(tuple(words), str(settings.data["label"]), plain, suffix, settings.path.parent)
