/** `prom-aggregation-gateway config …`: tries a configuration file, without a gateway. */
import { readFileSync } from 'node:fs';

import type { ConfigCommand } from './config/parse-config-command.ts';
import { whyUnreadable } from './primitives/read-text.ts';
import { countedRules, readRulesFile } from './rules-file.ts';
import type { Rules } from './rules/rules.ts';
import { testRules } from './test-rules.ts';

const STDIN = 0;

/** Resolves with the exit code: 1 when something is wrong with the file, or the push is refused. */
export async function runConfigCommand(command: ConfigCommand): Promise<number> {
  const { file, options } = command;
  const { rules, messages } = await readRulesFile(file, options, { once: true });
  for (const { shown } of messages) process.stderr.write(`${shown}\n`);
  if (rules === undefined) return 1;
  if (command.name === 'test') return test(rules, command);
  process.stdout.write(`${file}: ok, ${countedRules(rules)}\n`);
  return 0;
}

async function test(rules: Rules, command: ConfigCommand & { readonly name: 'test' }): Promise<number> {
  const { push, path, format, options } = command;
  let body: Uint8Array;
  try {
    body = readFileSync(push === '-' ? STDIN : push);
  } catch (error) {
    process.stderr.write(`${push}: ${whyUnreadable(error as NodeJS.ErrnoException)}\n`);
    return 1;
  }
  const { isTaken, text } = await testRules(rules, body, { path, format }, options);
  process[isTaken ? 'stdout' : 'stderr'].write(text);
  return isTaken ? 0 : 1;
}
