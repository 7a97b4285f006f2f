import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from docchat import tls

ROOT = Path(__file__).parent.parent


def test_whoever_asks_gets_the_same_certificates() -> None:
    with ThreadPoolExecutor(8) as pool:
        contexts = set(pool.map(lambda _: tls.trusted(), range(32)))
    assert len(contexts) == 1
    assert contexts.pop().cert_store_stats()["x509_ca"] > 10


def test_what_cannot_be_read_ahead_is_the_business_of_who_needs_it() -> None:
    program = """
import threading
from docchat import tls
tls.read_ahead()
for thread in threading.enumerate()[1:]:
    thread.join()
try:
    tls.trusted()
except OSError:
    print("told")
"""
    missing = {"SSL_CERT_FILE": "/nowhere/certificates.pem", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=missing, capture_output=True, text=True, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("told", "")
