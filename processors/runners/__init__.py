"""What runs a pipeline: a Faust worker, or a loop in the embedded default."""
