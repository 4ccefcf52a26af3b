/** Sources that push between the look for those that would add, and the turn in which the rules change. */
import { expect, test } from 'vitest';

import { RuleChanges } from '../../src/gateway/rule-changes.ts';
import { Ledger } from '../../src/gateway/ledger/ledger.ts';
import { defaultGatewayOptions } from '../../src/gateway/options.ts';
import { PushBuilder } from '../../src/ingest/push-builder.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { silentLog } from '../../src/primitives/log.ts';
import { noRules } from '../../src/rules/rules.ts';
import type { RulesInForce } from '../../src/rules/rules.ts';
import { PushCommand } from '../../src/wal/push-command.ts';
import { rulesOf } from '../rules/rules.ts';

/** Has these jobs push each time just before rules are to change. */
function changesAmong(...pushes: readonly (readonly string[])[]) {
  const options = { ...defaultGatewayOptions, byJob: true };
  let nowMs = 1000;
  const clock = { now: () => nowMs };
  const ledger = new Ledger({ journal: memoryJournal(), options, clock, hashSeed: 1 });
  ledger.begin();
  const builder = new PushBuilder(ledger.state);
  const rules: RulesInForce = { current: noRules };
  const left = [...pushes];
  let attempts = 0;
  const changes = new RuleChanges({
    ledger,
    options,
    rules,
    log: silentLog,
    checkOpen() {},
    async commit(command, check) {
      attempts += 1;
      nowMs += 1;
      for (const job of left.shift() ?? []) {
        const nothing = new Uint8Array(0);
        builder.begin(nothing);
        ledger.push(
          new PushCommand(builder.finish(), nothing, { source: `[["job","${job}"]]`, method: 'POST' }),
        );
      }
      nowMs += 1;
      check?.();
      return ledger.commit(command)!.result;
    },
  });
  return { changes, rules, attempts: () => attempts };
}

const turning = rulesOf({ sources: [{ match: '{job="a"}', mode: 'add' }] });
const refusing = { acceptsModeChange: false };

test('one that would add is seen', async () => {
  const { changes, rules } = changesAmong(['b', 'a']);
  await expect(changes.set(turning, refusing)).rejects.toThrow('by the new ones 1 known source would add');
  expect(rules.current).toBe(noRules);
});

test('others keep nothing from changing, however many they are', async () => {
  const many = Array.from({ length: 1000 }, (_, i) => `b${i}`);
  const { changes, rules, attempts } = changesAmong(many, many);
  await changes.set(turning, refusing);
  expect(rules.current).toBe(turning);
  expect(attempts()).toBe(3);
});
