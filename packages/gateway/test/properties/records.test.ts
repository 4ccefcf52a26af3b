import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { SenderMode } from '../../src/store/aggregation-config.ts';
import { appendEntry, emptyBatch } from '../../src/store/batch.ts';
import type { Batch } from '../../src/store/batch.ts';
import { NO_COMPOSITE } from '../../src/store/pending-series.ts';
import { Pace } from '../../src/primitives/pace.ts';
import { PushBuilder } from '../../src/ingest/push-builder.ts';
import {
  AdvanceWindows,
  commandClasses,
  DropDiscarded,
  DropSeries,
  WithdrawSeries,
  ExpireNamed,
  ExpireSources,
  NoteScrape,
  RecordCode,
  Recycle,
  RemoveSource,
  RemoveSources,
  SetAggregation,
  SetExposition,
  SetKeyBounds,
  SetRules,
} from '../../src/wal/commands.ts';
import type { Command } from '../../src/wal/commands.ts';
import { PushCommand } from '../../src/wal/push-command.ts';
import { RecordReader, RecordWriter } from '../../src/wal/record.ts';
import { readEntries, writeEntries } from '../../src/wal/record-entries.ts';
import { readNewSeries, writeNewSeries } from '../../src/wal/record-new-series.ts';
import { State } from '../../src/state/state.ts';
import { decodeText } from '../../src/exposition/text/decode.ts';
import { defaultLimits } from '../../src/store/limits.ts';
import { ByteReader, ByteWriter } from '../../src/primitives/byte-writer.ts';
import { viewOf } from '../../src/primitives/bytes.ts';
import { atOnce } from '../../src/primitives/turns.ts';
import { targetOf } from '../state/target.ts';
import { runs } from '../support/runs.ts';
import { AccumulatorKind } from '../../src/store/policies.ts';
import { codePoint } from '../support/any-text.ts';

const whole = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 53 }).map((bits) => Math.min(2 ** bits, Number.MAX_SAFE_INTEGER)),
);
const double = fc.oneof(
  fc.double(),
  whole,
  fc.constantFrom(-0, 2 ** 53, 2 ** 53 + 2, -1, 0.1, Number.NaN, Infinity),
);

test('numbers and texts are read as they were written', () => {
  const item = fc.oneof(
    fc.record({ whole }),
    fc.record({ double }),
    fc.record({ text: fc.string({ unit: codePoint }) }),
    fc.record({ byte: fc.nat(255) }),
  );
  fc.assert(
    fc.property(fc.array(item, { maxLength: 3000, size: 'max' }), (items) => {
      const writer = new ByteWriter();
      for (const each of items) {
        if ('whole' in each) writer.whole(each.whole);
        else if ('double' in each) writer.double(each.double);
        else if ('text' in each) writer.text(each.text);
        else writer.byte(each.byte);
      }
      const reader = new ByteReader(Uint8Array.from(writer.bytes()));
      for (const each of items) {
        if ('whole' in each) expect(reader.whole()).toBe(each.whole);
        else if ('double' in each) expect(reader.double()).toBe(each.double);
        else if ('text' in each) expect(reader.text()).toBe(each.text);
        else expect(reader.byte()).toBe(each.byte);
      }
      expect(reader.isAtEnd).toBe(true);
    }),
    { numRuns: runs(50) },
  );
});

test('entries are read as they were written, -0 and NaN as well', () => {
  const accumulator = fc.oneof(fc.nat(20), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(accumulator, double)), (entries) => {
      const [written, read] = [emptyBatch(1), emptyBatch(1)];
      for (const [number, value] of entries) appendEntry(written, number, value, 0);
      const writer = new ByteWriter();
      writeEntries(writer, written);
      const reader = new ByteReader(writer.bytes());
      atOnce(readEntries(reader, read, new Pace()));
      expect(reader.isAtEnd).toBe(true);
      const of = ({ accumulators, values, length }: typeof read) =>
        Array.from({ length }, (_, i) => [accumulators[i], values[i]]);
      expect(of(read)).toEqual(of(written));
    }),
  );
});

