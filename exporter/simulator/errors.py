"""The errors that the simulated services return."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class ApiError(Exception):
    """A refused request: the error ``code``, the ``message`` for a person and the ``http_status``."""

    def __init__(self, code: str, message: str, http_status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.http_status = http_status


def not_found(name: str) -> ApiError:
    """Return the error for a tuning job that does not exist in the account and region asked."""
    return ApiError("ResourceNotFound", f"Amazon SageMaker has no tuning job named {name} here. Check the name.")


def no_training_job() -> ApiError:
    """Return the error for a training job that does not exist in the account and region asked."""
    return ApiError("ValidationException", "Requested resource not found.")


def invalid(problems: Sequence[str]) -> ApiError:
    """Return the error that lists all constraints that an input violates."""
    noun = "error" if len(problems) == 1 else "errors"
    return ApiError("ValidationException", f"{len(problems)} validation {noun} detected: {'; '.join(problems)}")


def not_authorized(service: str, who: str, action: str, resource: str, reason: str = "") -> ApiError:
    """Return the error of ``sagemaker`` or ``sts`` for a request that no policy allows. ``reason`` continues its sentence."""
    message = f"User: {who} is not authorized to perform: {action} on resource: {resource}{reason}"
    return ApiError("AccessDenied", message, 403) if service == "sts" else ApiError("AccessDeniedException", message)


def unreadable(message: str) -> ApiError:
    """Return the error for a body that does not have the form of the operation's input."""
    return ApiError("SerializationException", message)
