import { describe, expect, test } from 'vitest';
import { AnteroomError } from '../../../engine/errors.ts';
import { AccessBatchBuilder } from '../../../streams/access-batch-builder.ts';
import { Operation } from '../../../streams/operation.ts';

function appendMany(builder: AccessBatchBuilder, times: readonly number[]): void {
  for (const time of times) builder.append(time, 0, -1, -1, Operation.read, -1, 1);
}

describe('access batch builder', () => {
  test('gives out full batches in order, then the rest', () => {
    const builder = new AccessBatchBuilder({ file: 'f', rowsMax: 3, position: 100 });
    for (let i = 0; i < 8; i++) builder.append(i, i, i + 10, i + 20, Operation.write, i + 30, i + 40);
    expect(builder.isFull).toBe(true);
    const first = builder.takeFull()!;
    expect([first.position, first.length]).toEqual([100, 3]);
    const second = builder.takeRest()!;
    expect([second.position, second.length]).toEqual([103, 3]);
    expect(builder.takeFull()).toBeNull();
    const rest = builder.takeRest()!;
    expect([rest.position, rest.length]).toEqual([106, 2]);
    expect([...rest.timeMs, ...rest.segment, ...rest.consumer, ...rest.site]).toEqual([6, 7, 6, 7, 16, 17, 26, 27]);
    expect([...rest.op, ...rest.size, ...rest.weight]).toEqual([1, 1, 36, 37, 46, 47]);
    expect(builder.takeRest()).toBeNull();
    expect(builder.accessCount).toBe(8);
  });

  test('a batch that was taken does not change', () => {
    const builder = new AccessBatchBuilder({ file: 'f', rowsMax: 4 });
    appendMany(builder, [1, 2]);
    const taken = builder.takeRest()!;
    appendMany(builder, [7, 8, 9]);
    expect([...taken.timeMs]).toEqual([1, 2]);
  });

  test('time that goes backwards is clamped and counted; no time stays no time', () => {
    const builder = new AccessBatchBuilder({ file: 'f' });
    appendMany(builder, [5, Number.NaN, 3, 5, 9, 8.5]);
    expect([...builder.takeRest()!.timeMs]).toEqual([5, Number.NaN, 5, 5, 9, 9]);
    expect(builder.summary()).toMatchObject({ clampedTimeCount: 2, hasTime: true, hasSize: false, hasConsumer: false });
  });

  test('the clamp holds across batches', () => {
    const builder = new AccessBatchBuilder({ file: 'f', rowsMax: 1 });
    appendMany(builder, [5, 4]);
    builder.takeFull();
    expect([...builder.takeFull()!.timeMs]).toEqual([5]);
  });

  test('the summary says which columns hold anything', () => {
    const builder = new AccessBatchBuilder({ file: 'f' });
    builder.append(Number.NaN, 0, -1, -1, Operation.read, -1, 1);
    expect(builder.summary()).toMatchObject({ hasTime: false, hasSize: false, hasConsumer: false });
    builder.append(Number.NaN, 0, 0, -1, Operation.read, 0, 1);
    expect(builder.summary()).toMatchObject({ hasTime: false, hasSize: true, hasConsumer: true, accessCount: 2 });
  });

  test('a bad record throws one line with file, line and column', () => {
    const builder = new AccessBatchBuilder({ file: 'a.csv' });
    let thrown: unknown;
    try {
      builder.reject({ line: 7, column: 12 }, 'a number', '"x\ny"');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(AnteroomError);
    expect(thrown).toMatchObject({
      code: 'bad-record',
      message: 'a.csv:7:12: expected a number, found "x\\x0ay"',
      context: { file: 'a.csv', line: 7, column: 12, byte: null },
    });
  });

  test('a place is a line, or a byte, or the file', () => {
    const builder = new AccessBatchBuilder({ file: 'a.bin' });
    expect(() => builder.reject({ line: 3 }, 'x', 'y')).toThrow('a.bin:3: expected x, found y');
    expect(() => builder.reject({ byte: 48 }, 'x', 'y')).toThrow('a.bin: byte 48: expected x, found y');
    expect(() => builder.reject({}, 'x', 'z'.repeat(500))).toThrow(/^a\.bin: expected x, found z{80}\.\.\.$/);
    expect(() => builder.truncated({ byte: 9 }, '24 bytes')).toThrow(
      expect.objectContaining({
        code: 'truncated',
        message: 'a.bin: byte 9: expected 24 bytes, found the end of the input',
      }),
    );
  });

  test('lenient counts every refusal and keeps the first ten', () => {
    const builder = new AccessBatchBuilder({ file: 'a', isLenient: true });
    for (let line = 1; line <= 11; line++) builder.reject({ line }, 'x', 'y');
    builder.truncated({ line: 12 }, 'x');
    builder.skip('comment');
    builder.skip('comment');
    const summary = builder.summary();
    expect(summary.rejectedCount).toBe(12);
    expect(summary.rejections).toHaveLength(10);
    expect(summary.rejections[9]).toBe('a:10: expected x, found y');
    expect([...summary.skipped]).toEqual([['comment', 2]]);
  });

  test('after the limit nothing is taken, refused or skipped', () => {
    const builder = new AccessBatchBuilder({ file: 'a', limit: 3, rowsMax: 2 });
    appendMany(builder, [1, 2]);
    expect(builder.isDone).toBe(false);
    appendMany(builder, [3, 4, 5]);
    expect(builder.isDone).toBe(true);
    builder.reject({ line: 9 }, 'x', 'y');
    builder.truncated({ line: 9 }, 'x');
    builder.skip('comment');
    expect(builder.takeFull()!.length).toBe(2);
    expect([...builder.takeRest()!.timeMs]).toEqual([3]);
    expect(builder.takeRest()).toBeNull();
    expect(builder.summary()).toMatchObject({ accessCount: 3, rejectedCount: 0, skipped: new Map() });
  });

  test('a limit of none takes none', () => {
    const builder = new AccessBatchBuilder({ file: 'a', limit: 0 });
    expect(builder.isDone).toBe(true);
    appendMany(builder, [1]);
    expect(builder.takeRest()).toBeNull();
  });
});
