"""The web configuration file: TLS, client certificates, passwords, headers and a rate limit.

Its format is that of the Prometheus exporter toolkit. A daemon without such a file imports nothing from here.
"""
