// Node's http client against the address given: prints "ok" when everything was as it should be.
'use strict';
const assert = require('assert');
const http = require('http');
const [host, port] = process.argv[2].split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function ask(options, body) {
  return new Promise((resolve, reject) => {
    const hints = [];
    const request = http.request({ host, port, agent, ...options }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, hints,
        trailers: response.trailers, body: Buffer.concat(parts), reused: request.reusedSocket }));
    });
    request.on('information', (info) => hints.push(info.statusCode));
    request.on('error', reject);
    if (options.wait) return request.on('continue', () => request.end(body)).flushHeaders();
    for (const part of [].concat(body || [])) request.write(part);
    request.end();
  });
}

function upgrade() {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, path: '/', headers: { connection: 'upgrade', upgrade: 'echo' } });
    request.on('error', reject);
    request.on('upgrade', (response, socket, head) => {
      let seen = head.toString();
      socket.on('data', (data) => {
        seen += data;
        if (seen === 'through the tunnel') { socket.destroy(); resolve(seen); }
      });
      socket.write('through the tunnel');
    });
    request.end();
  });
}

(async () => {
  const first = await ask({ path: '/small' });
  assert.deepStrictEqual([first.status, first.body.toString()], [200, 'small\n']);
  assert.ok((await ask({ path: '/small' })).reused, 'the connection was not kept');
  assert.strictEqual((await ask({ path: '/small', method: 'HEAD' })).body.length, 0);
  assert.strictEqual((await ask({ path: '/big' })).body.length, 256 * 8192);
  assert.strictEqual((await ask({ path: '/echo', method: 'POST' }, ['a', 'b', 'c'])).body.toString(), 'abc');
  assert.strictEqual((await ask({ path: '/echo', method: 'PUT', headers: { 'content-length': 3 } }, 'xyz')).body.toString(), 'xyz');
  const waited = await ask({ path: '/echo', method: 'POST', wait: true, headers: { expect: '100-continue' } }, 'late');
  assert.strictEqual(waited.body.toString(), 'late');
  assert.deepStrictEqual((await ask({ path: '/hints' })).hints, [103]);
  assert.strictEqual((await ask({ path: '/trailers' })).trailers['x-checksum'], 'abc');
  assert.strictEqual((await ask({ path: '/nothing' })).status, 404);
  assert.strictEqual(await upgrade(), 'through the tunnel');
  agent.destroy();
  console.log('ok');
})().catch((error) => { console.error(error); process.exit(1); });
