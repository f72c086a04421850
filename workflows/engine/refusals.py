"""The ways Usher says no. The message is a sentence a person will read, with a period."""


class Refusal(Exception):
    """No, and nothing was changed."""


class NotAllowed(Refusal):
    """You may not do this."""


class NotNow(Refusal):
    """This cannot be done in the state things are in."""


class NotFound(Refusal):
    """There is no such thing, or none that you may see."""


class Unavailable(Refusal):
    """Something Usher stands on is away or overloaded; the same may work in a moment."""


class Invalid(Refusal):
    """What was typed cannot be used; `fields` says why, one sentence for each field."""

    def __init__(self, **fields: str) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = fields
