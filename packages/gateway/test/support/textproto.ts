/** Reads messages as protobuf's text format has them, as far as the conformance data needs it. */

export type TextValue = string | number | TextMessage;

/** Fields by name, each with all that was given for it. */
export interface TextMessage {
  readonly [field: string]: readonly TextValue[];
}

export function parseTextproto(text: string): TextMessage {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[<>:]|[^\s<>:"]+/g) ?? [];
  let at = 0;
  const message = (): TextMessage => {
    const fields: Record<string, TextValue[]> = {};
    while (at < tokens.length && tokens[at] !== '>') {
      const name = tokens[at]!;
      at += 2;
      (fields[name] ??= []).push(value());
    }
    at += 1;
    return fields;
  };
  const value = (): TextValue => {
    const token = tokens[at]!;
    at += 1;
    if (token === '<') return message();
    if (token.startsWith('"')) return JSON.parse(token) as string;
    return Number.isNaN(Number(token)) ? token : Number(token);
  };
  return message();
}
