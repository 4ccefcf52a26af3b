/** Requests to this gateway, with the token of who looks. */
import { EventParser } from './events.ts';
import type { ServerEvent } from './events.ts';
import { authorization } from './session.ts';

/** Where the gateway is, without a slash at its end; the page's own files lie at `/-/page/` behind it. */
export const base: string = import.meta.url.replace(/\/-\/page\/[^/]*$/, '');

/** A stream of events has something in it every 15 seconds. */
const SILENCE_MS = 45_000;

export class ApiError extends Error {
  readonly status: number;
  /** The gateway's own code or `errorType`, where it said one. */
  readonly code: string | undefined;

  constructor(message: string, status: number, code?: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

type Parameters = Readonly<Record<string, string | number | undefined | readonly string[]>>;

export function withQuery(path: string, parameters: Parameters = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (Array.isArray(value)) for (const each of value) search.append(name, each);
    else if (value !== undefined && value !== '') search.append(name, String(value));
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

interface Sent {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Rejects with ApiError for what is refused, and where nobody answers. */
export async function send(path: string, sent: Sent = {}): Promise<Response> {
  const { method = 'GET', body, headers = {}, accept = 'application/json', signal } = sent;
  let response: Response;
  try {
    response = await fetch(base + path, {
      method,
      // Without the dialog of the browser, where the answer is that a password is needed.
      headers: { Accept: accept, 'X-Requested-With': 'fetch', ...authorization(), ...headers },
      cache: 'no-store',
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError('The gateway does not answer. Is it running, and reachable from here?', 0);
  }
  if (response.ok) return response;
  throw await errorOf(response);
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  try {
    // In Prometheus' format, or as problem details.
    const said = JSON.parse(text) as {
      readonly error?: string;
      readonly detail?: string;
      readonly code?: string;
      readonly errorType?: string;
      readonly line?: number;
      readonly column?: number;
    };
    const at = said.line === undefined ? '' : `line ${said.line}, column ${said.column ?? 1}: `;
    return new ApiError(
      at + (said.error ?? said.detail ?? text),
      response.status,
      said.code ?? said.errorType,
    );
  } catch {
    return new ApiError(text.trim() || `HTTP ${response.status}`, response.status);
  }
}

/** `data` of an answer in Prometheus' format. */
export async function data<T>(path: string, sent?: Sent): Promise<T> {
  const response = await send(path, sent);
  const answer = (await response.json()) as { readonly data: T };
  return answer.data;
}

/** Calls back with each event until the signal, or the end of the reply. Not by EventSource, which sends no header. */
export async function events(
  path: string,
  { signal, onEvent }: { readonly signal: AbortSignal; readonly onEvent: (event: ServerEvent) => void },
): Promise<void> {
  const silent = new AbortController();
  const response = await send(path, {
    accept: 'text/event-stream',
    signal: AbortSignal.any([signal, silent.signal]),
  });
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const reader = response.body!.getReader();
  for (;;) {
    // The other side may be gone without a word.
    const timer = setTimeout(() => silent.abort(), SILENCE_MS);
    const { done, value } = await reader.read().finally(() => clearTimeout(timer));
    if (done) return;
    for (const event of parser.push(decoder.decode(value, { stream: true }))) onEvent(event);
  }
}
