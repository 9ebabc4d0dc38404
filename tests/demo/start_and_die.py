"""Starts the demonstration's server, waits until it serves, and is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ready = Path(sys.argv[1])
subprocess.Popen([sys.executable, "-m", "firedoor.demo.model_server", "--ready-file", str(ready), "--with-parent"])
while not ready.exists():
    time.sleep(0.01)
os.kill(os.getpid(), signal.SIGKILL)
