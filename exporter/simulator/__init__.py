"""An embedded SageMaker endpoint for demonstrations and tests. Of the exporter it imports only the clock."""
