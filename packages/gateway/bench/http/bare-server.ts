/** The reference: the least that a Node server can do with a push. It reads the body, keeps nothing, and answers 202. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const server = createServer((request, response) => {
  let bytes = 0;
  request.on('data', (chunk: Buffer) => (bytes += chunk.length));
  request.on('end', () => {
    const complete = bytes === Number(request.headers['content-length'] ?? bytes);
    response.writeHead(complete ? 202 : 400, ['Content-Length', '0']);
    response.end();
  });
});

server.keepAliveTimeout = 75_000;
server.listen(0, '127.0.0.1', () => {
  process.stderr.write(`listening address=127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});

// With an exit of its own it leaves a profile, when it is asked for one.
process.once('SIGTERM', () => process.exit(0));
