"""Which tests run: the parts that `make test` leaves out, those that a change reaches, and what each test costs."""
