import type { ComponentChildren, JSX } from 'preact';

export interface Column<T> {
  readonly name: string;
  readonly cell: (row: T) => ComponentChildren;
  /** Numbers go to the right. */
  readonly isNumber?: boolean;
  /** What a sort by it is called; without it there is none. */
  readonly sort?: string;
  /** What may be left out on a phone. */
  readonly isMinor?: boolean;
  readonly class?: string;
}

interface TableProps<T> {
  readonly caption: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly keyOf: (row: T, index: number) => string;
  readonly sorted?: string | undefined;
  readonly onSort?: (sort: string) => void;
}

/** On a phone each row is a card whose cells say their column. */
export function Table<T>({ caption, columns, rows, keyOf, sorted, onSort }: TableProps<T>): JSX.Element {
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ name, isNumber, isMinor, sort, class: own }) => {
              const order =
                sort === undefined
                  ? undefined
                  : sort === sorted
                    ? sort === 'name'
                      ? 'ascending'
                      : 'descending'
                    : 'none';
              return (
                <th key={name} scope="col" class={classOf({ isNumber, isMinor })} aria-sort={order}>
                  {sort === undefined || onSort === undefined ? (
                    <span class={own === 'row-actions' ? 'hidden' : undefined}>{name}</span>
                  ) : (
                    <button type="button" class="sort" onClick={() => onSort(sort)}>
                      {name}
                      {sort === sorted ? <span aria-hidden="true">{sort === 'name' ? '▲' : '▼'}</span> : null}
                    </button>
                  )}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={keyOf(row, i)}>
              {columns.map(({ name, cell, isNumber, isMinor, class: own }) => (
                <td
                  key={name}
                  data-name={name}
                  class={
                    [isNumber === true ? 'number' : '', isMinor === true ? 'minor' : '', own ?? '']
                      .join(' ')
                      .trim() || undefined
                  }
                >
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function classOf({
  isNumber,
  isMinor,
  class: own,
}: {
  isNumber: boolean | undefined;
  isMinor: boolean | undefined;
  class?: string | undefined;
}): string | undefined {
  const all = [isNumber === true ? 'number' : '', isMinor === true ? 'minor' : '', own ?? ''];
  return all.filter((name) => name !== '').join(' ') || undefined;
}
