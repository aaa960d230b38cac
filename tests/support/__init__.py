"""What tests of several rooms share: real programs as children, and a wall around the test process."""
