/** Compares passwords with bcrypt hashes in a thread of its own: one comparison takes 50 ms and more. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';

import { bundledFile } from '../primitives/bundled.ts';

/** The library refuses what other versions of bcrypt call themselves, though all compute the same of it. */
const VERSION = /^\$2[a-z]?\$/;

/** As text, since a thread begins with a file, and that of the library is the only one that it needs. */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
import(workerData).then(({ default: { compareSync } }) => {
  const isRight = ({ password, hash }) => {
    try {
      return compareSync(password, hash);
    } catch {
      return false;
    }
  };
  parentPort.on('message', (comparison) => parentPort.postMessage(isRight(comparison)));
});
`;

interface Comparison {
  readonly password: string;
  readonly hash: string;
  readonly resolve: (isRight: boolean) => void;
  readonly reject: (error: Error) => void;
}

/** One after the other, as the toolkit does it: however many ask, it takes one core at most. */
export class Bcrypt {
  readonly #waiting: Comparison[] = [];
  #worker: Worker | undefined;

  /** Those not yet decided. */
  get waiting(): number {
    return this.#waiting.length;
  }

  isRight(password: string, hash: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ password, hash, resolve, reject });
      if (this.#waiting.length === 1) this.#begin();
    });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #begin(): void {
    const next = this.#waiting[0];
    if (next === undefined) {
      this.#worker?.unref();
      return;
    }
    this.#worker ??= this.#start();
    this.#worker.ref();
    this.#worker.postMessage({ password: next.password, hash: next.hash.replace(VERSION, '$2b$$') });
  }

  #start(): Worker {
    const worker = new Worker(PROGRAM, { eval: true, workerData: libraryUrl() });
    worker.on('message', (isRight: boolean) => {
      this.#waiting.shift()?.resolve(isRight);
      this.#begin();
    });
    worker.on('error', (error) => this.#ended(worker, error));
    worker.on('exit', () => this.#ended(worker, new Error('the thread that compares passwords has ended')));
    return worker;
  }

  /** One that fails ends a while after; by then there may be another one. */
  #ended(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

function libraryUrl(): string {
  const text = bundledFile('bcryptjs');
  if (text === undefined) return pathToFileURL(createRequire(import.meta.url).resolve('bcryptjs')).href;
  return `data:text/javascript;base64,${Buffer.from(text).toString('base64')}`;
}
