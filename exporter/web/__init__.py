"""The room that serves: sockets, HTTP, content negotiation and the pages."""
