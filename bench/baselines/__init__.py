"""What ours is compared with, in the same run: each small, and as good as an ordinary engineer would make it."""
