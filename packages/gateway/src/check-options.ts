/**
 * Checks what embedders give. Types do it for TypeScript; from plain JavaScript, an option with a typing error in it would just have no
 * effect, and a limit that is no number would limit nothing.
 */
import { defaultGatewayOptions, gatewayChoices, largestLimits } from './gateway/options.ts';
import { parseNetwork } from './http/client-address.ts';
import { defaultHttpOptions } from './http/options.ts';
import { defaultStorageOptions, storageChoices } from './journal/options.ts';

const choices: Readonly<Record<string, readonly string[]>> = { ...gatewayChoices, ...storageChoices };

/** Options that are parts of the program and have no defaults to compare with. */
const objects = { log: {}, clock: {}, memoryBytes: 0 };

/** Throws a TypeError that names the option. `storage` is for gateways that keep something only. */
export function checkOptions(options: object, { isDurable }: { readonly isDurable: boolean }): void {
  if (options === null || typeof options !== 'object') throw new TypeError('options are no object');
  if (!isDurable && 'storage' in options) {
    throw new TypeError('createGateway keeps everything in memory; for storage, use openGateway');
  }
  const storage = isDurable ? { storage: defaultStorageOptions } : {};
  check(options, { ...defaultGatewayOptions, ...defaultHttpOptions, ...objects, ...storage }, '');
  checkLargest(options as { readonly limits?: Readonly<Record<string, number | undefined>> });
  const { pushPath } = options as { readonly pushPath?: string };
  if (pushPath !== undefined && !(pushPath.startsWith('/') && pushPath.endsWith('/'))) {
    throw new TypeError(
      `the option pushPath is ${JSON.stringify(pushPath)}; it begins and ends with a slash`,
    );
  }
  const { trustedProxies = [] } = options as { readonly trustedProxies?: readonly string[] };
  for (const network of trustedProxies) {
    if (parseNetwork(network) === undefined)
      throw wrong('trustedProxies', network, 'a list of addresses and CIDR blocks');
  }
  if (!isDurable) return;
  const path: unknown = (options as { readonly storage?: { readonly path?: unknown } }).storage?.path;
  if (typeof path !== 'string' || path === '') {
    throw new TypeError("openGateway needs a folder: openGateway({ storage: { path: 'data/' } })");
  }
}

function checkLargest({
  limits = {},
}: {
  readonly limits?: Readonly<Record<string, number | undefined>>;
}): void {
  for (const [name, most] of Object.entries(largestLimits)) {
    const given = limits[name];
    if (given !== undefined && given > most) throw wrong(`limits.${name}`, given, `${most} at the most`);
  }
}

/** The defaults say which fields there are, and of which types. */
function check(given: unknown, defaults: object, prefix: string): void {
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`the option ${prefix.slice(0, -1)} is no object`);
  }
  const known = new Map(Object.entries(defaults));
  for (const [name, value] of Object.entries(given)) {
    if (!known.has(name)) {
      const meant = [...known.keys()].find((each) => each.toLowerCase() === name.toLowerCase());
      throw new TypeError(
        `there is no option ${prefix}${name}${meant === undefined ? '' : `; it is called ${prefix}${meant}`}`,
      );
    }
    // As if left out.
    if (value !== undefined) checkValue(prefix + name, value, known.get(name));
  }
}

function checkValue(name: string, value: unknown, standard: unknown): void {
  const field = name.slice(name.indexOf('.') + 1);
  const among = choices[field];
  if (among !== undefined) {
    if (!among.includes(value as string)) throw wrong(name, value, `one of ${among.join(', ')}`);
  } else if (Array.isArray(standard)) {
    if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) {
      throw wrong(name, value, 'an array of strings');
    }
  } else if (name === 'log' || name === 'clock') {
    if (typeof value !== 'object' || value === null) throw wrong(name, value, 'an object');
  } else if (typeof standard === 'object' && standard !== null) {
    check(value, standard, `${name}.`);
  } else if (typeof standard === 'number') {
    if (typeof value !== 'number' || !(value >= 0)) throw wrong(name, value, 'a number that is not negative');
  } else if (typeof value !== typeof standard) {
    throw wrong(name, value, `a ${typeof standard}`);
  }
}

function wrong(name: string, value: unknown, wanted: string): TypeError {
  return new TypeError(`the option ${name} is ${inspected(value)}; it must be ${wanted}`);
}

function inspected(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
