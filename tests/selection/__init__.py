"""Select tests: the parts that `make test` leaves out, the tests that a change reaches, and what each test costs."""
