/** What is said of access, as rules. */
import { NAME_LABEL } from '../../model/labels.ts';
import type { Role } from '../../model/roles.ts';
import { quote } from '../../primitives/quote.ts';
import type { AccessRules, SeriesRights, TokenRule } from '../access.ts';
import type { AccessKeys, TokenKeys } from './access-keys.ts';
import type { Entry } from './entries.ts';
import type { Located } from './kinds.ts';
import type { Place, Problems } from './problems.ts';

/** Without tokens that are wrong, which are noted. */
export function accessRulesOf(
  access: Located<Entry<AccessKeys>> | undefined,
  problems: Problems,
): AccessRules | undefined {
  if (access === undefined) return undefined;
  const { anonymous, users, tokens } = access.value.keys;
  const seen = {
    names: new Map<string, Place>(),
    digests: new Map<string, Place>(),
    rights: new Map<string, SeriesRights>(),
  };
  return {
    anonymous: anonymous && rightsIn(anonymous.value),
    users: new Map((users?.value ?? []).map(({ name, value }) => [name, rightsIn(value)])),
    tokens: (tokens?.value ?? []).flatMap(({ value }) => tokenOf(value, seen, problems) ?? []),
  };
}

function rightsIn(rights: readonly Located<Role>[]): ReadonlySet<Role> {
  return new Set(rights.map(({ value }) => value));
}

function tokenOf(
  { at, keys, isWhole }: Entry<TokenKeys>,
  seen: Readonly<Record<'names' | 'digests', Map<string, Place>>> & {
    readonly rights: Map<string, SeriesRights>;
  },
  problems: Problems,
): TokenRule | undefined {
  const { name, sha256, may, sources, origins, in_url: inUrl, limits, expires } = keys;
  if (isWhole && name === undefined) problems.error(at, 'a token needs a name, for logs and metrics');
  if (isWhole && sha256 === undefined)
    problems.error(
      at,
      'sha256 is missing; make a token and its line with: prom-aggregation-gateway token new',
    );
  if (name !== undefined) checkFirst('the name', name, { seen: seen.names, problems });
  if (sha256 !== undefined) checkFirst('the token', sha256, { seen: seen.digests, problems });
  if (sources?.value.matchers.some(({ label }) => label === NAME_LABEL) === true)
    problems.error(sources.at, 'the path of a push has no metric name; match its labels, as in {job="shop"}');
  const rights = may === undefined ? new Set<Role>(['push']) : rightsIn(may.value);
  if (rights.size === 0) problems.error(may!.at, 'a token that may do nothing is of no use; remove it');
  if (inUrl?.value === true && [...rights].some((right) => right !== 'push'))
    problems.warning(
      inUrl.at,
      'what is in a URL is in logs of proxies and histories of browsers; a token of which more than pushes is allowed should not be',
    );
  if (sources !== undefined && rights.has('admin'))
    problems.warning(
      sources.keyAt,
      'sources says nothing of the admin API: with it this token deletes of all senders',
    );
  const { pushes_per_second: pushes, burst } = limits?.value.keys ?? {};
  if (burst !== undefined && pushes === undefined)
    problems.error(burst.at, 'burst has no effect without pushes_per_second');
  const {
    series_max: seriesMax,
    new_series_per_hour: newSeries,
    on_limit: onLimit,
  } = limits?.value.keys ?? {};
  if (onLimit !== undefined && seriesMax === undefined && newSeries === undefined)
    problems.error(onLimit.keyAt, 'on_limit has no effect without series_max or new_series_per_hour');
  if (name === undefined || sha256 === undefined) return undefined;
  return {
    name: name.value,
    sha256: sha256.value,
    may: rights,
    sources: sources?.value,
    origins: origins?.value.map(({ value }) => value),
    inUrl: inUrl?.value ?? false,
    series: seriesRightsOf(keys, seen.rights, problems),
    limits: {
      pushesPerSecond: pushes?.value,
      burst: burst?.value,
      bytesPerSecond: limits?.value.keys.bytes_per_second?.value,
      body: limits?.value.keys.body?.value,
      seriesMax: seriesMax?.value,
      newSeriesPerHour: newSeries?.value,
      onLimit: onLimit?.value ?? 'refuse',
    },
    expiresMs: expires?.value,
  };
}

/** The same object for the same rights. */
function seriesRightsOf(
  { metrics, on_refused: onRefused, set_labels: setLabels }: Entry<TokenKeys>['keys'],
  known: Map<string, SeriesRights>,
  problems: Problems,
): SeriesRights | undefined {
  for (const { name, at } of setLabels?.value ?? []) {
    const why = whyNotSet(name);
    if (why !== undefined) problems.error(at, `${quote(name)} cannot be set: ${why}`);
  }
  if (onRefused !== undefined && metrics === undefined)
    problems.error(onRefused.keyAt, 'on_refused has no effect without metrics');
  const labels = (setLabels?.value ?? []).map(({ name, value }) => ({ name, value }));
  if (metrics === undefined && labels.length === 0) return undefined;
  labels.sort((a, b) => (a.name < b.name ? -1 : 1));
  const what = onRefused?.value ?? 'refuse';
  const id = JSON.stringify([metrics?.value.text, what, labels]);
  const rights = known.get(id) ?? { id, setLabels: labels, metrics: metrics?.value, onRefused: what };
  known.set(id, rights);
  return rights;
}

function whyNotSet(label: string): string | undefined {
  if (label === '') return 'the name of a label is empty';
  if (label.startsWith('__')) return 'labels that begin with __ are for relabelling alone';
  return label === 'le' || label === 'quantile' ? 'it tells parts of a series apart' : undefined;
}

function checkFirst(
  what: string,
  { value, at }: Located<string>,
  { seen, problems }: { readonly seen: Map<string, Place>; readonly problems: Problems },
): void {
  const first = seen.get(value);
  if (first === undefined) seen.set(value, at);
  else problems.error(at, `${what} is that of the token in line ${problems.lineOf(first)} already`);
}
