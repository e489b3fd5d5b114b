import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Interner } from '../../streams/interner.ts';

const name = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 66n) - 1n }).map((n) => new TextEncoder().encode(n.toString())),
  fc.array(fc.constantFrom(0x30, 0x31, 0x39), { maxLength: 4 }).map((bytes) => Uint8Array.from(bytes)),
  fc
    .array(fc.constantFrom(0x5c, 0x78, 0x35, 0x63, 0x66, 0xff, 0xc3, 0xa4), { maxLength: 7 })
    .map((bytes) => Uint8Array.from(bytes)),
  fc.uint8Array({ maxLength: 30 }),
);

describe('interner', () => {
  test('gives equal ids to equal bytes and to nothing else, as a map of hex strings does', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 80 }), fc.integer(), (names, seed) => {
        const table = new Interner({ countHint: 0, seed });
        const model = new Map<string, number>();
        for (const bytes of names) {
          const hex = Buffer.from(bytes).toString('hex');
          if (!model.has(hex)) {
            expect(table.findBytes(bytes, 0, bytes.length)).toBe(-1);
            model.set(hex, model.size);
          }
          const padded = Buffer.concat([Uint8Array.of(0x31), bytes, Uint8Array.of(0x32)]);
          expect(table.internBytes(padded, 1, 1 + bytes.length)).toBe(model.get(hex));
        }
        expect(table.count).toBe(model.size);
        for (const [hex, id] of model) expect(Buffer.from(table.bytesOf(id)).toString('hex')).toBe(hex);
      }),
      { numRuns: 300 },
    );
  });

  test('nameOf tells every two ids apart, and idOf is its inverse', () => {
    fc.assert(
      fc.property(fc.array(name, { maxLength: 80 }), (names) => {
        const table = new Interner();
        for (const bytes of names) table.internBytes(bytes, 0, bytes.length);
        const shown = Array.from({ length: table.count }, (_, id) => table.nameOf(id));
        expect(new Set(shown).size).toBe(table.count);
        expect(shown.map((text) => table.idOf(text))).toEqual(shown.map((_, id) => id));
        const copy = new Interner();
        expect(shown.map((text) => copy.internName(text))).toEqual(shown.map((_, id) => id));
      }),
      { numRuns: 300 },
    );
  });

  test('a string and its UTF-8 bytes are one name', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 30 }), (names) => {
        const table = new Interner();
        for (const text of names) {
          const bytes = new TextEncoder().encode(text);
          const id = table.internString(text);
          expect(table.internBytes(bytes, 0, bytes.length)).toBe(id);
        }
      }),
    );
  });

  test('ids survive growth over a hundred thousand names', () => {
    const table = new Interner({ countHint: 0 });
    const names = Array.from({ length: 100_000 }, (_, i) => (i % 2 === 0 ? `k${i}` : String(i * 104_729)));
    expect(names.every((text, i) => table.internString(text) === i)).toBe(true);
    expect(names.every((text, i) => table.idOf(text) === i && table.nameOf(i) === text)).toBe(true);
  });
});
