/** Answers of `/api/v1` as the page asks for them, with whatever a test puts into them; all else goes to the real gateway behind it. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** By path; a function is asked with the URL. What it returns is `data`; an Error is a refusal. */
export type Answers = Readonly<Record<string, unknown>>;

export interface FakeGateway {
  readonly url: string;
  answers: Answers;
  /** Sends an event to all who watch. */
  readonly send: (type: string, data: unknown) => void;
  readonly requests: readonly string[];
  readonly close: () => Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export async function startFakeGateway(real: Handler, initial: Answers): Promise<FakeGateway> {
  const watchers = new Set<ServerResponse>();
  const requests: string[] = [];
  const fake: { answers: Answers } = { answers: initial };
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://gateway');
    requests.push(`${request.method} ${request.url}`);
    if (url.pathname === '/api/v1/watch') {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write('event: hello\ndata: {}\n\n');
      watchers.add(response);
      response.on('close', () => watchers.delete(response));
      for (const event of (fake.answers['/past'] as readonly unknown[] | undefined) ?? [])
        response.write(eventOf('push', event));
      return;
    }
    const key = Object.keys(fake.answers).find(
      (path) =>
        (path === url.pathname &&
          !(path === '/' && request.headers.accept?.includes('text/html') === true)) ||
        (path.endsWith('*') && url.pathname.startsWith(path.slice(0, -1))),
    );
    if (key === undefined) {
      real(request, response);
      return;
    }
    request.resume();
    const answer = fake.answers[key];
    const data = typeof answer === 'function' ? (answer as (asked: URL) => unknown)(url) : answer;
    const isError = data instanceof Error;
    response.writeHead(isError ? 404 : 200, { 'Content-Type': 'application/json' });
    response.end(
      JSON.stringify(
        isError
          ? { status: 'error', errorType: 'bad_data', error: data.message }
          : key === '/' || key.startsWith('/api/v1/admin/')
            ? data
            : { status: 'success', data },
      ),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(fake, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    send(type: string, data: unknown) {
      for (const watcher of watchers) watcher.write(eventOf(type, data));
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

function eventOf(type: string, data: unknown): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
