import socket
from ipaddress import ip_network

import pytest

from partners.webhooks.addresses import ForbiddenAddress, ForbiddenUrl, Guard

PRODUCTION = Guard()
DEVELOPMENT = Guard([ip_network("127.0.0.0/8")], development=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://partner.example/hook",
        "ftp://partner.example/hook",
        "partner.example/hook",
        "https://127.0.0.1/hook",
        "https://127.0.0.1./hook",
        "https://[::1]/hook",
        "https://[::ffff:10.0.0.1]/hook",
        "https://[64:ff9b::a00:1]/hook",
        "https://[2002:a00:1::]/hook",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/hook",
        "https://0x7f000001/hook",
        "https://0177.0.0.1/hook",
        "https://127.1/hook",
        "https://localhost/hook",
        "https://user:secret@93.184.216.34/hook",
        "https://93.184.216.34:8443/hook",
        "https://93.184.216.34:99999/hook",
        "https://93.184.216.34/hook?access_token=x",
        "https://93.184.216.34/hook?a=1&Access_Token=",
        "https://93.184.216.34/hook#part",
        "https://[::1",
        "https:///hook",
        "",
    ],
)
async def test_a_url_that_webhooks_may_not_reach_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenUrl):
        await PRODUCTION.check(url)


@pytest.mark.parametrize("url", ["https://93.184.216.34/hook", "https://[2606:4700:4700::1111]:443/a?b=c"])
async def test_a_public_https_url_is_accepted(url: str) -> None:
    await PRODUCTION.check(url)


async def test_in_development_loopback_is_reached_where_the_setting_says_so() -> None:
    await DEVELOPMENT.check("http://127.0.0.1:8080/hook")
    with pytest.raises(ForbiddenUrl):
        await DEVELOPMENT.check("http://10.0.0.1:8080/hook")
    with pytest.raises(ForbiddenUrl):
        await Guard(development=True).check("http://127.0.0.1:8080/hook")


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.0.0.8", "192.0.2.1",
        "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "255.255.255.255",
        "::", "::1", "::ffff:192.168.0.1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
        "2001:db8::1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "3fff::1", "5f00::1",
        "partner.example", "",
    ],
)  # fmt: skip
def test_no_forbidden_address_is_dialled_and_nothing_that_is_no_address(address: str) -> None:
    assert not PRODUCTION.allows(address)
    with pytest.raises(ForbiddenAddress):
        PRODUCTION.socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 443)))


def test_a_public_address_is_dialled() -> None:
    made = PRODUCTION.socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("93.184.216.34", 443)))
    assert not made.getblocking()
    made.close()
