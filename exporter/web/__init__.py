"""The room that serves: sockets, HTTP, content negotiation and the pages."""

from exporter.web.app import Check, Site, create_app
from exporter.web.listen import Address, open_socket, parse_address
from exporter.web.pages import Link, Overview
from exporter.web.server import WebServer

__all__ = [
    "Address",
    "Check",
    "Link",
    "Overview",
    "Site",
    "WebServer",
    "create_app",
    "open_socket",
    "parse_address",
]
