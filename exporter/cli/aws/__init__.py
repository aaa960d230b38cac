"""What the AWS CLI reads and prints, as pure functions: its input options, and its formats of output."""
