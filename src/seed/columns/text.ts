/** Text: templates, and dictionaries of realistic text that are built once. */
import type { Faker } from '@faker-js/faker';
import { faker } from '@faker-js/faker/locale/en';
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
        append(row, bytes) {
          bytes.append(fixed[0]!);
          for (let index = 0; index < cells.length; index++) {
            cells[index]!.append(row, bytes);
            bytes.append(fixed[index + 1]!);
          }
        },
        absent: (row) => cells.some((part) => part.absent?.(row) ?? false),
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
      faker.seed(lane.k0 >>> 0);
      faker.setDefaultRefDate(new Date(scope.asOfMs));
      const choices = Array.from({ length: entries }, () => make(faker));
      return { shape: 'choice', choices, index: (row) => below(lane, row, entries) };
    },
  };
}
