/** The other end of a scrape: what it has taken, whether it has gone, and how it is cut off. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

import type { CutReason, ExpositionReader } from '../../gateway/api.ts';
import type { ReplyCompression } from '../replies/accept-encoding.ts';

/** Written ahead of the reader. A stream asks for a pause much earlier, and each pause costs as much as copying a slice. */
export const AHEAD_BYTES_MAX: number = 512 * 1024;

/** What a compressor takes, about; by measurement 266 KiB for gzip and 700 KiB for br. */
const COMPRESSOR_BYTES: Readonly<Record<ReplyCompression, number>> = {
  gzip: 288 * 1024,
  br: 1024 * 1024,
  zstd: 2048 * 1024,
};

/** A prefix of an IPv6 address that one customer has at least. */
const IPV6_NETWORK_GROUPS = 4;

export class ScrapeReader implements ExpositionReader {
  readonly bufferBytes: number;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #gone = new AbortController();
  readonly #onCut: (reason: CutReason) => void;

  /** `onCut` is called before a page is cut off. */
  constructor(
    { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
    how: {
      readonly compression: ReplyCompression | undefined;
      readonly onCut: (reason: CutReason) => void;
    },
  ) {
    this.#request = request;
    this.#response = response;
    this.#onCut = how.onCut;
    this.bufferBytes =
      AHEAD_BYTES_MAX + (how.compression === undefined ? 0 : COMPRESSOR_BYTES[how.compression]);
    response.once('close', this.#leave);
    // A response that waits for another one on its connection is not told when that is closed.
    request.socket.once('close', this.#leave);
    if (request.socket.destroyed) this.#leave();
  }

  /** Aborted when the reader has gone before it had everything. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  get takenBytes(): number {
    return takenBytes(this.#request.socket);
  }

  get isBehind(): boolean {
    return this.#response.writableLength > 0;
  }

  cut(reason: CutReason): void {
    // Otherwise it is answered with an error.
    if (!this.#response.headersSent) return;
    this.#onCut(reason);
    this.reset();
  }

  /**
   * Breaks the connection, so that what was written does not pass for a whole page, not even with HTTP/1.0, where the end of the
   * connection is the end of the page.
   */
  reset(): void {
    const { socket } = this.#request;
    if (socket.destroyed) return;
    try {
      socket.resetAndDestroy();
    } catch {
      // Only TCP knows a reset. In TLS the end of a page that is cut short is told from a good one all the same.
      socket.destroy();
    }
    this.#response.destroy();
  }

  close(): void {
    this.#request.socket.off('close', this.#leave);
  }

  readonly #leave = (): void => {
    if (!this.#response.writableFinished) this.#gone.abort();
  };
}

/**
 * Bytes that the system has taken from a socket, or its kernel at least. The public counts stand still until all of a write is through,
 * which a slow reader may not see in a minute.
 */
function takenBytes(socket: Socket): number {
  const { _handle: handle } = socket as unknown as {
    readonly _handle?: { readonly bytesWritten?: number; readonly writeQueueSize?: number } | null;
  };
  if (handle?.bytesWritten !== undefined && handle.writeQueueSize !== undefined) {
    return handle.bytesWritten - handle.writeQueueSize;
  }
  return socket.bytesWritten - socket.writableLength;
}

/** What an address has in common with others that are probably of the same hand: all of IPv4, the first 64 bits of IPv6. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = address.slice(address.lastIndexOf(':') + 1);
  if (mapped.includes('.')) return mapped;
  const [head = '', tail] = address.split('%', 1)[0]!.split('::', 2);
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':');
    while (groups.length + after.length < 8) groups.push('0');
    groups.push(...after);
  }
  return `${groups.slice(0, IPV6_NETWORK_GROUPS).join(':')}::/64`;
}
