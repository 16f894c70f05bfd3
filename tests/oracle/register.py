"""Where each feature of the catalogue is kept by its name.

FEATURES[name] is its kind and a function of a customer. Kinds say how values are compared:
count, money (cents), truth, text and duration must be equal; a real number within 1e-9.
"""
FEATURES = {}


def feature(kind):
    """The function's name is the feature's."""
    def keep(function):
        FEATURES[function.__name__] = (kind, function)
        return function
    return keep


def over(kind, **named):
    """One function of a customer and events, for each named feature with its own events."""
    def keep(function):
        for name, chosen_events in named.items():
            FEATURES[name] = (kind, lambda c, w=chosen_events: function(c, w(c)))
        return function
    return keep


def EARLY(c):
    return c.first(14)


def EARLY_3(c):
    return c.first(3)


def ALL(c):
    return c.events


def WEEK(c):
    return c.last(7)


def MONTH(c):
    return c.last(30)
