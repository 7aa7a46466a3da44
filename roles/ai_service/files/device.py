"""Call the GPU as a service would: initialise CUDA and count what is visible. Ends with 0 if that is one or more.

Standard library only, Python 3.6 syntax.
"""

import ctypes
import sys


def main():
    """Returns what went wrong, None if nothing did."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        return "no driver to call: %s" % error
    status, number = cuda.cuInit(0), ctypes.c_int()
    if status:
        return "cuInit ended with error %d: no GPU can be used from here" % status
    status = cuda.cuDeviceGetCount(ctypes.byref(number))
    if status or not number.value:
        return "no GPU is visible from here (error %d)" % status
    return None


if __name__ == "__main__":
    sys.exit(main())
