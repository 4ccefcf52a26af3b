/** By which rules a gateway that has read what was kept goes on: those it was given, or in a cluster the first that it may lead by. */
import { StorageProblem } from '../journal/journal.ts';
import type { Log } from '../primitives/log.ts';
import type { RulesInForce } from '../rules/rules.ts';
import { aggregationOf } from './ledger/aggregation-of.ts';
import type { Ledger } from './ledger/ledger.ts';
import { describeModeChange } from './ledger/mode-change.ts';
import { TurnedSources } from './ledger/turned-sources.ts';
import type { GatewayOptions } from './options.ts';
import type { RulesToLeadByChoice } from './rules-to-lead-by.ts';

interface Deps {
  readonly ledger: Ledger;
  readonly options: GatewayOptions;
  readonly rules: RulesInForce;
  /** Of a member of a cluster. */
  readonly choice: RulesToLeadByChoice | undefined;
  readonly log: Log;
}

/**
 * Has the ledger begin by them, and returns the sources that are turned then; rejects with StorageProblem where the state must not go on by any, unless
 * `accepts` says that it may.
 */
export async function chooseRules(deps: Deps, accepts: boolean): Promise<TurnedSources> {
  const { choice, log } = deps;
  if (choice === undefined) return checkedMode(deps, accepts);
  const list = await choice.list();
  let refused: unknown = new StorageProblem('unusable', (await choice.whyNone()) ?? 'there are no rules');
  for (const { rules, file, isOwn } of list) {
    deps.rules.current = rules;
    deps.ledger.beginBy(aggregationOf(deps.options, rules), file);
    try {
      const turned = await checkedMode(deps, accepts);
      if (!isOwn) sayNotOwn(log, refused, list[0]?.isOwn);
      return turned;
    } catch (error) {
      refused = error;
    }
  }
  throw refused;
}

function sayNotOwn(log: Log, refused: unknown, wasTried: boolean | undefined): void {
  if (wasTried === true)
    log.error(
      `the rules in force stay, and the configuration file of this member is not applied: ${refused instanceof Error ? refused.message : String(refused)}`,
    );
  else
    log.warn(
      'the rules in force stay, and the configuration file of this member is not applied: there is none, or it was in force before and was replaced; reload it at this member to apply it',
    );
}

async function checkedMode({ ledger, options, rules, log }: Deps, accepts: boolean): Promise<TurnedSources> {
  const turned = new TurnedSources(ledger, rules.current, options);
  const change = ledger.modeChange(await turned.count());
  if (change === undefined) return turned;
  if (!accepts) throw new StorageProblem('other_mode', describeModeChange(change));
  log.warn('the mode of the store has changed', { change: change.change, effect: change.effect });
  return turned;
}
