"""The model under test: one adapter a file. The deployed threshold belongs to the target."""

from vauban.targets.booster import BoosterTarget, is_booster, native_of, read_booster
from vauban.targets.callable import CallableTarget
from vauban.targets.estimator import EstimatorTarget

__all__ = ["BoosterTarget", "CallableTarget", "EstimatorTarget", "is_booster", "native_of", "read_booster"]
