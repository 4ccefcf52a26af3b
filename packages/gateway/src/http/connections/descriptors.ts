/**
 * Says when no file descriptors are left. The system library then takes each new connection and closes it at once, and tells
 * nobody; so it is found out by opening a file.
 */
import { close, open } from 'node:fs';
import { devNull } from 'node:os';

import type { Log } from '../../primitives/log.ts';
import { RefusalLog } from '../replies/refusal-log.ts';

const CHECK_INTERVAL_MS = 5_000;

/** Codes of errors for no descriptors in the process, or none in the machine. */
export function meansNoDescriptors(code: string | undefined): boolean {
  return code === 'EMFILE' || code === 'ENFILE';
}

export class DescriptorWatch {
  readonly #warnings: RefusalLog;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(log: Log) {
    this.#warnings = new RefusalLog(log);
    this.#timer = setInterval(() => this.check(), CHECK_INTERVAL_MS).unref();
  }

  check(): void {
    open(devNull, 'r', (error, descriptor) => {
      if (error === null) close(descriptor);
      else if (meansNoDescriptors(error.code)) this.exhausted(error.code);
    });
  }

  exhausted(code: string | undefined): void {
    this.#warnings.refused(
      'out of file descriptors, new connections are closed; raise the limit on open files (ulimit -n) or lower --web.max-connections',
      { error: code },
    );
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
