"""The model under test: one adapter a file. The deployed threshold belongs to the target."""

from vauban.targets.callable import CallableTarget
from vauban.targets.estimator import EstimatorTarget

__all__ = ["CallableTarget", "EstimatorTarget"]