test('new series are read as they were written, with texts that begin alike or not', () => {
  const accumulators = fc.uniqueArray(
    fc.record({
      text: fc
        .tuple(fc.constantFrom('a', 'requests_total{', 'requests_total{code="'), fc.string())
        .map((parts) => parts.join('')),
      kind: fc.constantFrom(
        AccumulatorKind.COUNTER,
        AccumulatorKind.GAUGE,
        AccumulatorKind.BUCKET,
        AccumulatorKind.COUNT,
      ),
      family: fc.nat(3),
      composite: fc.oneof(fc.constant(NO_COMPOSITE), fc.integer({ min: -1000, max: 1_000_000 })),
    }),
    { selector: ({ text }) => text },
  );
  fc.assert(
    fc.property(accumulators, double, (wanted, bound) => {
      const [written, read] = [emptyBatch(1), emptyBatch(2)];
      for (const { text, ...shape } of wanted) {
        const view = viewOf(Buffer.from(text));
        const end = view.byteLength;
        const isBucket = shape.kind === AccumulatorKind.BUCKET;
        written.pendingSeries.add(view, 0, end, written.pendingSeries.texts.hash(view, 0, end), {
          ...shape,
          bound: isBucket ? bound : Number.NaN,
        });
      }
      const writer = new ByteWriter();
      writeNewSeries(writer, written);
      const aggregation = { byJob: false, counterResets: 'overwrite', summaries: 'discard' } as const;
      atOnce(readNewSeries(new ByteReader(writer.bytes()), read, new State(aggregation, defaultLimits, 2)));
      const of = ({ pendingSeries }: typeof read) =>
        Array.from({ length: pendingSeries.length }, (_, i) => [
          pendingSeries.texts.textOf(i),
          pendingSeries.kind[i],
          pendingSeries.family[i],
          pendingSeries.composite[i],
          pendingSeries.bound[i],
        ]);
      expect(of(read)).toEqual(of(written));
    }),
  );
});

test('a record for another state than the one at hand is refused, and so are bytes that are none', () => {
  const aggregation = {
    byJob: true,
    counterResets: 'accumulate',
    summaries: 'sum-and-count',
    pathLabels: 'add',
  } as const;
  const state = new State(aggregation, defaultLimits, 1);
  const times = { nowMs: 1, wallMs: 2 };
  const writer = new RecordWriter(state);
  const command = new SetAggregation(aggregation);
  const record = Uint8Array.from(writer.write(command, times));
  expect(new RecordReader(state).read(record)).toStrictEqual({ command, times });
  const newer = { ...aggregation, dropsWithdrawn: true } as const;
  expect(new RecordReader(state).read(writer.write(new SetAggregation(newer), times))).toMatchObject({
    command: { aggregation: newer },
  });
  state.recycle();
  expect(() => new RecordReader(state).read(record)).toThrow('epoch 0');
  expect(() => new RecordReader(state).read(new Uint8Array(0))).toThrow();
});

test('the record of each command has the bytes that stores hold, and is read as what was written', () => {
  const state = new State(
    { byJob: true, counterResets: 'overwrite', summaries: 'discard' },
    defaultLimits,
    1,
  );
  const batch = batchOf({ byJob: true, counterResets: 'overwrite' });
  batch.began.push({ accumulator: 3, startMs: 6 });
  const identity = new Uint8Array(28).fill(9);
  const commands: readonly (readonly [Command<unknown>, string])[] = [
    [new RemoveSource('a'), '0161'],
    [
      new ExpireSources({ pruneBeforeMs: 3, forgetBeforeMs: Number.NEGATIVE_INFINITY, most: 500 }),
      '0000000000000840000000000000f0fff403',
    ],
    [new Recycle(), ''],
    [commandClasses[RecordCode.EARLIER_RECYCLE]!.decode(new ByteReader()), ''],
    [commandClasses[RecordCode.UNSORTED_RECYCLE]!.decode(new ByteReader()), ''],
    [
      new SetAggregation({
        byJob: true,
        counterResets: 'accumulate',
        summaries: 'sum-and-count',
        dropsWithdrawn: true,
        groups: true,
        pathLabels: 'add',
      }),
      '010117',
    ],
    [
      new SetAggregation({
        byJob: true,
        counterResets: 'accumulate',
        summaries: 'discard',
        dropsStartTimes: true,
        pathLabels: 'add',
      }),
      '010130',
    ],
    [new RemoveSources(['a', 'bc']), '020161026263'],
    [new DropSeries(Uint32Array.of(3, 7, 300)), '030304a502'],
    [new DropDiscarded(), ''],
    [new ExpireNamed({ pruned: ['a'], forgotten: ['b', 'cd'] }), '010161020162026364'],
    [new AdvanceWindows(Uint32Array.of(3, 7, 300)), '030304a502'],
    [new WithdrawSeries([{ source: 'ab', named: Uint32Array.of(3, 7, 300) }]), '01026162030304a502'],
    [
      new SetAggregation({
        byJob: true,
        counterResets: 'overwrite',
        summaries: 'discard',
        pathLabels: 'drop',
        metricRules: '[{"gauge":"max"}]',
      }),
      `010048${'11'}${Buffer.from('[{"gauge":"max"}]').toString('hex')}`,
    ],
    [
      new SetExposition({ nativeBucketsMax: 300, nativeAsClassic: true, created: false, zeroFirst: true }),
      '05ac02',
    ],
    [new NoteScrape('one', 300), '036f6e65ac02'],
    [
      new SetRules(
        { digest: 'ab', text: 'metrics: []' },
        { byJob: false, counterResets: 'accumulate', summaries: 'discard', pathLabels: 'add' },
      ),
      `026162${'0b'}${Buffer.from('metrics: []').toString('hex')}000110`,
    ],
    [new SetKeyBounds({ windowMs: 4, keysMax: 5 }), '00000000000010400000000000001440'],
    [
      new PushCommand(batch, new Uint8Array(0), { source: 'a', method: 'PUT', identity }),
      `510161${'09'.repeat(28)}020c0705000000000000e03f01060000000000001840`,
    ],
    [
      new PushCommand(batchOf({ byJob: true, counterResets: 'accumulate-by-value' }), new Uint8Array(0), {
        source: 'a',
        method: 'POST',
      }),
      '80016102020c0705000000000000e03f',
    ],
    [
      new PushCommand(ownedBatch(), new Uint8Array(0), { source: 'a', method: 'POST' }),
      '0401610377656202783100000101000000026162020c0705000000000000e03f',
    ],
    [
      new PushCommand(batchOf({ byJob: false, counterResets: 'accumulate' }), new Uint8Array(0), {
        source: 'a',
        method: 'POST',
      }),
      '0000020c0705000000000000e03f',
    ],
    [
      new SetAggregation({
        byJob: true,
        counterResets: 'overwrite',
        summaries: 'discard',
        pathLabels: 'drop',
        mixed: true,
        addsByDefault: true,
        metricRules: '[]',
      }),
      `0100c803025b5d`,
    ],
  ];
  const writer = new RecordWriter(state);
  const times = { nowMs: 1, wallMs: 2 };
  const hexOf = (command: Command<unknown>) => Buffer.from(writer.write(command, times)).toString('hex');
  const epochAndTimes = '00000000000000f03f0000000000000040';
  for (const [command, rest] of commands) {
    const hex = hexOf(command);
    expect(hex).toBe(`${command.code.toString(16).padStart(2, '0')}${epochAndTimes}${rest}`);
    expect(hexOf(new RecordReader(state).read(Buffer.from(hex, 'hex')).command)).toBe(hex);
  }
  const codes = new Set(commands.map(([{ code }]) => code));
  expect(codes).toEqual(
    new Set([...Object.keys(commandClasses).map(Number), RecordCode.PUSH, RecordCode.OWNED_PUSH]),
  );
});

