"""What routing asks of its environment besides what every service does."""

from typing import Annotated

from pydantic import Field

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """The settings of routing."""

    emergency_access_hours: Annotated[float, Field(gt=0, le=24)] = 3.0
    """Hours on the wall clock for which an emergency access opens a client."""
    changes_kept_days: Annotated[float, Field(gt=0)] = 14.0
    """Days on the wall clock after which a line of the change feed goes; who comes back from before loads anew."""
