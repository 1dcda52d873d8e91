"""A well-formed request that breaks a rule which needs more than the shape of its body."""


class Invalid(Exception):
    """The request is refused: field, by its path, to what is wrong with it."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(f"{field} {sentence}")
        self.field = field
        self.sentence = sentence
