/** Finds what is wrong with the `http` part of a scenario before anything starts. */
import * as z from 'zod';
import { claimFaults, claimShape } from '../claim-check.ts';
import { loadShape } from '../load-check.ts';
import { readingUnits } from '../scenario.ts';
import { serviceOf, withVariants } from './scenario.ts';
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

const stageService = service.extend({ answersDiffer: z.record(text, text).optional() });

const stageName = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'use lower-case letters, digits and dashes');

export const httpShape = z.strictObject({
  service,
  stages: z.record(text, stageService).optional(),
  variants: z.record(stageName, stageService.extend({ like: text, description: text })).optional(),
  requests: z.record(text, request).refine((all) => Object.keys(all).length > 0, 'at least one request is needed'),
  readings: z.record(text, reading).optional(),
  claims: z.array(claimShape).optional(),
  load: httpLoadShape.optional(),
});

/** What cannot be seen in the shape alone: names, and a service for every stage. */
export function httpFaults({ http, stages }: Checked): string[] {
  if (http === undefined) return [];
  const names = stages.map((stage) => stage.name);
  const faults = Object.entries(http.variants ?? {}).flatMap(([name, { like }]) => [
    ...(names.includes(name) ? [`http.variants: the name ${name} is a stage's already`] : []),
    ...unknown(names, [like], `http.variants.${name}.like`, 'stage'),
  ]);
  faults.push(...unknown(names, Object.keys(http.stages ?? {}), 'http.stages', 'stage'));
  return faults.length > 0 ? faults : stageFaults(withVariants({ http, stages }));
}

interface Checked {
  http?: HttpSpec;
  stages: readonly { name: string; description: string }[];
}

function stageFaults({ http, stages }: Required<Checked>): string[] {
  const names = stages.map((stage) => stage.name);
  const requests = Object.keys(http.requests);
  return [
    ...names.flatMap((stage) => serviceFaults(http, stage)),
    ...Object.entries(http.stages ?? {}).flatMap(([stage, { answersDiffer = {} }]) =>
      unknown(requests, Object.keys(answersDiffer), `http.stages.${stage}.answersDiffer`, 'request'),
    ),
    ...Object.entries(http.readings ?? {}).flatMap(([name, { stages: asked = [] }]) =>
      unknown(names, asked, `http.readings.${name}.stages`, 'stage'),
    ),
    ...claimFaults(
      http.claims ?? [],
      { stages: names, transactions: requests, readings: http.readings ?? {} },
      'http.claims',
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
