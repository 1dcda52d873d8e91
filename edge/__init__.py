"""What both HTTP services share: who asks, what they may do, and the one shape of every reply and error."""
