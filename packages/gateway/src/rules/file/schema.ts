import { entry } from './entries.ts';
import type { JsonSchema } from './kinds.ts';
import { fileTable } from './keys.ts';

/** config.schema.json, by which editors complete and check a file. It says what it can; `config check` says the rest. */
export function configSchema(): string {
  const schema: JsonSchema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Configuration file of prom-aggregation-gateway',
    ...entry(fileTable).schema,
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}
