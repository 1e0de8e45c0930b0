"""What diagnosis asks of its environment besides what every service does."""

from chassis.settings import Key, ServiceSettings, key_bytes


class Settings(ServiceSettings):
    """The settings of diagnosis."""

    diagnosis_key: Key
    """`OPSTAP_DIAGNOSIS_KEY`: encrypts the birth dates of children."""

    @property
    def key(self) -> bytes:
        """The key itself."""
        return key_bytes(self.diagnosis_key)
