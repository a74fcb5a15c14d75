/** The shapes that people write for an HTTP service: how it is started, what it is asked, what a right answer is. */
import type { ClaimSpec, Draw, GateSpec, LoadSpec, ReadingSpec, SloSpec } from '../scenario.ts';

/** One request, as it goes to the service. */
export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its query, from the slash on. */
  path: string;
  headers?: Readonly<Record<string, string>>;
  /** Text is sent as it is; anything else as JSON, with the content type that says so. */
  body?: unknown;
  /**
   * The request that follows from a right answer (JSON is parsed), if one does: to use what was handed out, or to end what was begun. It belongs
   * to the same arrival, whose time goes on, and the same check holds for it.
   */
  next?: (body: any) => HttpRequest | undefined;
}

/** What makes an answer a right one. */
export interface AnswerCheck {
  /** Default: 200 to 299. Any other status counts as an error, as users see it. */
  status?: number | readonly number[];
  /**
   * Whether the body is right: JSON is parsed, anything else is a string. An answer for which this is false is a wrong answer, and
   * one wrong answer breaks correctness (exit code 6).
   */
  body?(body: unknown, request: HttpRequest): boolean;
}

/** A named, weighted kind of request. */
export interface RequestSpec {
  /** One line for reports. */
  description: string;
  /** Share of arrivals, relative to the sum of all weights. */
  weight: number;
  /** The answers of reads are compared between stages before the load. */
  access: 'read' | 'write';
  /** Draws one request. Must depend on `draw` only: every stage is asked the same. */
  request(draw: Draw): HttpRequest;
  check?: AnswerCheck;
  /**
   * How old an answer may be, by its `Age` header (RFC 9111, section 5.1; whole seconds). An older one is a wrong answer.
   * An answer without the header says nothing of its age and passes.
   */
  maxStaleMs?: number;
  /** The part of the body that stages must agree on, where the whole holds instants or random values. Default: all of it. */
  compared?(body: unknown): unknown;
}

/** A program that a started service needs beside its database. */
export interface CompanionSpec {
  /** Program and arguments; `$PORT` stands for a free port of its own. Ready when that accepts connections. */
  command: readonly string[];
  /** What the service finds in the variable, with `$PORT` too: `redis://127.0.0.1:$PORT`. */
  value: string;
}

/** A service that we start for each stage, or one that runs already. */
export interface ServiceSpec {
  /**
   * Program and arguments, started in the project's folder. It finds the port to listen on in PORT and, where the scenario has a
   * workload, the stage's own database in DATABASE_URL.
   */
  command?: readonly string[];
  /** Where a service listens that is not ours: nothing is started, and its database is left alone. In place of `command`. */
  url?: string;
  /** Variables of the started service, on top of ours. */
  env?: Readonly<Record<string, string>>;
  /** By the variable that tells the service where: started before it and stopped after it. One that ends in mid-run is told, no more. */
  beside?: Readonly<Record<string, CompanionSpec>>;
  /** Asked until it answers with 200 to 299. Default: any answer to `/` will do. */
  readyPath?: string;
  /** A service that is not ready by then has failed. Default 30 s. */
  readyWithinMs?: number;
}

/** A figure that the service tells of itself, taken right after the load. */
export interface HttpReadingSpec {
  /** Names the figure in reports. */
  description: string;
  unit: ReadingSpec['unit'];
  /** Asked with GET; the answer is JSON. */
  path: string;
  /** Finds the number in the answer. */
  value: (body: any) => number;
  /** Stages in which it can be asked; default all. */
  stages?: readonly string[];
}

/** What one stage has different. */
export interface StageServiceSpec extends ServiceSpec {
  /** Requests whose answers may differ from the first stage, each with the reason. They are not compared. */
  answersDiffer?: Readonly<Record<string, string>>;
}

/** A stage that only requests have: the database of another one, and something different about the service. */
export interface VariantSpec extends StageServiceSpec {
  /** The stage whose database and service it starts from. */
  like: string;
  /** One line for reports. */
  description: string;
}

/** The load of requests. */
export interface HttpLoadSpec extends Pick<
  LoadSpec,
  'ratePerSecond' | 'arrivals' | 'shape' | 'durationMs' | 'warmupMs' | 'keepCoresAwake'
> {
  /** Connections that are kept alive, one request at a time on each. Default 100. */
  connections: number;
  /** Answers that take longer are given up and counted as timed out. Default 10 s. */
  requestTimeoutMs: number;
}

/** An HTTP service and what it is asked. */
export interface HttpSpec {
  service: ServiceSpec;
  /** By stage: what replaces parts of `service`; variables are added to its own. */
  stages?: Readonly<Record<string, StageServiceSpec>>;
  /** Further stages, by name; they come before the last one. */
  variants?: Readonly<Record<string, VariantSpec>>;
  requests: Readonly<Record<string, RequestSpec>>;
  readings?: Readonly<Record<string, HttpReadingSpec>>;
  /** Promised figures of requests; those of the scenario are about transactions. */
  claims?: readonly ClaimSpec[];
  /** Connections apart, the scenario's own load holds where this says nothing. */
  load?: Partial<HttpLoadSpec>;
}

/** A scenario for `pgrehearse http` alone: no workload, so no database of ours. */
export interface HttpScenarioSpec {
  name: string;
  title: string;
  description: string;
  http: HttpSpec;
  /** In order: the first is "before", the last is "after". */
  stages: readonly { name: string; description: string }[];
  slo?: Partial<SloSpec>;
  gate?: Partial<GateSpec>;
}

/** Gives a scenario of a service without a workload its type; the file exports the result as default. */
export function defineHttpScenario(scenario: HttpScenarioSpec): HttpScenarioSpec {
  return scenario;
}
