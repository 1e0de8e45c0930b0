"""After all paths: the services agree with each other about everything that happened."""

from opstap.verify import verify
from tests.support.paths import Lived


async def test_the_services_agree_on_what_happened_on_every_path(lived: Lived) -> None:
    differences = await verify(lived.urls)
    assert not differences, "\n".join(map(str, differences))
