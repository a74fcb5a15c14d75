/** What many fields of result.json are: one object each, so that its JSON Schema says each once. */
import { z } from 'zod';

export const count = z.int().nonnegative();
export const amount = z.number().nonnegative();
export const name = z.string().min(1);
