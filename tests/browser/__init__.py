"""The dashboard in a real Chromium, over a real installation with the demo's data."""
