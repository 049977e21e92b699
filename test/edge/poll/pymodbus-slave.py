"""A Modbus slave made of Debian's python3-pymodbus, which shares no code with Plenum.

Reads one line of JSON from standard input:
  {"tcp": port} or {"serial": path}, and
  "units": {"1": {"ir": {"0": ["f", 230.2]}, "hr": …, "di": {"1010": ["bit", 1]}, "co": …}}
Each value is packed by Python's struct (format letter as there, big-endian) and put at its address.
Registers that are not named do not exist. Prints "ready" when it begins to serve.
"""

import asyncio
import json
import struct
import sys

from pymodbus.datastore import (
    ModbusServerContext,
    ModbusSlaveContext,
    ModbusSparseDataBlock,
)
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer

try:
    from pymodbus import FramerType

    RTU = FramerType.RTU
except ImportError:
    from pymodbus.transaction import ModbusRtuFramer

    RTU = ModbusRtuFramer


def table(content):
    cells = {}
    for address, (form, value) in content.items():
        # The package adds one to every address that it is asked for.
        at = int(address) + 1
        if form == "bit":
            cells[at] = bool(value)
            continue
        packed = struct.pack(">" + form, value)
        for i in range(0, len(packed), 2):
            cells[at + i // 2] = int.from_bytes(packed[i : i + 2], "big")
    # An empty block is refused, so one lies where nobody asks.
    return ModbusSparseDataBlock(cells or {65535: 0})


def slave(tables):
    return ModbusSlaveContext(**{name: table(tables.get(name, {})) for name in ("di", "co", "ir", "hr")})


async def main():
    setup = json.loads(sys.stdin.readline())
    units = {int(unit): slave(tables) for unit, tables in setup["units"].items()}
    context = ModbusServerContext(slaves=units, single=False)
    print("ready", flush=True)
    if "tcp" in setup:
        await StartAsyncTcpServer(context=context, address=("127.0.0.1", setup["tcp"]))
    else:
        await StartAsyncSerialServer(
            context=context, framer=RTU, port=setup["serial"], baudrate=9600, parity="N", stopbits=1, bytesize=8
        )


asyncio.run(main())
