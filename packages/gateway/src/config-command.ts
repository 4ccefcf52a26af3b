/** `prom-aggregation-gateway config …`: tries a configuration file, without a gateway. */
import type { ConfigCommand } from './config/parse.ts';
import { countedRules, readRulesFile } from './rules-file.ts';

/** Resolves with the exit code: 1 when something is wrong with the file. */
export function runConfigCommand(command: ConfigCommand): Promise<number> {
  switch (command.name) {
    case 'check':
      return check(command.file, command.pathLabels);
  }
}

async function check(file: string, pathLabels: 'drop' | 'add'): Promise<number> {
  const { rules, messages } = await readRulesFile(file, pathLabels);
  for (const { shown } of messages) process.stderr.write(`${shown}\n`);
  if (rules === undefined) return 1;
  process.stdout.write(`${file}: ok, ${countedRules(rules)}\n`);
  return 0;
}
