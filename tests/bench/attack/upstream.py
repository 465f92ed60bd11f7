"""The upstream of the attacks, in a process of its own: the first segment of the path says how it misbehaves.

/sink reads for ever and never answers, /stall does not even read, /big sends a large body, /hints sends 103 for ever,
/drip sends a body byte by byte, /tunnel accepts an upgrade and then neither reads nor writes; anything else is 200.
Prints its port.
"""

import asyncio

BIG = b"x" * (1 << 20)


async def pour(writer, head, piece, count, pause=0.0):
    writer.write(head)
    for _ in range(count):
        writer.write(piece)
        await writer.drain()
        if pause:
            await asyncio.sleep(pause)


async def misbehave(path, reader, writer):
    if path == b"sink":
        while await reader.read(1 << 18):
            pass
    elif path == b"stall":
        await asyncio.sleep(3600)
    elif path == b"big":
        await pour(writer, b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(BIG) * 64), BIG, 64)
    elif path == b"hints":
        await pour(writer, b"", b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" * 100, 1 << 30)
    elif path == b"drip":
        await pour(writer, b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", b"x", 1 << 30, 0.1)
    elif path == b"tunnel":
        writer.write(b"HTTP/1.1 101 Tunnel\r\nconnection: upgrade\r\nupgrade: soak\r\n\r\n")
        await asyncio.sleep(3600)
    else:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await misbehave(head.split(b" ", 2)[1].split(b"/")[1], reader, writer)
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.transport.abort()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
