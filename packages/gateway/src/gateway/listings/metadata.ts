/** Type, help and unit of each family, by the name in text. */
import type { FamilyView } from '../../model/read-view.ts';
import type { MetricType } from '../../model/metric-type.ts';
import type { Listed } from '../api.ts';
import { JsonParts } from './json-parts.ts';
import { cutByBytes } from './list.ts';

/** What OpenMetrics calls it, and Prometheus. */
function typeName(type: MetricType): string {
  return type === 'untyped' ? 'unknown' : type;
}

export function* listMetadata(
  families: readonly FamilyView[],
  {
    metric,
    limit,
    bytesMax,
  }: { readonly metric: string | undefined; readonly limit: number; readonly bytesMax: number },
): Generator<void, Listed> {
  const json = new JsonParts(bytesMax);
  json.add('{');
  const warnings: string[] = [];
  let count = 0;
  for (const { name, type, help = '', unit = '', startTimes } of families) {
    yield;
    if (startTimes || (metric !== undefined && metric !== name)) continue;
    if (count === limit) break;
    const entry = `${JSON.stringify(name)}:[${JSON.stringify({ type: typeName(type), help, unit })}]`;
    if (!json.add(`${count === 0 ? '' : ','}${entry}`)) {
      warnings.push(cutByBytes(bytesMax));
      break;
    }
    count += 1;
  }
  return { data: json.end('}'), warnings };
}
