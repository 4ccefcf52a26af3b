/**
 * The library puts a document together at once, which takes a third of a second for the largest file there may be. So the items of the long
 * lists, which are those that keys of the file have, are taken out before, and put together a few at a time.
 */
import { Composer, isMap, isSeq } from 'yaml';
import type { CST, Document, YAMLSeq } from 'yaml';

/** In one step. */
const STEP_ITEMS = 16;

/** All documents; the errors of the first are those of all its parts. Takes items out of the lists of the tokens. */
export function* composeInSteps(
  tokens: readonly CST.Token[],
  end: number,
): Generator<void, readonly Document.Parsed[]> {
  // The last item stays: what follows a list is placed by where that ends.
  const lists = tokens.flatMap(listsIn).map((list) => {
    const items = list.items.splice(0, list.items.length - 1);
    list.offset = offsetOf(list);
    return { list, items };
  });
  const documents = compose(tokens, end);
  yield;
  for (const { list, items } of lists) {
    const composed: unknown[] = [];
    for (let at = 0; at < items.length; at += STEP_ITEMS) {
      const part = { ...list, items: items.slice(at, at + STEP_ITEMS) };
      composed.push(...composePart(part, documents[0]!));
      yield;
    }
    const whole = listAt(list.offset, documents[0]!);
    if (whole !== undefined) whole.items = [...composed, ...whole.items];
  }
  return documents;
}

/** Lists with a line for each item; those in brackets stay. */
function listsIn(token: CST.Token): readonly CST.BlockSequence[] {
  if (token.type !== 'document' || token.value?.type !== 'block-map') return [];
  return token.value.items.flatMap(({ value }) => (value?.type === 'block-seq' ? [value] : []));
}

/** Of its first item. */
function offsetOf({ items: [first], offset }: CST.BlockSequence): number {
  return first?.start[0]?.offset ?? first?.value?.offset ?? offset;
}

function compose(tokens: readonly CST.Token[], end: number): readonly Document.Parsed[] {
  const composer = new Composer({ uniqueKeys: false, prettyErrors: false, logLevel: 'silent' });
  return [...composer.compose(tokens, true, end)];
}

function composePart(list: CST.BlockSequence, { errors, warnings }: Document.Parsed): readonly unknown[] {
  const offset = offsetOf(list);
  const value = { ...list, offset };
  const [part] = compose([{ type: 'document', offset, start: [], value }], offset);
  errors.push(...part!.errors);
  warnings.push(...part!.warnings);
  return isSeq(part!.contents) ? part!.contents.items : [];
}

function listAt(offset: number, { contents }: Document.Parsed): YAMLSeq | undefined {
  const values = isMap(contents) ? contents.items.map(({ value }) => value) : [];
  return values.filter((value) => isSeq(value)).find(({ range }) => range?.[0] === offset);
}
