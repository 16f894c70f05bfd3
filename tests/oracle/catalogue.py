"""Every feature of the default book, written once more by hand from what it means."""
import catalogue_conduct  # noqa: F401 - each puts its features into the register
import catalogue_money  # noqa: F401
import catalogue_standing  # noqa: F401
from register import FEATURES  # noqa: F401 - what others read
