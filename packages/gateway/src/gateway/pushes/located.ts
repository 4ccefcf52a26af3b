/** Where in a body something is wrong, in words that its sender understands. Looked for in steps, as the body may be long. */
import { placeIn } from '../../exposition/protobuf/place.ts';
import { PushProblem, RequestError } from '../../model/errors.ts';
import type { Location } from '../../model/errors.ts';
import { LF } from '../../primitives/bytes.ts';
import { excerptAt } from '../../primitives/excerpt.ts';
import { countCharacters, countLineFeeds } from '../../primitives/lines.ts';
import type { PushFormat } from '../api.ts';

/** What was found at an offset, told by line and column, or by message where there are no lines. Anything but a PushProblem is passed on. */
export function* located(
  error: unknown,
  body: Uint8Array,
  format: PushFormat = 'text',
): Generator<void, unknown> {
  if (!(error instanceof PushProblem)) return error;
  const { code, message, offset } = error;
  if (format === 'protobuf') return new RequestError(code, `${yield* placeIn(body, offset)}: ${message}`);
  return new RequestError(code, message, yield* locate(body, offset), excerptAt(body, offset));
}

function* locate(body: Uint8Array, offset: number): Generator<void, Location> {
  const lineStart = offset === 0 ? 0 : body.lastIndexOf(LF, offset - 1) + 1;
  const line = 1 + (yield* countLineFeeds(body, lineStart));
  const column = 1 + (yield* countCharacters(body, lineStart, offset));
  return { line, column };
}
