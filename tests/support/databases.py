from typing import Protocol

from opstap.databases import DatabaseUrls


class MakeDatabase(Protocol):
    """Provisions a database of its own for whoever asks; `copy_of` one that is already migrated is quickest."""

    async def __call__(
        self, service: str, suffix: str | None = None, *, copy_of: DatabaseUrls | None = None
    ) -> DatabaseUrls: ...