test('each series keeps the time at which it was first counted, when records are read again too', () => {
  const aggregation = { byJob: false, counterResets: 'overwrite', summaries: 'discard' } as const;
  const [state, again] = [new State(aggregation, defaultLimits, 1), new State(aggregation, defaultLimits, 2)];
  const [builder, writer, reader] = [
    new PushBuilder(state),
    new RecordWriter(state),
    new RecordReader(again),
  ];
  const push = (text: string, wallMs: number): void => {
    const body = Buffer.from(text);
    builder.begin(body);
    decodeText(body, 0, body.length, builder);
    const batch = builder.finish();
    const push = new PushCommand(batch, body, { source: '', method: 'POST' });
    const { command, times } = reader.read(Uint8Array.from(writer.write(push, { nowMs: 1, wallMs })));
    atOnce(push.apply(targetOf(state), { nowMs: 1, wallMs }));
    atOnce(command.apply(targetOf(again), times));
  };
  push('a_total 1\n', 1_000);
  push('a_total 1\nb_total 1\n', 2_000);
  push('b_total 1\nc_total 1\n', 3_000);
  for (const { accumulators } of [state, again]) {
    const times = Array.from({ length: accumulators.texts.high }, (_, accumulator) => [
      accumulators.textOf(accumulator),
      accumulators.startMs[accumulator],
    ]);
    expect(times).toEqual([
      ['a_total', 1_000],
      ['b_total', 2_000],
      ['c_total', 3_000],
    ]);
  }
});

/** With a new series, which is somebody's. */
function ownedBatch(): Batch {
  const batch = batchOf({ byJob: true, counterResets: 'overwrite' });
  batch.owner = { token: 'web', job: 'x1' };
  const text = viewOf(Buffer.from('ab'));
  batch.pendingSeries.add(text, 0, 2, batch.pendingSeries.texts.hash(text, 0, 2), {
    kind: AccumulatorKind.COUNTER,
    family: 0,
    composite: NO_COMPOSITE,
    bound: Number.NaN,
  });
  return batch;
}

function batchOf(sender: SenderMode): Batch {
  const batch = emptyBatch(1);
  batch.sender = sender;
  appendEntry(batch, 3, 7, 0);
  appendEntry(batch, 4, 0.5, 0);
  return batch;
}
