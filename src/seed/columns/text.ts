/** Text: templates, and dictionaries of realistic text that are built once. */
import { createRequire } from 'node:module';
import type { Faker } from '@faker-js/faker';
import { absentCells, choiceCells } from '../cells.ts';
import type { Absent, TextCells } from '../cells.ts';
import type { Column } from '../define.ts';
import { asText } from '../convert.ts';
import { below } from '../random.ts';
import { bindPart, structureOf } from './part.ts';

/**
 * Text around other columns and generators: `` text`user-${serial()}@example.com` ``. Null where a part is null.
 * Parts are generators; another column of the row is written `${column('name')}`.
 */
export function text(pieces: TemplateStringsArray, ...parts: readonly Column[]): Column<string> {
  return {
    structure: ['text', [...pieces], parts.map(structureOf)],
    bind(scope) {
      const encoder = new TextEncoder();
      const fixed = pieces.map((piece) => encoder.encode(piece));
      const cells = parts.map((part, index) => asText(bindPart(part, scope, index)));
      return {
        shape: 'text',
        writer(batch) {
          const writers = cells.map((part) => part.writer(batch));
          return (index, bytes) => {
            bytes.append(fixed[0]!);
            for (let part = 0; part < writers.length; part++) {
              writers[part]!(index, bytes);
              bytes.append(fixed[part + 1]!);
            }
          };
        },
        ...(cells.some(({ absent }) => absent) && { absent: anyAbsent(cells) }),
      };
    },
  };
}

/**
 * Realistic text from a dictionary: the function is called `entries` times (default 1,000) with a seeded faker when the column
 * is bound, and rows choose among its results evenly.
 *
 * @example full_name: faked((faker) => faker.person.fullName())
 */
export function faked<T = string>(
  make: (faker: Faker) => T,
  { entries = 1_000 }: { entries?: number } = {},
): Column<T> {
  return {
    structure: ['faked', String(make), entries],
    bind(scope) {
      const lane = scope.lane();
      const faker = loadFaker();
      faker.seed(lane.k0 >>> 0);
      faker.setDefaultRefDate(new Date(scope.asOfMs));
      const choices = Array.from({ length: entries }, () => make(faker));
      return choiceCells(choices, ({ rows, count }, out) => {
        for (let at = 0; at < count; at++) out[at] = below(lane, rows[at]!, entries);
      });
    },
  };
}

/** Loaded with the first dictionary: a tenth of a second and 10 MB that seeds without any do without. */
function loadFaker(): Faker {
  const require = createRequire(import.meta.url);
  const { faker } = require('@faker-js/faker/locale/en') as typeof import('@faker-js/faker/locale/en');
  return faker;
}

/** Null where one of the parts is. */
function anyAbsent(parts: readonly TextCells[]): Absent {
  return absentCells((batch, out) => {
    out.fill(0, 0, batch.count);
    for (const part of parts) {
      const absent = part.absent?.(batch);
      if (absent === undefined) continue;
      for (let at = 0; at < batch.count; at++) out[at] = out[at]! | absent[at]!;
    }
  });
}
