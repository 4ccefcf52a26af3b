/**
 * Who else is a member, as far as each says so beside the log: which level it reads, and so which one may be written. Nothing that was acknowledged
 * depends on it: a member that does not read what is written stops, and says so.
 */
import type { Log } from '../primitives/log.ts';
import { LOWEST_LEVEL, levelOfRecord, LOG_LEVEL } from './log/level.ts';
import type { Levels } from './log/level.ts';
import type { SharedLog } from './log/shared-log.ts';
import type { Timing } from './timing.ts';

/** Before the name of a member: others may say other things beside the log. */
const PREFIX = 'member ';
const TELL_MS = 10_000;
/** Of a member that is counted. */
const HEARD_MS = 3 * TELL_MS;
/** Of one whose level is waited for: as long as a restart takes, with an update in it. */
const WAITED_FOR_MS = 10 * 60_000;
/** All that start with this one have said which level they read by then. */
const SETTLED_MS = 60_000;

interface RollOptions {
  readonly log: SharedLog;
  readonly timing: Timing;
  readonly messages: Log;
  readonly name: string;
  /** Which this version reads. */
  readonly level?: number | undefined;
}

export class Roll implements Levels {
  readonly read: number;
  readonly ofRecord: Levels['ofRecord'] = levelOfRecord;
  agreed: number | undefined;
  /** Heard lately, this one among them. */
  members = 1;
  readonly #options: RollOptions;
  readonly #startMs: number;

  constructor(options: RollOptions) {
    this.#options = options;
    this.read = options.level ?? LOG_LEVEL;
    this.#startMs = options.timing.nowMs();
  }

  /** Until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { timing } = this.#options;
    while (!signal.aborted) {
      // The next time, then.
      await this.#tell().catch(() => undefined);
      await timing.sleep(TELL_MS, signal).catch(() => undefined);
    }
  }

  async #tell(): Promise<void> {
    const { log, timing, messages } = this.#options;
    const own = PREFIX + this.#options.name;
    await log.members.put(own, JSON.stringify({ level: this.read }));
    const others = (await log.members.list()).filter(({ name }) => name.startsWith(PREFIX) && name !== own);
    this.members = 1 + others.filter(({ ageMs }) => ageMs < HEARD_MS).length;
    if (timing.nowMs() - this.#startMs < SETTLED_MS) return;
    const levels = others.filter(({ ageMs }) => ageMs < WAITED_FOR_MS).map(({ said }) => levelIn(said));
    const before = this.agreed ?? LOWEST_LEVEL;
    this.agreed = Math.min(this.read, ...levels);
    if (this.agreed > before)
      messages.info('all members read a newer level of the log, which is written from now on', {
        level: this.agreed,
      });
  }
}

/** The lowest where that is not said. */
function levelIn(said: string): number {
  try {
    const { level } = JSON.parse(said) as { readonly level?: unknown };
    return typeof level === 'number' ? level : LOWEST_LEVEL;
  } catch {
    return LOWEST_LEVEL;
  }
}
