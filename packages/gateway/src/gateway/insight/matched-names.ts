/** The names of the samples that match, of which one each is enough. */
import type { Listed } from '../api.ts';
import type { List } from '../listings/list.ts';
import type { Part } from '../listings/parts.ts';

export class MatchedNames implements List {
  readonly isFull = false;
  readonly isOfNames = true;
  readonly names: Set<string> = new Set();

  add({ name }: Part): number {
    this.names.add(name);
    return 1;
  }

  *finish(): Generator<void, Listed> {
    yield;
    return { data: [], warnings: [] };
  }
}
