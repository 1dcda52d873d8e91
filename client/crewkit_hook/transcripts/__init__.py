"""What agents write into their session files, beside what they tell hooks: above all tokens and costs."""
