"""A network that leads nowhere, and what somebody tries to send through it. Runs inside `unshare -n -m`, as root.

`python quiet_network.py RESOLV_CONF COMMAND...` lays a default route to an interface that swallows everything, runs the
command, and prints one JSON line: its exit code, and where packets were sent beyond this machine. A name server is at
the other end, so a name that is looked up is a packet too. Before the command it sends two packets of its own, to show
that they are seen.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time

OUTSIDE = "10.77.0.1"
IP4, IP6 = 0x0800, 0x86DD
ALL = 3  # linux/if_ether.h: ETH_P_ALL
HOP_BY_HOP, ICMP6 = 0, 58  # what the kernel itself says on an interface that has come up
SETUP = (
    "ip link set lo up",
    "ip link add away type veth peer name nowhere",
    "ip address add 10.77.0.2/24 dev away",
    "ip link set nowhere up",
    "ip link set away up",
    f"ip neighbour add {OUTSIDE} lladdr 02:00:00:00:00:01 dev away nud permanent",
    f"ip route add default via {OUTSIDE}",
)


class Capture:
    """Every packet that is sent through the interface."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL))
        self._socket.bind(("away", 0))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            frame, (_, kind, *_rest) = self._socket.recvfrom(65535)
            said = _destination(kind, frame[14:])
            if said:
                self.seen.append(said)

    def wait(self, count: int) -> bool:
        """Whether so many packets come to be seen; they are read by a thread of their own."""
        end = time.monotonic() + 60
        while len(self.seen) < count and time.monotonic() < end:
            time.sleep(0.02)
        return len(self.seen) >= count


def _destination(kind: int, packet: bytes) -> str:
    if kind == IP4 and len(packet) >= 20:
        return f"{socket.inet_ntoa(packet[16:20])} protocol {packet[9]}"
    if kind == IP6 and len(packet) >= 40 and packet[6] not in (HOP_BY_HOP, ICMP6):
        return f"{socket.inet_ntop(socket.AF_INET6, packet[24:40])} protocol {packet[6]}"
    return ""


def control(capture: Capture) -> bool:
    """Whether a datagram and a name that is looked up are both seen."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(b"x", ("192.0.2.7", 9))
    lookup = "import socket; socket.getaddrinfo('control.example', 443)"
    subprocess.run([sys.executable, "-c", lookup], stderr=subprocess.DEVNULL, timeout=120, check=False)
    return capture.wait(2) and {line.split()[0] for line in capture.seen} == {"192.0.2.7", OUTSIDE}


def main() -> None:
    """Lay the network, show that it is watched, run the command, and say what was seen."""
    resolver, *command = sys.argv[1:]
    for line in SETUP:
        subprocess.run(line.split(), check=True)
    subprocess.run(["mount", "--bind", resolver, os.path.realpath("/etc/resolv.conf")], check=True)
    capture = Capture()
    watched = control(capture)
    before = len(capture.seen)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    time.sleep(1)  # whatever was sent last is read by then
    sent = sorted(set(capture.seen[before:]))
    said = done.stdout[-2000:] + done.stderr
    found = {"watched": watched, "code": done.returncode, "sent": sent, "told": done.stdout, "said": said}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
