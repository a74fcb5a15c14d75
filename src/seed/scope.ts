/** What a column generator sees of the seed when it is bound. */
import type { Cells } from './cells.ts';
import type { Grouping } from './grouping.ts';
import type { Lane } from './random.ts';

/** Another table of the seed. */
export interface TableView {
  readonly name: string;
  readonly rows: number;
  /** @throws UsageError when the table has no such column */
  column(name: string): Cells;
  /** Set for tables whose rows belong to rows of another. */
  readonly parent: ParentLink | undefined;
}

export interface ParentLink {
  readonly table: TableView;
  readonly grouping: Grouping;
}

export interface Scope {
  /** The table that the column belongs to. */
  readonly table: TableView;
  /** Milliseconds since 1970 of the seed's as-of instant. */
  readonly asOfMs: number;
  /** A sequence of random draws of this generator's own. */
  lane(label?: string): Lane;
  /** The scope of a generator nested in this one; its draws are independent. */
  nested(label: string | number): Scope;
  /** @throws UsageError when the seed has no such table */
  other(table: string): TableView;
}
