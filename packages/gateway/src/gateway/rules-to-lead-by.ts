/**
 * By which rules a member of a cluster goes when it takes over. Those in force are the log's last, so that leadership which moves while a file is
 * rolled out does not take them back and forth: a member applies its own file only if that was never in force before. What it says of access is
 * not among them: each member judges by its own who may do what.
 */
import type { Log } from '../primitives/log.ts';
import { inTurns } from '../primitives/turns.ts';
import { describeProblem } from '../rules/file/problems.ts';
import { readRulesInSteps } from '../rules/file/read-rules.ts';
import { noRules } from '../rules/rules.ts';
import type { Rules } from '../rules/rules.ts';
import type { FileInForce, FilesInForce } from '../store/files-in-force.ts';
import type { GatewayOptions } from './options.ts';

/** What a member goes by itself. */
export interface OwnRules {
  readonly rules: Rules;
  /** Undefined without one; then there is nothing of its own that it could apply. */
  readonly file: FileInForce | undefined;
}

interface RulesToLeadBy extends OwnRules {
  /** Whether they are of the file of this member. */
  readonly isOwn: boolean;
}

type Read = { readonly rules: Rules } | { readonly problem: string };

interface Deps {
  readonly files: FilesInForce;
  readonly own: () => OwnRules;
  readonly options: GatewayOptions;
  readonly log: Log;
}

export class RulesToLeadByChoice {
  readonly #deps: Deps;
  #read: { readonly file: FileInForce; readonly outcome: Promise<Read> } | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
    deps.files.onChange = () => {
      // What changes the state is not to wait for it.
      void Promise.resolve().then(() => this.#sayIfUnreadable());
    };
  }

  /** Whether the rules in force are of another file than that of this member. */
  get differs(): boolean {
    const { files, own } = this.#deps;
    return files.current?.digest !== own().file?.digest;
  }

  async #sayIfUnreadable(): Promise<void> {
    const { files, log } = this.#deps;
    const { current } = files;
    const why = await this.whyNone();
    // Of those that others replaced meanwhile, as while it joins, it says nothing.
    if (why !== undefined && files.current === current) log.error(why);
  }

  /** Why there are none; undefined where there are some. */
  async whyNone(): Promise<string | undefined> {
    if (this.#mayApplyOwn()) return undefined;
    const read = await this.#logged();
    if ('rules' in read) return undefined;
    return `the rules in force cannot be read by this member, so it does not take over: ${read.problem}; update this member if another one is newer, give all members the same flags, or reload a configuration file that was never in force`;
  }

  /** The first that can be applied is to be. */
  async list(): Promise<readonly RulesToLeadBy[]> {
    const { own: ownRules, files } = this.#deps;
    const own = { ...ownRules(), isOwn: true };
    const { current } = files;
    if (current === undefined || current.digest === own.file?.digest) return [own];
    const read = await this.#logged();
    const logged = 'rules' in read ? [{ rules: read.rules, file: current, isOwn: false }] : [];
    return this.#mayApplyOwn() ? [own, ...logged] : logged;
  }

  #mayApplyOwn(): boolean {
    const { files, own } = this.#deps;
    const digest = own().file?.digest;
    if (files.current === undefined) return true;
    return digest !== undefined && (digest === files.current.digest || !files.has(digest));
  }

  #logged(): Promise<Read> {
    const file = this.#deps.files.current;
    if (file === undefined) return Promise.resolve({ rules: noRules });
    if (this.#read?.file !== file) this.#read = { file, outcome: this.#parse(file) };
    return this.#read.outcome;
  }

  async #parse({ text }: FileInForce): Promise<Read> {
    const { rules, problems } = await inTurns(readRulesInSteps(text, this.#deps.options));
    if (rules !== undefined) return { rules };
    const first = problems.find(({ severity }) => severity === 'error')!;
    return { problem: describeProblem('rules', first) };
  }
}
