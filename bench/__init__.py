"""What the exporter costs, measured side by side with what one would use instead: ``python -m bench``."""
