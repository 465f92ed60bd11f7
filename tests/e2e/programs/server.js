// Node's http server as an upstream: /small, /big, /post, /echo, /trailers, /hints and an upgrade.
'use strict';
const http = require('http');
const big = Buffer.alloc(256 * 8192);
for (let i = 0; i < big.length; i++) big[i] = i & 255;

const server = http.createServer((request, response) => {
  if (request.url === '/small') return response.end('small\n');
  if (request.url === '/big') return response.end(big);
  if (request.url === '/post') return request.resume().on('end', () => response.end('posted'));
  if (request.url === '/echo') return request.pipe(response);
  if (request.url === '/hints') {
    response.writeEarlyHints({ link: '</a>; rel=preload' });
    return response.end('hinted');
  }
  if (request.url === '/trailers') {
    response.writeHead(200, { Trailer: 'x-checksum' });
    response.write('body');
    response.addTrailers({ 'x-checksum': 'abc' });
    return response.end();
  }
  response.writeHead(404).end();
});
server.on('upgrade', (request, socket, head) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
  socket.write(head);
  socket.pipe(socket);
});
server.listen(Number(process.argv[2]), '127.0.0.1');
