/** Something for some of many small numbers, in pages that are there only where there is something: it grows without being copied. */
const PAGE_BITS = 12;
const PAGE = 1 << PAGE_BITS;

export class Paged<T> {
  /** How many numbers have something. */
  size = 0;
  readonly #pages: ({ readonly items: (T | undefined)[]; size: number } | undefined)[] = [];

  get(number: number): T | undefined {
    return this.#pages[number >>> PAGE_BITS]?.items[number & (PAGE - 1)];
  }

  set(number: number, item: T): void {
    const index = number >>> PAGE_BITS;
    while (this.#pages.length <= index) this.#pages.push(undefined);
    const page = (this.#pages[index] ??= {
      items: Array.from<T | undefined>({ length: PAGE }),
      size: 0,
    });
    if (page.items[number & (PAGE - 1)] === undefined) {
      page.size += 1;
      this.size += 1;
    }
    page.items[number & (PAGE - 1)] = item;
  }

  delete(number: number): void {
    const index = number >>> PAGE_BITS;
    const page = this.#pages[index];
    if (page?.items[number & (PAGE - 1)] === undefined) return;
    page.items[number & (PAGE - 1)] = undefined;
    page.size -= 1;
    this.size -= 1;
    if (page.size === 0) this.#pages[index] = undefined;
  }
}
