"""What bounds a public endpoint: requests per client, open answers, tokens per day.

Everything here counts within one process, on one event loop: nothing awaits between
looking and counting, so there are no locks. Several instances each have their own counts.
"""

from docchat.limits.addresses import UNKNOWN_CLIENT, client_address
from docchat.limits.rate import RateLimiter
from docchat.limits.streams import StreamSlots
from docchat.limits.tokens import Reservation, TokenBudget, share

__all__ = [
    "UNKNOWN_CLIENT",
    "RateLimiter",
    "Reservation",
    "StreamSlots",
    "TokenBudget",
    "client_address",
    "share",
]
