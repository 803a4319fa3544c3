"""The model under test: one adapter a file. The deployed threshold belongs to the target."""

from vauban.targets.booster import BoosterTarget, is_booster, native_of, read_booster
from vauban.targets.callable import CallableTarget
from vauban.targets.estimator import EstimatorTarget
from vauban.targets.files import TRUSTED, file_hash, read_model, untrusted
from vauban.targets.referring import ReferringTarget

__all__ = [
    "TRUSTED",
    "BoosterTarget",
    "CallableTarget",
    "EstimatorTarget",
    "ReferringTarget",
    "file_hash",
    "is_booster",
    "native_of",
    "read_booster",
    "read_model",
    "untrusted",
]
