import { expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type { runResultSchema } from '../../src/result-schema.ts';
import type { RunResult } from '../../src/result.ts';
it('has a schema in step with the types', () => {
  expectTypeOf<z.infer<typeof runResultSchema>>().toEqualTypeOf<RunResult>();
});
