"""How far everything is projected: progress, rollups, gaps between receipts."""
