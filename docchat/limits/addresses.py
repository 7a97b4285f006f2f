"""Who asks, told from the connection and the proxies in front."""

import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

UNKNOWN_CLIENT = "unknown"
"""Who has no IP address, such as the peer on a Unix socket; all of them are one client."""

_IPV6_PREFIX = 64  # one host can use every address in its /64
_WITH_PORT = re.compile(
    r"\[(?P<bracketed>[^\[\]]+)\](?::[0-9]{1,5})?|(?P<ipv4>[^:\[\]]+):[0-9]{1,5}"
)


def client_address(forwarded_for: str | None, peer: str, *, entry: int) -> str:
    """The client's name for the rate limit: an IPv4 address, an IPv6 /64, or `unknown`.

    Proxies append to X-Forwarded-For: what a client makes up stands left of what they
    write, so the count is from the right. Too high an `entry` lets clients choose their
    name; too low a one makes all of them one client.

    Args:
        forwarded_for: all X-Forwarded-For lines in their order, joined with commas: they are
            one list (RFC 9110 §5.2), and the first line alone may be all made up.
        peer: the address at the other end of the connection. It names the client when the
            header is missing, too short, or has no IP address in that place.
        entry: which entry, counted from the right, names the client. 2 behind Google's
            external Application Load Balancer, which appends "client, load balancer";
            1 directly on Cloud Run; 0 ignores the header.
    """
    address = _parse(_entry(forwarded_for or "", entry)) or _parse(peer)
    return _name(address) if address else UNKNOWN_CLIENT


def _entry(forwarded_for: str, entry: int) -> str:
    entries = forwarded_for.rsplit(",", entry)
    return entries[-entry] if 0 < entry <= len(entries) else ""


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    text = text.strip()
    match = _WITH_PORT.fullmatch(text)
    try:
        return ip_address(match["bracketed"] or match["ipv4"] if match else text)
    except ValueError:
        return None


def _name(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), _IPV6_PREFIX), strict=False))
