/** What is observed of a stage in order, of which nothing is told. */
import type { StageEvidence } from '../../src/observe/record.ts';

export const quiet: StageEvidence = {
  stage: 'after',
  tables: [],
  indexes: [],
  waits: { looks: 10, shares: [] },
  database: { blocksHit: 990_000, blocksRead: 10_000, tempFiles: 0, tempBytes: 0, deadlocks: 0 },
  wal: { records: 0, fullPageImages: 0, bytes: 0 },
  gaps: [],
};
