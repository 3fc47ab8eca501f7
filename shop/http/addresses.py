"""Network addresses: which are on the public internet, and who is counted by which."""

import ipaddress
import re
from typing import Any

# An IPv4 address stands in the last 32 bits.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Where it stands in these only their operator knows.
NAT64_OF_OWN = ipaddress.IPv6Network("64:ff9b:1::/48")
PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
# The special-purpose registries of IANA, and what can lead back into an IPv4 network of ours (6to4, Teredo).
# Not is_global: what it knows depends on the Python it runs on.
NOT_PUBLIC_6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
NOT_PUBLIC_4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
        ),
    )
)
ADDRESS_AND_PORT = re.compile(r"(?P<v4>\d+(?:\.\d+){3})(?::\d+)?|\[(?P<v6>[^\]]+)\](?::\d+)?", re.ASCII)


def is_public(text: str) -> bool:
    """Whether this address belongs to somebody on the internet, as far as the registries say."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_4)
    if address in NAT64:
        return is_public(str(_last_32_bits(address)))
    return address in PUBLIC_6 and not any(address in network for network in NOT_PUBLIC_6)


def counted_address(text: str) -> str:
    """The address to count by. An IPv6 customer has a whole /64; what stands for an IPv4 address is counted as that."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if inside := address.ipv4_mapped or address.sixtofour:
        return str(inside)
    if address in NAT64:
        return str(_last_32_bits(address))
    if address in NAT64_OF_OWN:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)


def without_ports(application: Any) -> Any:
    """Some proxies write the port behind the address: 203.0.113.7:4000, [2001:db8::7]:4000."""

    def run(environ: dict[str, Any], start_response: Any) -> Any:
        found = ADDRESS_AND_PORT.fullmatch(environ.get("REMOTE_ADDR", "").strip())
        if found:
            environ["REMOTE_ADDR"] = found["v4"] or found["v6"]
        return application(environ, start_response)

    return run


def _last_32_bits(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
