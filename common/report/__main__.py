import os
import sys

from common.report import main

try:
    main()
    sys.stdout.flush()
except BrokenPipeError:  # who reads it, such as head, has enough; nor is the rest to be written at exit
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
