"""Things in the order in which they came, to be listed page by page. No call walks over more than its page."""
import base64
import struct

import errors


class Ledger:
    def __init__(self):
        self.items = {}         # key -> item
        self._order = []        # keys as they came; None where one was taken out
        self._places = {}       # key -> place in _order

    def __contains__(self, key):
        return key in self.items

    def __len__(self):
        return len(self.items)

    def __iter__(self):
        return iter(self.items.values())

    def get(self, key):
        return self.items.get(key)

    def add(self, key, item):
        if key not in self.items:
            self._places[key] = len(self._order)
            self._order.append(key)
        self.items[key] = item

    def remove(self, key):
        if self.items.pop(key, None) is not None:
            self._order[self._places.pop(key)] = None

    def page(self, size=None, marker=None, ascending=False, wanted=None):
        """(items, next marker or None). The marker is a place, so new items disturb nobody who turns pages."""
        size = size or 25
        place = _place(marker) if marker else (0 if ascending else len(self._order) - 1)
        found = []
        while 0 <= place < len(self._order):
            key = self._order[place]
            if key is not None and (wanted is None or wanted(self.items[key])):
                if len(found) == size:
                    return found, _marker(place)
                found.append(self.items[key])
            place += 1 if ascending else -1
        return found, None


PREFIX = b"\xfb\xff\xbf"    # so that markers hold + / and = like real ones


def _marker(place):
    return base64.b64encode(PREFIX + struct.pack(">I", place)).decode()


def _place(marker):
    try:
        raw = base64.b64decode(marker, validate=True)
        if len(raw) != 7 or raw[:3] != PREFIX:
            raise ValueError(marker)
        return struct.unpack(">I", raw[3:])[0]
    except ValueError:
        raise errors.invalid("Invalid marker or token") from None
