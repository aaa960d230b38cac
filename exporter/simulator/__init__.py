"""An embedded SageMaker endpoint for demonstrations and tests; it knows nothing of the exporter but the clock."""
