/** Answers that are looked for in steps and may be large: a few at a time, each written no faster than its client takes it. */
import { RequestError } from '../../model/errors.ts';
import type { Exchange } from '../connections/exchange.ts';
import type { CorsPolicy } from '../replies/cors.ts';
import { beginJson } from './json.ts';
import { Waiting } from './slow-reply.ts';

/** Requests of which the answer is looked for or not taken yet: each may have some megabytes. */
const ANSWERS_MAX = 4;
/** Those that wait until they may begin. */
const WAITING_MAX = 32;

/** JSON in parts, and what is left out of it. */
interface Answered {
  readonly data: readonly Uint8Array[];
  readonly warnings: readonly string[];
}

export class LongAnswers {
  readonly #places = new Places();

  /** `find` is called when it has its place. */
  async answer(
    exchange: Exchange,
    cors: CorsPolicy,
    find: (client: Waiting) => Promise<Answered>,
  ): Promise<void> {
    const waiting = new Waiting(exchange.request, exchange.response);
    try {
      await this.#places.enter();
      try {
        const found = await find(waiting);
        beginJson(exchange, cors);
        await waiting.write(slicesOf(found));
      } finally {
        this.#places.leave();
      }
    } catch (error) {
      if (!waiting.isGone) throw error;
    } finally {
      waiting.end();
    }
  }
}

function* slicesOf({ data, warnings }: Answered): Generator<string | Uint8Array, void> {
  yield '{"status":"success","data":';
  yield* data;
  yield warnings.length === 0 ? '}\n' : `,"warnings":${JSON.stringify(warnings)}}\n`;
}

/** Few at a time, the others in the order in which they came. */
class Places {
  #open = 0;
  readonly #waiting: (() => void)[] = [];

  /** Rejects with RequestError `overloaded` where too many wait. */
  async enter(): Promise<void> {
    if (this.#open < ANSWERS_MAX) {
      this.#open += 1;
      return;
    }
    if (this.#waiting.length >= WAITING_MAX)
      throw new RequestError('overloaded', 'too many requests of this kind are in progress; retry later');
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The place goes to who waited longest, if there is one. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#open -= 1;
    else next();
  }
}
