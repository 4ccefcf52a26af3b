/** A server before a gateway that notes what clients send, and passes it on. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export interface Recorder {
  /** Without a slash at the end. */
  readonly url: string;
  readonly requests: readonly RecordedRequest[];
}

const passedOn = ['content-type', 'content-encoding'];

/** Until the test ends. */
export async function startRecorder(gateway: string): Promise<Recorder> {
  const requests: RecordedRequest[] = [];
  const server = createServer((request, response) => {
    const { method = '', url: path = '', headers } = request;
    requests.push({ method, path, headers });
    void (async () => {
      const body = await buffer(request);
      const named = passedOn.filter((name) => headers[name] !== undefined);
      const reply = await fetch(gateway + path, {
        method,
        headers: named.map((name): [string, string] => [name, String(headers[name])]),
        ...(body.length > 0 && { body }),
      });
      response.writeHead(reply.status).end(await reply.text());
    })().catch((error: unknown) => response.writeHead(502).end(String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => server.close().closeAllConnections());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}
