"""What agents write into their session files besides what hooks receive: above all tokens and costs."""
