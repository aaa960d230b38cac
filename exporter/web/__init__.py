"""The web server: sockets, HTTP, content negotiation, and the pages."""
