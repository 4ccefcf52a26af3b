/** The configuration file on disk: read at the start, and again whenever that is asked for. */
import { createHash } from 'node:crypto';

import type { GatewayInUse } from './gateway/gateway.ts';
import { describeRenames, fieldsOf } from './gateway/renames.ts';
import type { ConfigReport } from './gateway/telemetry/telemetry.ts';
import { RequestError } from './model/errors.ts';
import type { Clock } from './primitives/clock.ts';
import type { Log } from './primitives/log.ts';
import { readText, whyUnreadable } from './primitives/read-text.ts';
import { inTurns } from './primitives/turns.ts';
import { FILE_BYTES_MAX } from './rules/file/document.ts';
import { describeProblem, showProblem } from './rules/file/problems.ts';
import { countEntries, readRulesInSteps } from './rules/file/read-rules.ts';
import type { Circumstances } from './rules/file/read-rules.ts';
import type { Rules } from './rules/rules.ts';

/** A message about the file: in one line, as logs have it, and with the line of the file below it, for people. */
interface Message {
  readonly severity: 'error' | 'warning';
  readonly line: string;
  readonly shown: string;
}

interface RulesFileRead {
  /** Undefined where there are errors. */
  readonly rules: Rules | undefined;
  /** In the order of the file. */
  readonly messages: readonly Message[];
  /** The same for the same text; empty where it could not be read. */
  readonly digest: string;
}

const DIGEST_CHARS = 16;

/** Does not reject: a file that cannot be read is an error as others are. */
export async function readRulesFile(
  path: string,
  circumstances: Partial<Circumstances> = {},
  how: { readonly once?: boolean } = {},
): Promise<RulesFileRead> {
  let text: string;
  try {
    text = await readText(path, FILE_BYTES_MAX + 1, how);
  } catch (error) {
    const line = `${path}: ${whyUnreadable(error as NodeJS.ErrnoException)}`;
    return { rules: undefined, messages: [{ severity: 'error', line, shown: line }], digest: '' };
  }
  const { rules, problems } = await inTurns(readRulesInSteps(text, circumstances));
  const messages = problems.map((problem) => ({
    severity: problem.severity,
    line: describeProblem(path, problem),
    shown: showProblem(path, problem),
  }));
  return { rules, messages, digest: createHash('sha256').update(text).digest('hex').slice(0, DIGEST_CHARS) };
}

/** `ok, 3 rules`. */
export function countedRules(rules: Rules): string {
  const count = countEntries(rules);
  return `${count} rule${count === 1 ? '' : 's'}`;
}

export class RulesReload {
  /** Called with what holds from now on. */
  onReload: ((rules: Rules) => void) | undefined;
  /** Of the file that is in force; see readRulesFile. */
  digest: string;
  readonly #path: string;
  readonly #circumstances: Circumstances;
  readonly #gateway: GatewayInUse;
  readonly #clock: Clock;
  readonly #log: Log;
  #report: ConfigReport;
  /** One at a time, so that the newest file holds in the end. */
  #last: Promise<unknown> = Promise.resolve();

  /** To be made when the gateway goes by the rules of the file. */
  constructor(deps: {
    readonly path: string;
    readonly digest: string;
    readonly circumstances: Circumstances;
    readonly gateway: GatewayInUse;
    readonly clock: Clock;
    readonly log: Log;
  }) {
    this.#path = deps.path;
    this.digest = deps.digest;
    this.#circumstances = deps.circumstances;
    this.#gateway = deps.gateway;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#report = { isSuccess: true, lastSuccessMs: deps.clock.now() };
  }

  get report(): ConfigReport {
    return this.#report;
  }

  /** Resolves with what to answer; rejects with RequestError, and then the previous rules hold on. */
  run(): Promise<string> {
    const run = this.#last.then(() => this.#run());
    this.#last = run.catch(() => undefined);
    return run;
  }

  async #run(): Promise<string> {
    // It says nothing about the file.
    const { whyClosed } = this.#gateway;
    if (whyClosed !== undefined) throw whyClosed;
    const { rules, messages, digest } = await readRulesFile(this.#path, this.#circumstances);
    for (const { severity, line } of messages) {
      if (severity === 'error') this.#log.error(line);
      else this.#log.warn(line);
    }
    if (rules === undefined) throw this.#failed(messages);
    const { rules: previous } = this.#gateway;
    const opening = whatOpens(previous, rules);
    if (opening !== undefined) {
      const line = `${this.#path}: ${opening}`;
      this.#log.error(line);
      throw this.#failed([{ severity: 'error', line, shown: line }]);
    }
    try {
      await this.#gateway.setRules(rules);
    } catch (error) {
      // A signal has no reply that says it.
      this.#log.error(error instanceof RequestError ? error.text : String(error));
      this.#failed([]);
      throw error;
    }
    this.#report = { isSuccess: true, lastSuccessMs: this.#clock.now() };
    this.digest = digest;
    this.onReload?.(rules);
    const renames = await this.#gateway.renamesSince(previous);
    this.#log.info('configuration file reloaded', {
      path: this.#path,
      rules: countEntries(rules),
      mode: this.#gateway.mode,
      ...(renames && fieldsOf(renames)),
    });
    const lines = [
      ...messages.map(({ shown }) => shown),
      `reloaded ${this.#path}: ${countedRules(rules)}`,
      ...(renames === undefined ? [] : describeRenames(renames)),
    ];
    return `${lines.join('\n')}\n`;
  }

  #failed(messages: readonly Message[]): RequestError {
    this.#report = { ...this.#report, isSuccess: false };
    this.#log.error('the configuration file was not reloaded, and the previous rules stay in force', {
      path: this.#path,
    });
    return new RequestError('reload_failed', `the previous rules stay in force:\n${replyOf(messages)}`);
  }
}

/** A file that is empty, or half written, is valid, and would let everybody in. */
function whatOpens({ access: before }: Rules, { access: now }: Rules): string | undefined {
  const howTo = 'to let everybody in, say anonymous: [push, delete, scrape, read], or restart';
  if (before === undefined) return undefined;
  if (now === undefined) return `access is no longer there; ${howTo}`;
  if (before.anonymous !== undefined && now.anonymous === undefined)
    return `access has no anonymous any longer; ${howTo}`;
  return undefined;
}

/** Of messages: a reply has room for more than people read. */
const REPLY_CHARS_MAX = 3_000;

function replyOf(messages: readonly Message[]): string {
  const errors = messages.filter(({ severity }) => severity === 'error');
  const shown: string[] = [];
  let chars = 0;
  for (const error of errors) {
    chars += error.shown.length;
    if (chars > REPLY_CHARS_MAX) break;
    shown.push(error.shown);
  }
  const more = errors.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more; see the log of the gateway`] : [])].join('\n');
}
