/**
 * A sender that retries, and says how old its first attempt is, is never counted twice: whatever is lost on the way or comes late, however
 * many keys are evicted and however often the gateway is killed. And what is refused as forgotten could indeed have been.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { plainText } from '../../src/model/exposition-format.ts';
import { RequestError } from '../../src/index.ts';
import { RestartingGateway } from '../support/restarting.ts';
import { runs } from '../support/runs.ts';

const WINDOW_MS = 400;
const KEYS_MAX = 6;
/** For so long a sender waits for an answer, and then the request is broken off. */
const ATTEMPT_MS = 80;

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constant('attempt' as const),
      batch: fc.nat(7),
      onTheWayMs: fc.oneof(fc.constant(0), fc.nat(ATTEMPT_MS), fc.constant(Number.POSITIVE_INFINITY)),
    }),
  },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('wait' as const), ms: fc.nat(120) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('flood' as const),
      job: fc.constantFrom('a', 'b'),
      keys: fc.nat(4),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('restart' as const), downMs: fc.nat(150) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('snapshot' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface OnTheWay {
  readonly batch: number;
  readonly arrivesMs: number;
  /** Undefined for the first attempt. */
  readonly ageMs: number | undefined;
}

/** Each batch is a series of its own, so that its value is how often it was counted. */
class Course {
  nowMs = 1_700_000_000_000;
  applied = 0;
  replayed = 0;
  forgotten = 0;
  readonly #firstMs = new Map<number, number>();
  #onTheWay: OnTheWay[] = [];
  #flooded = 0;
  #running!: RestartingGateway;
  readonly #options = {
    idempotencyWindowMs: WINDOW_MS,
    idempotencyKeysMax: KEYS_MAX,
    clock: { now: () => this.nowMs },
  };

  async run(steps: readonly Step[]): Promise<void> {
    this.#running = await RestartingGateway.start(this.#options);
    this.nowMs += 60_000;
    for (const each of steps) await this.#take(each);
    void this.#running.gateway.close();
  }

  async #take(each: Step): Promise<void> {
    switch (each.what) {
      case 'attempt': {
        const { batch } = each;
        const firstMs = this.#firstMs.get(batch);
        if (firstMs === undefined) this.#firstMs.set(batch, this.nowMs);
        // Nobody retries while the first attempt may still come.
        else this.#onTheWay = this.#onTheWay.filter((its) => its.batch !== batch || its.ageMs !== undefined);
        const ageMs = firstMs === undefined ? undefined : this.nowMs - firstMs + ATTEMPT_MS;
        this.#onTheWay.push({ batch, arrivesMs: this.nowMs + each.onTheWayMs, ageMs });
        await this.#wait(0);
        break;
      }
      case 'wait':
        await this.#wait(each.ms);
        break;
      case 'flood':
        for (let left = each.keys; left > 0; left -= 1) {
          this.#flooded += 1;
          await this.#running.gateway.push('flood_total 1\n', {
            path: `job/${each.job}`,
            idempotencyKey: `flood ${this.#flooded}`,
          });
          await this.#wait(1);
        }
        break;
      case 'restart':
        // Nobody listens.
        this.nowMs += each.downMs;
        this.#onTheWay = this.#onTheWay.filter(({ arrivesMs }) => arrivesMs >= this.nowMs);
        await this.#running.restart(this.#options);
        break;
      case 'snapshot':
        await this.#running.takeSnapshot();
        break;
    }
  }

  async #wait(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    const due = this.#onTheWay.filter(({ arrivesMs }) => arrivesMs <= untilMs);
    this.#onTheWay = this.#onTheWay.filter(({ arrivesMs }) => arrivesMs > untilMs);
    for (const request of due.toSorted((a, b) => a.arrivesMs - b.arrivesMs)) {
      this.nowMs = Math.max(this.nowMs, request.arrivesMs);
      await this.#arrive(request);
    }
    this.nowMs = untilMs;
  }

  async #arrive({ batch, ageMs }: OnTheWay): Promise<void> {
    const before = await this.#count(batch);
    const outcome = await this.#running.gateway
      .push(`# TYPE batch_total counter\nbatch_total{n="${batch}"} 1\n`, {
        path: 'job/a',
        idempotencyKey: `batch ${batch}`,
        ...(ageMs === undefined ? {} : { firstAttemptAgeMs: ageMs }),
      })
      .catch((error: unknown) => error);
    const after = await this.#count(batch);
    if (outcome === 'applied') {
      this.applied += 1;
      expect([before, after]).toEqual([0, 1]);
    } else if (outcome === 'replayed') {
      this.replayed += 1;
      expect([before, after]).toEqual([1, 1]);
    } else {
      expect(outcome).toBeInstanceOf(RequestError);
      expect((outcome as RequestError).code).toBe('idempotency_key_forgotten');
      expect(after).toBe(before);
      this.forgotten += 1;
    }
  }

  async #count(batch: number): Promise<number> {
    const page = await this.#running.page(plainText);
    return Number(new RegExp(`^batch_total\\{n="${batch}"\\} (.*)$`, 'm').exec(page)?.[1] ?? 0);
  }
}

test('a batch is counted once at the most, however often and late it is sent', async () => {
  let [applied, replayed, forgotten] = [0, 0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), async (steps) => {
      const course = new Course();
      await course.run(steps);
      applied += course.applied;
      replayed += course.replayed;
      forgotten += course.forgotten;
    }),
    { numRuns: runs(300, 20) },
  );
  // Otherwise it says nothing.
  expect(Math.min(applied, replayed, forgotten)).toBeGreaterThan(3);
});
