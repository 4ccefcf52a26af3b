/** How to read a push, by its format. */
import { beginText } from '../exposition/text/decode.ts';
import type { BeginDecoding } from '../model/push-decoder.ts';
import type { PushFormat } from './api.ts';

export type Decoders = Readonly<Record<PushFormat, BeginDecoding>>;

export const decoders: Decoders = {
  text: beginText,
};
