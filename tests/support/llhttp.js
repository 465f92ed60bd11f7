// Reads messages, one JSON object a line, and holds Node's parser, llhttp, against what is expected of
// each: {"kind", "bytes" in hex, "method", "target_hex", "status", "minor", "fields", "body" in hex,
// "consumed"}. Prints a line for each difference, then "N same, N different".
'use strict';
process.removeAllListeners('warning');
process.on('warning', () => {});
const {HTTPParser} = process.binding('http_parser');
const lines = require('fs').readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean);

function parse(kind, bytes) {
  const seen = {fields: [], body: Buffer.alloc(0), complete: false};
  const parser = new HTTPParser();
  parser.initialize(kind === 'request' ? HTTPParser.REQUEST : HTTPParser.RESPONSE, {});
  // Many fields come in portions; the first one brings the target, then.
  parser[HTTPParser.kOnHeaders] = (headers, target) => {
    seen.fields.push(...headers);
    seen.portion ||= target;
  };
  parser[HTTPParser.kOnHeadersComplete] = (major, minor, headers, method, target, status, reason, upgrade) => {
    seen.fields.push(...(headers || []));
    seen.head = true;
    Object.assign(seen, {minor, target: target ?? seen.portion, status, upgrade});
    seen.method = typeof method === 'number' ? process.binding('http_parser').allMethods[method] : undefined;
    return upgrade ? 2 : 0;
  };
  parser[HTTPParser.kOnBody] = (block, start, length) => {
    const piece = start === undefined ? block : block.slice(start, start + length);
    seen.body = Buffer.concat([seen.body, Buffer.from(piece)]);
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    seen.complete = true;
    // What stands behind the message is another one, which is not asked about.
    throw new Error('enough');
  };
  try {
    const result = parser.execute(bytes);
    seen.error = result instanceof Error ? `${result.code}: ${result.reason}` : undefined;
    if (!seen.complete && seen.error === undefined) {
      const end = parser.finish();
      seen.error = end instanceof Error ? `${end.code}: ${end.reason}` : undefined;
    }
  } catch (error) {
    if (error.message !== 'enough') throw error;
  }
  return seen;
}

const bytes = (text) => Buffer.from(text, 'hex').toString('latin1');

function difference(wanted, seen) {
  if (!seen.head) return `refused: ${seen.error}`;
  if (!seen.complete && !seen.upgrade) return `no end: ${seen.error}`;
  for (const key of wanted.kind === 'request' ? ['method', 'target', 'minor'] : ['status', 'minor']) {
    if (seen[key] !== wanted[key]) return `${key}: ${JSON.stringify(seen[key])} for ${JSON.stringify(wanted[key])}`;
  }
  const fields = wanted.fields.map(bytes);
  const trailers = seen.fields.slice(fields.length);
  if (JSON.stringify(seen.fields.slice(0, fields.length)) !== JSON.stringify(fields)) {
    return `fields: ${JSON.stringify(seen.fields)} for ${JSON.stringify(fields)}`;
  }
  if (trailers.length > 0 && !wanted.chunked) return `more fields: ${JSON.stringify(trailers)}`;
  return seen.upgrade || seen.body.toString('hex') === wanted.body ? undefined : 'body';
}

let different = 0;
for (const line of lines) {
  const wanted = JSON.parse(line);
  wanted.target = bytes(wanted.target_hex);
  const why = difference(wanted, parse(wanted.kind, Buffer.from(wanted.bytes, 'hex')));
  if (why !== undefined) {
    ++different;
    console.log(`${wanted.name}: ${why} in ${JSON.stringify(Buffer.from(wanted.bytes, 'hex').toString('latin1'))}`);
  }
}
console.log(`${lines.length - different} same, ${different} different`);
