/**
 * What another member of the cluster passed on, as a record: whose it is, by which it counts once, and then a record as of anything else.
 *
 *   record   FORWARDED, epoch, nowMs, wallMs, member, incarnation, number, number - below, held for, code, …
 */
import type { ByteReader, ByteWriter } from '../primitives/byte-writer.ts';
import type { State } from '../state/state.ts';
import type { ForwardedKey } from '../store/forwarded.ts';
import { commandClasses, RecordCode } from './commands.ts';
import type { Command, Target, Times } from './commands.ts';

/** What is said of something that another member passed on. */
export interface ForwardedFrom {
  readonly key: ForwardedKey;
  /** Before the leader had it: whole milliseconds. */
  readonly heldMs: number;
}

/** Any command but a push, which has it among its own fields. */
export class ForwardedCommand<Result> implements Command<Result> {
  readonly code: number = RecordCode.FORWARDED;
  readonly onlySource: string | undefined;
  readonly command: Command<Result>;
  readonly from: ForwardedFrom;

  constructor(command: Command<Result>, from: ForwardedFrom) {
    this.command = command;
    this.onlySource = command.onlySource;
    this.from = from;
  }

  encode(writer: ByteWriter, state: State): void {
    writeForwarded(writer, this.from);
    writer.byte(this.command.code);
    this.command.encode(writer, state);
  }

  apply(target: Target, times: Times): Generator<void, Result> {
    target.forwarded.add(this.from.key);
    return this.command.apply(target, { ...times, sentMs: times.nowMs - this.from.heldMs });
  }
}

export function writeForwarded(writer: ByteWriter, { key, heldMs }: ForwardedFrom): void {
  writer.text(key.member);
  writer.whole(key.incarnation);
  writer.whole(key.number);
  writer.whole(key.number - key.below);
  writer.whole(heldMs);
}

export function readForwarded(reader: ByteReader): ForwardedFrom {
  const member = reader.text();
  const incarnation = reader.whole();
  const number = reader.whole();
  const below = number - reader.whole();
  return { key: { member, incarnation, number, below }, heldMs: reader.whole() };
}

/** Reads a command that is no push, of such a code. */
export function decodeCommand(
  reader: ByteReader,
  code: number,
  from: ForwardedFrom | undefined,
): Command<unknown> {
  const commandClass = commandClasses[code];
  if (commandClass === undefined) throw new Error(`the record is of an unknown kind, ${code}`);
  const command = commandClass.decode(reader);
  return from === undefined ? command : new ForwardedCommand(command, from);
}
