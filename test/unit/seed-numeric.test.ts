import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteWriter } from '../../src/seed/byte-writer.ts';
import { encodeNumeric } from '../../src/seed/encode-value.ts';

function encoded(value: unknown, scale: number): Uint8Array {
  const bytes = new ByteWriter(64);
  encodeNumeric(value, scale, bytes);
  return bytes.bytes.slice(0, bytes.length);
}

test('a number is encoded as its decimal text is', () => {
  const units = fc.integer({ min: -(2 ** 50), max: 2 ** 50 });
  fc.assert(
    fc.property(
      fc.oneof(fc.integer({ min: -20_000, max: 20_000 }), units),
      fc.integer({ min: 0, max: 9 }),
      (of, scale) => {
        const digits = String(Math.abs(of)).padStart(scale + 1, '0');
        const point = digits.length - scale;
        const text = `${of < 0 ? '-' : ''}${digits.slice(0, point)}${scale > 0 ? '.' : ''}${digits.slice(point)}`;
        expect(encoded(Number(text), scale)).toEqual(encoded(text, scale));
      },
    ),
  );
});

test.each<[number, number, number[]]>([
  // Number of digits, weight of the first, sign, digits after the point, then digits in base 10,000.
  [0, 2, [0, 0, 0, 2]],
  [12_345.67, 2, [3, 1, 0, 2, 1, 2345, 6700]],
  [-0.0001, 4, [1, -1, 0x4000, 4, 1]],
  [30_000, 0, [1, 1, 0, 0, 3]],
])('%f with %i decimals', (value, scale, words) => {
  const { buffer } = encoded(value, scale);
  const view = new DataView(buffer);
  expect(Array.from({ length: view.byteLength / 2 }, (_, index) => view.getInt16(index * 2))).toEqual(words);
});
