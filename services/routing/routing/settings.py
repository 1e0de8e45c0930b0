"""What routing asks of its environment: nothing besides what every service does."""

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """The settings of routing."""
