"""Which hosts may be called: names by list, addresses only after resolving."""

import ipaddress
import socket
from collections.abc import Iterator

import pytest

from connector.connections.hosts import (
    AllowedHosts,
    HostNotAllowed,
    HostUnknown,
    allowed_origin,
    is_open,
    open_addresses,
)

NONE = AllowedHosts()
OWN = ("api.example.com", "*.crm.example")

CLOSED_HOSTS = [
    "127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.53", "0.0.0.0", "0",  # noqa: S104
    "::1", "::", "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "::ffff:10.0.0.5",
    "169.254.169.254", "0xa9fea9fe", "fe80::1", "10.0.0.5", "10.255.255.255", "0xa000005",
    "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.168.257", "100.64.0.1", "100.127.255.255",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:5::1",
    "2001::1", "2001:db8::1", "3fff::1", "localhost", "192.0.0.1", "192.0.0.171", "192.0.2.1",
    "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255", "fc00::1", "fd12:3456::1", "fec0::1",
    "ff02::1", "ff0e::1", "100::1", "5f00::1",
]  # fmt: skip


def answering(*addresses: str) -> object:
    return lambda _host, _port: addresses


@pytest.fixture
def canary() -> Iterator[socket.socket]:
    """A listener on loopback that nobody may reach."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        yield listener


@pytest.mark.parametrize("host", CLOSED_HOSTS)
def test_a_host_with_a_closed_address_is_refused(host: str) -> None:
    with pytest.raises(HostNotAllowed) as refusal:
        open_addresses(host, 443, allowed=NONE)
    assert refusal.value.code == "address_not_open"


def test_the_table_of_closed_hosts_has_over_forty_rows() -> None:
    assert len(set(CLOSED_HOSTS)) > 40


@pytest.mark.parametrize("address", ["8.8.8.8", "104.16.51.111", "2606:4700::6810:336f"])
def test_a_public_address_is_open(address: str) -> None:
    assert is_open(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::1"])
def test_a_wrapped_public_address_is_open(address: str) -> None:
    assert is_open(ipaddress.ip_address(address))


def test_one_closed_address_among_good_ones_refuses_the_host() -> None:
    with pytest.raises(HostNotAllowed):
        open_addresses(
            "crm.example",
            443,
            allowed=NONE,
            resolve=answering("8.8.8.8", "10.0.0.1"),  # type: ignore[arg-type]
        )


def test_a_name_that_rebinds_is_refused_at_the_second_look(canary: socket.socket) -> None:
    answers = iter([("8.8.8.8",), ("127.0.0.1",)])

    def resolve(_host: str, _port: int) -> tuple[str, ...]:
        return next(answers)

    assert open_addresses("crm.example", 443, allowed=NONE, resolve=resolve) == ("8.8.8.8",)
    with pytest.raises(HostNotAllowed):
        open_addresses("crm.example", 443, allowed=NONE, resolve=resolve)
    with pytest.raises(BlockingIOError):
        canary.accept()


def test_a_name_without_an_address_is_unknown() -> None:
    with pytest.raises(HostUnknown):
        open_addresses("crm.example", 443, allowed=NONE, resolve=answering())  # type: ignore[arg-type]


def test_a_link_local_address_with_a_zone_is_refused() -> None:
    with pytest.raises(HostNotAllowed):
        open_addresses(
            "crm.example",
            443,
            allowed=NONE,
            resolve=answering("fe80::1%eth0"),  # type: ignore[arg-type]
        )


def test_an_operator_may_open_a_private_address_by_naming_it() -> None:
    allowed = AllowedHosts.of(["odoo.example", "10.0.0.5"])
    found = open_addresses(
        "odoo.example",
        443,
        allowed=allowed,
        resolve=answering("10.0.0.5"),  # type: ignore[arg-type]
    )
    assert found == ("10.0.0.5",)


def test_allowing_a_name_does_not_open_its_private_address() -> None:
    with pytest.raises(HostNotAllowed):
        open_addresses(
            "odoo.example",
            443,
            allowed=AllowedHosts.of(["odoo.example"]),
            resolve=answering("10.0.0.5"),  # type: ignore[arg-type]
        )


@pytest.mark.parametrize("entry", ["127.0.0.1", "127.0.0.1:8443"])
def test_loopback_is_open_where_the_operator_names_it(entry: str) -> None:
    found = open_addresses("127.0.0.1", 8443, allowed=AllowedHosts.of([entry]))
    assert found == ("127.0.0.1",)


def test_localhost_on_the_list_opens_loopback_for_that_name_alone() -> None:
    allowed = AllowedHosts.of(["localhost"])
    assert open_addresses("localhost", 80, allowed=allowed)
    with pytest.raises(HostNotAllowed):
        open_addresses(
            "crm.example",
            443,
            allowed=allowed,
            resolve=answering("127.0.0.1"),  # type: ignore[arg-type]
        )


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com/", "https://api.example.com"),
        ("https://API.Example.COM:443", "https://api.example.com"),
        ("https://acme.crm.example", "https://acme.crm.example"),
        ("https://acme--uat.sandbox.crm.example", "https://acme--uat.sandbox.crm.example"),
    ],
)
def test_the_apps_own_hosts_are_allowed(url: str, origin: str) -> None:
    assert allowed_origin(url, own_hosts=OWN, allowed=NONE) == origin


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://crm.example", "host_not_allowed"),
        ("https://.crm.example", "base_url_invalid"),
        ("https://evilcrm.example", "host_not_allowed"),
        ("https://acme.crm.example.evil.test", "host_not_allowed"),
        ("https://api.example.com.evil.test", "host_not_allowed"),
        ("https://api.example.com:8443", "host_not_allowed"),
        ("http://api.example.com", "host_not_allowed"),
        ("https://user@api.example.com", "base_url_invalid"),
        ("https://api.example.com@evil.test", "base_url_invalid"),
        ("https://api.example.com\\@evil.test", "base_url_invalid"),
        ("https://api.example.com/path", "base_url_invalid"),
        ("https://api.example.com?x=1", "base_url_invalid"),
        ("https://api.example.com#x", "base_url_invalid"),
        ("https://evil.test#.crm.example", "base_url_invalid"),
        ("https://evil.test/.crm.example", "base_url_invalid"),
        ("ftp://api.example.com", "base_url_invalid"),
        ("file:///etc/passwd", "base_url_invalid"),
        ("api.example.com", "base_url_invalid"),
        ("https://", "base_url_invalid"),
        ("https://acme crm.example", "base_url_invalid"),
        ("https://acme\u3002crm.example", "base_url_invalid"),
        ("https://api.example.com:0", "base_url_invalid"),
        ("https://api.example.com:99999", "base_url_invalid"),
        ("https://[::1", "base_url_invalid"),
        ("https://127.0.0.1", "host_not_allowed"),
        ("https://2130706433", "host_not_allowed"),
        ("https://[::1]", "host_not_allowed"),
        ("http://localhost:8080", "host_not_allowed"),
    ],
)
def test_every_other_base_url_is_refused_by_its_reason(url: str, code: str) -> None:
    with pytest.raises(HostNotAllowed) as refusal:
        allowed_origin(url, own_hosts=OWN, allowed=NONE)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9001", "http://localhost:9001", "http://[::1]:9001"]
)
def test_loopback_may_be_plain_http_on_any_port_where_it_is_allowed(url: str) -> None:
    allowed = AllowedHosts.of(["127.0.0.1", "localhost", "::1"])
    assert allowed_origin(url, own_hosts=OWN, allowed=allowed) == url


def test_an_allowed_name_needs_https() -> None:
    with pytest.raises(HostNotAllowed) as refusal:
        allowed_origin("http://box.test", own_hosts=OWN, allowed=AllowedHosts.of(["box.test"]))
    assert refusal.value.code == "base_url_not_https"


def test_an_allowed_name_needs_its_port_named() -> None:
    with pytest.raises(HostNotAllowed):
        allowed_origin("https://box.test:81", own_hosts=(), allowed=AllowedHosts.of(["box.test"]))
    allowed = AllowedHosts.of(["box.test:81"])
    assert allowed_origin("https://box.test:81", own_hosts=(), allowed=allowed)
    with pytest.raises(HostNotAllowed):
        allowed_origin("https://box.test", own_hosts=(), allowed=allowed)


def test_a_refusal_does_not_repeat_the_url() -> None:
    with pytest.raises(HostNotAllowed) as refusal:
        allowed_origin("https://user:canary@evil.test", own_hosts=OWN, allowed=NONE)
    assert "canary" not in str(refusal.value)
