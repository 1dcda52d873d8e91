"""The OpenAPI page: made from what the routes say of themselves, so that a new route documents itself."""
