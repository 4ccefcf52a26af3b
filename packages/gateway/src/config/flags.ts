/** All options of the process, and their flags in the order of the help. To add one, see `options/option.ts`. */
import { clusterOptionTable } from '../cluster/options.ts';
import { gatewayOptionTable } from '../gateway/options.ts';
import { limitTable } from '../store/limits.ts';
import { httpOptionTable } from '../http/options.ts';
import { storageOptionTable } from '../journal/options.ts';
import { flagGroups } from '../options/option.ts';
import type { Flag, Option } from '../options/option.ts';
import { logOptionTable, processOptionTable } from './config.ts';

const groups = Object.keys(flagGroups);

/** Those that have flags by groups, and within a group as in the tables. */
export const options: readonly Option<unknown>[] = [
  processOptionTable,
  httpOptionTable,
  gatewayOptionTable,
  limitTable,
  storageOptionTable,
  clusterOptionTable,
  logOptionTable,
]
  .flatMap((table) => Object.values<Option<unknown>>(table))
  .toSorted((a, b) => groups.indexOf(a.flag?.group ?? '') - groups.indexOf(b.flag?.group ?? ''));

export const flags: readonly Flag[] = options.flatMap(({ flag }) => flag ?? []);

/** `web.listen-address` is `PAG_WEB_LISTEN_ADDRESS` in the environment. */
export function environmentName(flag: Flag): string {
  return `PAG_${flag.name.toUpperCase().replaceAll(/[.-]/g, '_')}`;
}

export function isSwitch(flag: Flag): boolean {
  return flag.placeholder === undefined;
}
