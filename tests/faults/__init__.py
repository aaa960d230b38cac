"""A package, so that what runs for these tests ends with them."""
