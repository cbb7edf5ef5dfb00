"""Building DER (and, for hostile requests, what only looks like it) by hand."""


def length(n):
    if n < 0x80:
        return bytes([n])
    digits = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(digits)]) + digits


def length_long(n, width):
    """A length in the long form with more octets than it needs: BER, not DER."""
    return bytes([0x80 | width]) + n.to_bytes(width, "big")


def tlv(tag, *parts):
    body = b"".join(parts)
    return bytes([tag]) + length(len(body)) + body


def indefinite(tag, *parts):
    """The indefinite form: BER, not DER."""
    return bytes([tag, 0x80]) + b"".join(parts) + b"\0\0"


def sequence(*parts):
    return tlv(0x30, *parts)


def set_of(*parts):
    return tlv(0x31, *sorted(parts))


def integer(n):
    return tlv(0x02, n.to_bytes(n.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted):
    arcs = [int(a) for a in dotted.split(".")]
    out = bytearray()
    for arc in [arcs[0] * 40 + arcs[1]] + arcs[2:]:
        digits = [arc & 0x7F]
        while arc > 0x7F:
            arc >>= 7
            digits.append(0x80 | arc & 0x7F)
        out += bytes(reversed(digits))
    return tlv(0x06, bytes(out))


def boolean(b):
    return tlv(0x01, b"\xff" if b else b"\0")


def bits(data, unused=0):
    return tlv(0x03, bytes([unused]) + data)


def octets(data):
    return tlv(0x04, data)


def null():
    return b"\x05\0"


def context(n, *parts):
    """A constructed context-specific tag."""
    return tlv(0xA0 | n, *parts)


STRING_TAGS = {
    "utf8": 0x0C,
    "numeric": 0x12,
    "printable": 0x13,
    "t61": 0x14,
    "ia5": 0x16,
    "visible": 0x1A,
    "universal": 0x1C,
    "bmp": 0x1E,
}


def string(kind, value):
    if isinstance(value, str):
        coding = {"bmp": "utf-16-be", "universal": "utf-32-be", "t61": "latin-1"}.get(kind, "utf-8")
        value = value.encode(coding)
    return tlv(STRING_TAGS[kind], value)


def read(data, at=0):
    """The element at an offset of well-formed DER: its tag, start and end of the contents."""
    tag, first, at = data[at], data[at + 1], at + 2
    if first < 0x80:
        return tag, at, at + first
    n = first & 0x7F
    size = int.from_bytes(data[at:at + n], "big")
    return tag, at + n, at + n + size


def children(data):
    """The elements inside the first element, each with its header."""
    _, at, end = read(data)
    out = []
    while at < end:
        _, _, stop = read(data, at)
        out.append(data[at:stop])
        at = stop
    return out
