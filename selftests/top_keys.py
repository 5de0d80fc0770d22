# SPDX-License-Identifier: GPL-2.0
"""vmlab top on a terminal: python3 top_keys.py CHECK MANY STORED, which are ids of two regions."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

# Nothing takes so long, whatever the kernel: only what has failed does.
PATIENCE = 100


class Top:
    """The command on a terminal of its own."""

    def __init__(self, term="xterm", delay="0.5"):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.environ["TERM"] = term
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            os.execv(os.environ["vmlab"], ["vmlab", "top", "--delay", delay])
        self.written = ""
        self.wide = False
        self.resize(24, 100)

    def resize(self, lines, columns):
        """All is drawn anew after that."""
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def redraw(self):
        self.wide = not self.wide
        self.resize(24, 120 if self.wide else 100)

    def read(self):
        """What was written in the meantime is added. False at the end of it."""
        if select.select([self.fd], [], [], 0.2)[0]:
            try:
                text = os.read(self.fd, 65536).decode(errors="replace")
            except OSError:     # the other side is closed
                text = ""
            self.written += text
            return bool(text)
        return True

    def screen(self):
        """The last screen that was drawn from the beginning, its words in order."""
        last = re.split(r"\x1b\[H\x1b\[2J|\x1b\[2J|\x1b\[H\x1b\[J", self.written)[-1]
        return re.sub(r"\s+", " ", re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|\([A-Z0-9])", " ", last))

    def shows(self, holds):
        """Waits for a screen for which holds(screen) is true."""
        begin = redrawn = time.monotonic()
        while time.monotonic() < begin + PATIENCE:
            self.read()
            if holds(self.screen()):
                return True
            if time.monotonic() > redrawn + 1:
                self.redraw()
                redrawn = time.monotonic()
        print(self.screen())
        return False

    def press(self, key):
        os.write(self.fd, key.encode())

    def ends(self):
        """Reads on until it has ended; returns its status."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            self.read()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        print("it does not end")
        return None


def by(column, *regions):
    """A screen that is sorted by that column, and has these regions in this order."""

    def holds(screen):
        head, _, rows = screen.partition(" REGION ")
        found = [re.search(rf" {region} \d+ \d+ \d+ [0-9.]+ [KM]?i?B ", rows) for region in regions]
        if f" by {column} " not in head or None in found:
            return False
        places = [match.start() for match in found]
        return places == sorted(places)

    return holds


def check_sort(many, stored):
    top = Top()
    if not top.shows(by("faults")):
        return False
    top.press("s")
    if not top.shows(by("stored", stored, many)):
        return False
    top.press("r")
    if not top.shows(by("resident", many, stored)):
        return False
    top.press("w")
    if not top.shows(by("working-set")):
        return False
    top.press("q")
    return top.ends() == 0


def check_end(many, stored):
    holder = subprocess.Popen(["./hold", "two-pages"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    holder.stdout.readline()
    with open(f"/proc/{holder.pid}/maps", encoding="ascii") as maps:
        region = re.search(r"vmlab:(\d+)", maps.read()).group(1)
    top = Top()
    there = top.shows(by("faults", region))
    holder.kill()
    holder.wait()
    gone = there and top.shows(lambda screen: by("faults", many)(screen) and
                               not by("faults", region)(screen))
    top.press("q")
    return top.ends() == 0 and gone and bool(stored)


def check_resize(many, _stored):
    top = Top()
    if not top.shows(by("faults", many)):
        return False
    for lines, columns in (1, 1), (2, 300), (100, 3), (300, 300), (5, 20):
        top.resize(lines, columns)
        for _ in range(3):
            if not top.read():
                return False
    if not top.shows(by("faults", many)):
        return False
    top.press("q")
    return top.ends() == 0


def check_unknown(_many, _stored):
    top = Top(term="no-such-terminal")
    return top.ends() == 1 and "set TERM" in top.written


def check_hangup(many, _stored):
    top = Top()
    shown = top.shows(by("faults", many))   # the signal for that it does not get, see above
    os.close(top.fd)
    for _ in range(10 * PATIENCE):
        if os.waitpid(top.pid, os.WNOHANG)[0]:
            return shown
        time.sleep(0.1)
    os.kill(top.pid, signal.SIGKILL)
    print("it does not end")
    return False


if __name__ == "__main__":
    sys.exit(not globals()["check_" + sys.argv[1]](*sys.argv[2:]))
