/** The configuration file on disk: read at the start, and again whenever that is asked for. */
import { createHash } from 'node:crypto';

import type { GatewayInUse } from './gateway/gateway.ts';
import type { Who } from './gateway/insight-api.ts';
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
import { rulesTextInSteps } from './rules/file/rules-text.ts';
import type { Rules } from './rules/rules.ts';
import type { FileInForce } from './store/files-in-force.ts';

/** Nobody says who sent it. */
const bySignal: Who = { name: null, address: null };

const WAITS =
  'another member leads: access holds from now on; the rules when this member takes over, if the file was never in force before; reload it at the leader to apply it now';

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
  /** For the other members of a cluster; undefined where there are errors, or nobody asked for it. */
  readonly file: FileInForce | undefined;
}

const DIGEST_CHARS = 16;

/** Does not reject: a file that cannot be read is an error as others are. */
export async function readRulesFile(
  path: string,
  circumstances: Partial<Circumstances> = {},
  how: { readonly once?: boolean; readonly isShared?: boolean } = {},
): Promise<RulesFileRead> {
  let text: string;
  try {
    text = await readText(path, FILE_BYTES_MAX + 1, how);
  } catch (error) {
    const line = `${path}: ${whyUnreadable(error as NodeJS.ErrnoException)}`;
    return { rules: undefined, file: undefined, messages: [{ severity: 'error', line, shown: line }] };
  }
  const { rules, problems } = await inTurns(readRulesInSteps(text, circumstances));
  const messages = problems.map((problem) => ({
    severity: problem.severity,
    line: describeProblem(path, problem),
    shown: showProblem(path, problem),
  }));
  if (rules === undefined || how.isShared !== true) return { rules, messages, file: undefined };
  const shared = await shareable(rules, circumstances);
  if ('problem' in shared) {
    const line = `${path}: ${shared.problem}`;
    return {
      rules: undefined,
      file: undefined,
      messages: [...messages, { severity: 'error', line, shown: line }],
    };
  }
  const digest = createHash('sha256').update(text).digest('hex').slice(0, DIGEST_CHARS);
  return { rules, messages, file: { digest, text: shared.text } };
}

/** As text that other members can read; whatever cannot be read again must not come into the log, where it would keep them from taking over. */
async function shareable(
  rules: Rules,
  circumstances: Partial<Circumstances>,
): Promise<{ readonly text: string } | { readonly problem: string }> {
  const text = await inTurns(rulesTextInSteps(rules));
  if (text === undefined)
    return {
      problem: `written without aliases, its rules are larger than ${FILE_BYTES_MAX} bytes, which is more than the members of a cluster can share; shorten them`,
    };
  const { problems } = await inTurns(readRulesInSteps(text, circumstances));
  const error = problems.find(({ severity }) => severity === 'error');
  if (error === undefined) return { text };
  return {
    problem: `its rules, written out for the other members of the cluster, could not be read: ${describeProblem('rules', error)}; without aliases they may be too many`,
  };
}

/** `ok, 3 rules`. */
export function countedRules(rules: Rules): string {
  const count = countEntries(rules);
  return `${count} rule${count === 1 ? '' : 's'}`;
}

interface HowRead {
  readonly circumstances: Circumstances;
  /** With other members of a cluster. */
  readonly isShared: boolean;
}

export class RulesReload {
  /** Called with what holds from now on. */
  onReload: ((rules: Rules) => void) | undefined;
  readonly #path: string;
  readonly #how: HowRead;
  readonly #gateway: GatewayInUse;
  readonly #clock: Clock;
  readonly #log: Log;
  #report: ConfigReport;
  /** One at a time, so that the newest file holds in the end. */
  #last: Promise<unknown> = Promise.resolve();

  /** To be made when the gateway goes by the rules of the file. */
  constructor(deps: {
    readonly path: string;
    readonly how: HowRead;
    readonly gateway: GatewayInUse;
    readonly clock: Clock;
    readonly log: Log;
  }) {
    this.#path = deps.path;
    this.#how = deps.how;
    this.#gateway = deps.gateway;
    this.#clock = deps.clock;
    this.#log = deps.log;
    this.#report = { isSuccess: true, lastSuccessMs: deps.clock.now() };
  }

  get report(): ConfigReport {
    return this.#report;
  }

  /** Resolves with what to answer; rejects with RequestError, and then the previous rules hold on. */
  run(who: Who = bySignal): Promise<string> {
    const run = this.#last.then(() => this.#run());
    const audited = (outcome: string): void =>
      this.#gateway.insight.audited({ what: 'reload', who, detail: this.#path, outcome });
    this.#last = run.then(
      () => audited('reloaded'),
      (error: unknown) => audited(error instanceof RequestError ? error.code : 'internal'),
    );
    return run;
  }

  async #run(): Promise<string> {
    // It says nothing about the file.
    const { whyClosed } = this.#gateway;
    if (whyClosed !== undefined) throw whyClosed;
    const { circumstances, isShared } = this.#how;
    const { rules, messages, file } = await readRulesFile(this.#path, circumstances, { isShared });
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
    let areInForce: boolean;
    try {
      areInForce = await this.#gateway.setRules(rules, file);
    } catch (error) {
      // A signal has no reply that says it.
      this.#log.error(error instanceof RequestError ? error.text : String(error));
      this.#failed([]);
      throw error;
    }
    this.#report = { isSuccess: true, lastSuccessMs: this.#clock.now() };
    this.onReload?.(rules);
    const renames = await this.#gateway.renamesSince(previous);
    this.#log.info('configuration file reloaded', {
      path: this.#path,
      rules: countEntries(rules),
      mode: this.#gateway.mode,
      ...(renames && fieldsOf(renames)),
    });
    if (!areInForce) this.#log.info(WAITS);
    const lines = [
      ...messages.map(({ shown }) => shown),
      `reloaded ${this.#path}: ${countedRules(rules)}`,
      ...(renames === undefined ? [] : describeRenames(renames)),
      ...(areInForce ? [] : [WAITS]),
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
