/** Faults behind the first rows, which a dry run cannot see, with many chunks still to come. */
import { compute, constant, defineSeed, serial } from 'pgrehearse';

const ddl = `
  CREATE TABLE parents (id int4 PRIMARY KEY);
  CREATE TABLE t (id int4 PRIMARY KEY, value int4 CHECK (value < 10), parent int4 REFERENCES parents (id));
  CREATE INDEX t_value ON t (value)`;

/** What goes wrong from row 2,000 on. */
export type Fault = 'throws' | 'unfit' | 'refused' | 'dangling' | 'duplicate';

export function lateFault(fault: Fault): ReturnType<typeof defineSeed> {
  const late = (row: number, is: Fault): boolean => row >= 2_000 && fault === is;
  return defineSeed({
    asOf: '2026-11-01T00:00:00Z',
    tables: {
      parents: { rows: 5, columns: { id: serial() } },
      t: {
        rows: 60_000,
        columns: {
          id: compute(({ row }) => (late(row, 'duplicate') ? 1 : row + 1)),
          value: compute(({ row }) => {
            if (late(row, 'throws')) throw new Error('no more values');
            if (late(row, 'unfit')) return 'text';
            return late(row, 'refused') ? 10 : 1;
          }),
          parent: late(2_000, 'dangling') ? constant(6) : constant(1),
        },
      },
    },
  });
}

export { ddl };
