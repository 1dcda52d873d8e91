"""Shared by all HTTP services: authentication, permissions, limits, and the shapes of responses and errors."""
