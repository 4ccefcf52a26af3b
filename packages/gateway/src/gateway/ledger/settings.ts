/** What the options of a process say about how the state goes on: records say so where it went on otherwise until now. */
import type { AggregationConfig } from '../../store/aggregation-config.ts';
import { isSameExposition } from '../../store/exposition-config.ts';
import type { ExpositionConfig } from '../../store/exposition-config.ts';
import type { KeyBounds } from '../../store/idempotency-keys.ts';
import type { FileInForce } from '../../store/files-in-force.ts';
import { SetAggregation, SetExposition, SetKeyBounds, SetRules } from '../../wal/commands.ts';
import type { Command, Target } from '../../wal/commands.ts';
import { areAlikeByRules } from './aggregation-of.ts';

export interface Settings {
  readonly keyBounds: KeyBounds;
  readonly exposition: ExpositionConfig;
  readonly aggregation: AggregationConfig;
  /** In a cluster, whose rules these are; undefined where there is none. */
  readonly file?: FileInForce | undefined;
}

interface Setting {
  readonly command: Command<void>;
  /** What only an earlier version did otherwise, or did not say, may go on until there is room to say so. */
  readonly mayWait: boolean;
}

/** Those that are others than wanted. */
export function* settingsToBegin(
  { keys, state, files }: Pick<Target, 'keys' | 'state' | 'files'>,
  { keyBounds, exposition, aggregation, file }: Settings,
): Generator<Setting, void> {
  const { windowMs, keysMax } = keys.bounds;
  if (windowMs !== keyBounds.windowMs || keysMax !== keyBounds.keysMax)
    yield { command: new SetKeyBounds(keyBounds), mayWait: false };
  if (!isSameExposition(state.showing.config, exposition))
    yield { command: new SetExposition(exposition), mayWait: false };
  if (file !== undefined && file.digest !== files.current?.digest) {
    yield { command: new SetRules(file, aggregation), mayWait: false };
    return;
  }
  const { isAsked, isSame } = compare(state.aggregation, aggregation);
  if (!isAsked || !isSame) yield { command: new SetAggregation(aggregation), mayWait: isAsked };
}

/** Whether the state goes on as is asked for, and whether that is all the same. */
function compare(
  now: AggregationConfig,
  wanted: AggregationConfig,
): { readonly isAsked: boolean; readonly isSame: boolean } {
  const isAsked =
    areAlikeByRules(now, wanted) &&
    now.counterResets === wanted.counterResets &&
    now.summaries === wanted.summaries &&
    (now.pathLabels ?? wanted.pathLabels) === wanted.pathLabels;
  const isSame =
    now.dropsWithdrawn === wanted.dropsWithdrawn &&
    now.dropsStartTimes === wanted.dropsStartTimes &&
    now.groups === wanted.groups &&
    now.pathLabels !== undefined;
  return { isAsked, isSame };
}
