"""The OpenAPI document, generated from the route handlers, and the page that shows it."""
