"""What tokens cost: the price list, its file format, its table, and the record of every load in the log."""
