"""Programs that say on their first line where they listen."""
import os
import select
import time

import limits


def first_line(process):
    """Of its standard output, within 20 seconds; what there was, if it ends before."""
    out, end = b"", time.monotonic() + limits.seconds(20)
    pipe = process.stdout.fileno()
    while not out.endswith(b"\n"):
        ready, _, _ = select.select([pipe], [], [], max(0, end - time.monotonic()))
        piece = os.read(pipe, 4096) if ready else b""
        if not piece:
            break
        out += piece
    return out.decode()
