"""
Sends the first packets of made-up flows into network namespaces and tells which of them were refused.

One line of JSON on standard input is one batch: a list of [namespace, protocol, source, source port, destination,
destination port]. One line on standard output answers it: {"refused": [indexes], "reset": [indexes]}. "refused" are those
for which the node sent ICMP port unreachable, "reset" those whose TCP SYN it answered with RST. Needs root.
"""
import ctypes
import json
import os
import select
import socket
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
BATCH = 400


def enter(namespace):
    handle = os.open(f"/var/run/netns/{namespace}", os.O_RDONLY)
    if LIBC.setns(handle, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), f"setns {namespace}")
    os.close(handle)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(protocol, source, source_port, destination, destination_port):
    source, destination = socket.inet_aton(source), socket.inet_aton(destination)
    if protocol == "TCP":
        number, body = 6, struct.pack("!HHIIBBHHH", source_port, destination_port, 1, 0, 5 << 4, 2, 64240, 0, 0)
        pseudo = source + destination + struct.pack("!BBH", 0, number, len(body))
        body = body[:16] + struct.pack("!H", checksum(pseudo + body)) + body[18:]
    else:
        number, body = 17, struct.pack("!HHHH", source_port, destination_port, 8, 0)
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0x4000, 64, number, 0, source, destination)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + body


def flow_of(header):
    """The five parts of a flow in an IP packet: (protocol number, source, source port, destination, destination port)."""
    length = (header[0] & 15) * 4
    source_port, destination_port = struct.unpack("!HH", header[length:length + 4])
    return header[9], header[12:16], source_port, header[16:20], destination_port


def watch(sniffer, refused, reset):
    while select.select([sniffer], [], [], 0)[0]:
        data = sniffer.recv(2048)
        if len(data) < 28 or data[0] >> 4 != 4:
            continue
        length = (data[0] & 15) * 4
        if data[9] == 1 and data[length] == 3 and data[length + 1] == 3:
            refused.add(flow_of(data[length + 8:]))
        elif data[9] == 6 and data[length + 13] & 4:
            number, source, source_port, destination, destination_port = flow_of(data)
            reset.add((number, destination, destination_port, source, source_port))


def main():
    node, client = sys.argv[1], sys.argv[2]
    senders = {}
    for namespace in (client, node):
        enter(namespace)
        senders[namespace] = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    sniffer.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    for line in sys.stdin:
        flows = json.loads(line)
        refused, reset = set(), set()
        for at, (namespace, *flow) in enumerate(flows):
            try:
                senders[namespace].sendto(packet(*flow), (flow[3], 0))
            except PermissionError:
                pass  # the node's own OUTPUT chain refused it; the sniffer sees how
            if at % BATCH == BATCH - 1:
                watch(sniffer, refused, reset)
        select.select([sniffer], [], [], 0.005)
        watch(sniffer, refused, reset)
        answer = {"refused": [], "reset": []}
        for at, (_, protocol, source, source_port, destination, destination_port) in enumerate(flows):
            number = 6 if protocol == "TCP" else 17
            key = (number, socket.inet_aton(source), source_port, socket.inet_aton(destination), destination_port)
            if key in refused:
                answer["refused"].append(at)
            if key in reset:
                answer["reset"].append(at)
        print(json.dumps(answer), flush=True)


main()
