/** Finds what is wrong with the `http` part of a scenario before anything starts. */
import * as z from 'zod';
import { loadShape } from '../load-check.ts';
import { readingUnits } from '../scenario.ts';
import { serviceOf } from './scenario.ts';
import type { HttpSpec } from './spec.ts';

const text = z.string().min(1);
const positive = z.number().positive();
const fn = z.custom<(...args: never[]) => unknown>((value) => typeof value === 'function', 'expected a function');
const status = z.int().min(100).max(599);

function isOrigin(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) && `${url.pathname}${url.search}${url.username}` === '/';
}

const request = z.strictObject({
  description: text,
  weight: positive,
  access: z.enum(['read', 'write']),
  request: fn,
  check: z
    .strictObject({ status: z.union([status, z.array(status).min(1)]).optional(), body: fn.optional() })
    .optional(),
  maxStaleMs: z.number().min(0).optional(),
  compared: fn.optional(),
});

const reading = z.strictObject({
  description: text,
  unit: z.enum(readingUnits),
  path: z.string().startsWith('/'),
  value: fn,
  stages: z.array(text).optional(),
});

const command = z.array(z.string()).refine(([program = '']) => program !== '', 'a program is needed');

const service = z.strictObject({
  command: command.optional(),
  url: z.string().refine(isOrigin, 'expected http://host:port, without a path').optional(),
  env: z.record(text, z.string()).optional(),
  beside: z.record(text, z.strictObject({ command, value: text })).optional(),
  readyPath: z.string().startsWith('/').optional(),
  readyWithinMs: positive.optional(),
});

const httpLoadShape = loadShape
  .pick({ ratePerSecond: true, arrivals: true, shape: true, durationMs: true, warmupMs: true, connections: true })
  .extend({ requestTimeoutMs: positive.optional() });

export const httpShape = z.strictObject({
  service,
  stages: z.record(text, service.extend({ answersDiffer: z.record(text, text).optional() })).optional(),
  requests: z.record(text, request).refine((all) => Object.keys(all).length > 0, 'at least one request is needed'),
  readings: z.record(text, reading).optional(),
  load: httpLoadShape.optional(),
});

/** What cannot be seen in the shape alone: names, and a service for every stage. */
export function httpFaults({ http, stages }: { http?: HttpSpec; stages: readonly { name: string }[] }): string[] {
  if (http === undefined) return [];
  const stageNames = stages.map((stage) => stage.name);
  const requestNames = Object.keys(http.requests);
  return [
    ...stageNames.flatMap((stage) => serviceFaults(http, stage)),
    ...Object.entries(http.stages ?? {}).flatMap(([stage, { answersDiffer = {} }]) => [
      ...unknown(stageNames, [stage], 'http.stages', 'stage'),
      ...unknown(requestNames, Object.keys(answersDiffer), `http.stages.${stage}.answersDiffer`, 'request'),
    ]),
    ...Object.entries(http.readings ?? {}).flatMap(([name, { stages = [] }]) =>
      unknown(stageNames, stages, `http.readings.${name}.stages`, 'stage'),
    ),
  ];
}

function serviceFaults(http: HttpSpec, stage: string): string[] {
  const { command, url } = serviceOf(http, stage);
  if (command !== undefined && url !== undefined) return [`http: stage ${stage} has both a command and a url`];
  return (command ?? url) ? [] : [`http: stage ${stage} has neither a command nor a url`];
}

function unknown(known: readonly string[], names: readonly string[], path: string, kind: string): string[] {
  return names
    .filter((name) => !known.includes(name))
    .map((name) => `${path}: there is no ${kind} ${name} (known: ${known.join(', ')})`);
}
