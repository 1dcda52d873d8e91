"""The work behind commands of operators: provision, load prices, export and import the log."""
