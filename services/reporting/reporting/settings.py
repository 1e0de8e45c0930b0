"""Reporting asks nothing of its environment besides what every service does."""

from chassis.settings import ServiceSettings


class ReportingSettings(ServiceSettings):
    """The settings of reporting."""
