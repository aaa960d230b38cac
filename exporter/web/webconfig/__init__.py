"""The web configuration file: TLS, client certificates, passwords, headers and a limit of requests, as it is now.

Its format is that of the Prometheus exporter toolkit. Nothing in here is imported by a daemon that has no such file.
"""
