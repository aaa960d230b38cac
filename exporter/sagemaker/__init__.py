"""The only package that uses the AWS SDK: sessions, single calls, and the meaning of failures."""

from exporter.sagemaker.api import Api, SageMakerApi
from exporter.sagemaker.budget import Budget
from exporter.sagemaker.message import one_line
from exporter.sagemaker.organizations import read_accounts
from exporter.sagemaker.personal import impersonal
from exporter.sagemaker.redact import without_secrets
from exporter.sagemaker.session import Sessions

__all__ = ["Api", "Budget", "SageMakerApi", "Sessions", "impersonal", "one_line", "read_accounts", "without_secrets"]
