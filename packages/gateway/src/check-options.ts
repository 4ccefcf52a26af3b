/**
 * Checks what embedders give. Types do it for TypeScript; from plain JavaScript, an option with a typing error in it would just have no
 * effect, and a limit that is no number would limit nothing.
 */
import { processOptionTable } from './config/config.ts';
import { gatewayOptionTable } from './gateway/options.ts';
import { limitTable } from './store/limits.ts';
import { httpOptionTable } from './http/options.ts';
import { storageOptionTable } from './journal/options.ts';
import { mustBe } from './options/kinds.ts';
import type { Option } from './options/option.ts';

/** A row of a table, the rows of a nested object, or what is no option of the command line: a part of the program. */
type Known = Pick<Option<unknown>, 'problemWith'> | { readonly rows: Rows };
type Rows = Readonly<Record<string, Known>>;

const part: Pick<Option<unknown>, 'problemWith'> = {
  problemWith: (value) =>
    typeof value === 'object' && value !== null ? undefined : mustBe(value, 'an object'),
};

const rules: Known = {
  problemWith: (value) =>
    typeof value === 'string' ? undefined : part.problemWith(value) && mustBe(value, 'a string or an object'),
};

const embeddedRows: Rows = {
  ...gatewayOptionTable,
  limits: { rows: limitTable },
  ...httpOptionTable,
  memoryBytes: processOptionTable.memoryBytes,
  log: part,
  clock: part,
  rules,
};

/** Throws a TypeError that names the option. `storage` is for gateways that keep something only. */
export function checkOptions(options: object, { isDurable }: { readonly isDurable: boolean }): void {
  if (options === null || typeof options !== 'object') throw new TypeError('options must be an object');
  if (!isDurable && 'storage' in options) {
    throw new TypeError('createGateway is in-memory only; for storage, use openGateway');
  }
  const rows = isDurable ? { ...embeddedRows, storage: { rows: storageOptionTable } } : embeddedRows;
  check(options, rows, '');
  if (!isDurable) return;
  const path: unknown = (options as { readonly storage?: { readonly path?: unknown } }).storage?.path;
  if (typeof path !== 'string' || path === '') {
    throw new TypeError("openGateway requires a directory: openGateway({ storage: { path: 'data/' } })");
  }
}

function check(given: unknown, rows: Rows, prefix: string): void {
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`the option ${prefix.slice(0, -1)} must be an object`);
  }
  for (const [field, value] of Object.entries(given)) {
    const name = prefix + field;
    const known = Object.hasOwn(rows, field) ? rows[field] : undefined;
    if (known === undefined) throw unknownOption(name, rows, prefix);
    // Undefined is as if left out.
    if (value === undefined) continue;
    if ('rows' in known) check(value, known.rows, `${name}.`);
    else {
      const problem = known.problemWith(value);
      if (problem !== undefined) throw new TypeError(`the option ${name} ${problem}`);
    }
  }
}

function unknownOption(name: string, rows: Rows, prefix: string): TypeError {
  const meant = Object.keys(rows).find((field) => `${prefix}${field}`.toLowerCase() === name.toLowerCase());
  const advice = meant === undefined ? '' : `; did you mean ${prefix}${meant}?`;
  return new TypeError(`unknown option ${name}${advice}`);
}
