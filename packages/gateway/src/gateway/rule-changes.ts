/**
 * Goes on by other rules while pushes go on. What the state acts upon is a record; all else holds from the next push on. Senders that push by
 * job and would add from now on are what is refused, unless it is accepted: what a source has counted already would count once more.
 */
import { RequestError } from '../model/errors.ts';
import type { Log } from '../primitives/log.ts';
import { modesOf } from '../rules/rules.ts';
import type { Rules, RulesInForce } from '../rules/rules.ts';
import { countsByType } from '../store/families.ts';
import type { FileInForce } from '../store/files-in-force.ts';
import { RemoveSources, SetAggregation, SetRules } from '../wal/commands.ts';
import type { Command } from '../wal/commands.ts';
import { aggregationOf, areAlikeByRules } from './ledger/aggregation-of.ts';
import { ChangeRules } from './ledger/change-rules.ts';
import type { Ledger } from './ledger/ledger.ts';
import { TurnedSources } from './ledger/turned-sources.ts';
import type { GatewayOptions } from './options.ts';

interface RuleChangesDeps {
  readonly ledger: Ledger;
  readonly options: GatewayOptions;
  readonly rules: RulesInForce;
  readonly log: Log;
  /** Throws RequestError where nothing may be changed. */
  readonly checkOpen: () => void;
  /** Applies a command, and resolves once it is committed; `check` is called in the turn in which it is applied, and what it throws rejects. */
  readonly commit: <Result>(command: Command<Result>, check?: () => void) => Promise<Result>;
}

interface How {
  readonly acceptsModeChange: boolean;
  /** In a cluster, whose rules they are. */
  readonly file?: FileInForce | undefined;
}

/** More sources have pushed than can be looked at in one turn. */
class NotCounted extends Error {}

export class RuleChanges {
  readonly #deps: RuleChangesDeps;
  /** One after the other, so that those set last hold in the end, and each is held against those before it. */
  #last: Promise<void> = Promise.resolve();

  constructor(deps: RuleChangesDeps) {
    this.#deps = deps;
  }

  /** Resolves once it is committed; rejects with RequestError, and then the old ones hold on. */
  async set(rules: Rules, how: How): Promise<void> {
    const setting = this.#last.then(() => this.#set(rules, how));
    this.#last = setting.catch(() => {});
    await setting;
  }

  async #set(rules: Rules, { acceptsModeChange, file }: How): Promise<void> {
    const { ledger, options, log } = this.#deps;
    this.#deps.checkOpen();
    const previous = this.#deps.rules.current;
    if (sayTheSameOfModes(previous, rules)) {
      await this.#replace(rules, file, () => {});
      return;
    }
    const turned = new TurnedSources(ledger, rules, options);
    if (acceptsModeChange) {
      await this.#replace(rules, file, () => {});
      await this.fold(turned).catch((error: unknown) =>
        log.warn('sources whose senders add now were not all forgotten', { error: String(error) }),
      );
    } else await this.#replaceUnlessTurned(rules, file, turned);
    if (modesOf(previous.sources, options).has('add')) this.warnOfAdders();
  }

  async #replaceUnlessTurned(
    rules: Rules,
    file: FileInForce | undefined,
    turned: TurnedSources,
  ): Promise<void> {
    for (;;) {
      const count = await turned.count();
      if (count > 0) throw refusal(count);
      try {
        await this.#replace(rules, file, () => {
          if (!turned.isCounted()) throw new NotCounted();
        });
        return;
      } catch (error) {
        if (!(error instanceof NotCounted)) throw error;
      }
    }
  }

  async #replace(rules: Rules, file: FileInForce | undefined, check: () => void): Promise<void> {
    const { ledger, options } = this.#deps;
    const aggregation = aggregationOf(options, rules);
    const { aggregation: before } = ledger.state;
    const isOther = file !== undefined && file.digest !== ledger.files.current?.digest;
    const isSame = areAlikeByRules(aggregation, before) && aggregation.groups === before.groups;
    if (isSame && !isOther) {
      // A push under way is one of the rules before.
      while (ledger.applying !== undefined) await ledger.applying;
      check();
      this.#deps.rules.current = rules;
      return;
    }
    let gauges = 0;
    const onApply = (): void => {
      this.#deps.rules.current = rules;
      gauges = this.gaugesHeld();
    };
    const onApplied = (): void => this.warnOfGauges(gauges);
    const command = isOther ? new SetRules(file, aggregation) : new SetAggregation(aggregation);
    await this.#deps.commit(new ChangeRules(command, { onApply, onApplied }), check);
  }

  /** Sources whose senders add now go as if each was deleted: what they counted stays in the totals, and their gauges go. */
  async fold(turned: TurnedSources): Promise<void> {
    let sources = 0;
    for await (const keys of turned.keys()) sources += await this.#deps.commit(new RemoveSources(keys));
    if (sources > 0)
      this.#deps.log.warn(
        'the mode of known sources has changed; their gauges are removed, and their next totals count in full',
        {
          sources,
        },
      );
  }

  gaugesHeld(): number {
    return countsByType(this.#deps.ledger.state.families).series.gauge;
  }

  /** In add mode nobody knows what a gauge would be by other rules. Whoever restarts without the file does not expect that. */
  warnOfGauges(before: number): void {
    const series = before - this.gaugesHeld();
    if (series <= 0) return;
    this.#deps.log.warn(
      'gauges whose rules changed were removed; they are shown again once they are pushed',
      {
        series,
      },
    );
  }

  /** Where some have added until now: nobody knows who they were. */
  warnOfAdders(): void {
    const { ledger, log } = this.#deps;
    const { accumulators, aggregation } = ledger.state;
    if (accumulators.size > 0 && aggregation.byJob)
      log.warn(
        'what senders added that push by job by the new rules stays in the totals, and their next totals count beside it',
      );
  }
}

/** Then no sender counts in another way. */
function sayTheSameOfModes(one: Rules, other: Rules): boolean {
  const modes = ({ sources }: Rules): string =>
    JSON.stringify(sources.map(({ match, mode }) => [match?.text, mode]));
  return modes(one) === modes(other);
}

function refusal(count: number): RequestError {
  const sources = count === 1 ? '1 known source' : `${count} known sources`;
  return new RequestError(
    'reload_failed',
    `the previous rules stay in force: by the new ones ${sources} would add with each push what is in the totals already; let their senders keep mode: by-job, or delete the sources first, or start with --storage.accept-mode-change to accept this`,
  );
}
