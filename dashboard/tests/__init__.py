"""The dashboard in a real Chromium, on a real installation with the demo's data."""
