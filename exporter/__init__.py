"""Prometheus exporter for AWS SageMaker hyperparameter tuning jobs."""

__version__ = "0.1.0"
