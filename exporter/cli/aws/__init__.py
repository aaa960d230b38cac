"""The input options and output formats of the AWS CLI, as pure functions."""
