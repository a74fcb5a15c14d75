/** One clone in a comparison: its connections, which stay open, and what is observed of it. */
import { join } from 'node:path';
import { Client } from 'pg';
import { LoadSession } from '../load/engine.ts';
import { planTransactions } from '../load/executor.ts';
import { costsByTransaction } from '../observe/costs.ts';
import { checkpointsBegun } from '../observe/checkpoints.ts';
import { besideHost } from '../observe/host.ts';
import { runsOf, workingServers, type WorkingServer } from '../observe/servers.ts';
import { readWork, recogniseStatements, resetWork, type RecognisedStatement } from '../observe/statements.ts';
import type { LiveStage, Rehearsal } from '../rehearsal.ts';
import type { LoadSpec } from '../scenario.ts';
import { warmServer } from '../warm-server.ts';
import type { PairedBlock, Side, StatementPlan, TransactionWork } from './record.ts';
import { pairedBlock } from './paired-block.ts';

/** One block to drive. */
export interface SideBlock {
  /** Of its samples file. */
  name: string;
  /** Blocks of the same number get the same arrivals and parameters. */
  number: number;
  /** What of the stage's load is the block's own. */
  load: Pick<LoadSpec, 'warmupMs' | 'durationMs'>;
  signal: AbortSignal | undefined;
}

/** A service in front of a clone. */
export interface ComparedService extends AsyncDisposable {
  readonly origin: string;
  /** Aborted with the error to tell when it ended by itself. */
  readonly died: AbortSignal;
}

/** What a side needs to be driven. */
interface SideContext {
  live: LiveStage;
  /** Of this run: what else uses the processor is foreign. */
  processes: ReadonlySet<number>;
  rehearsal: Rehearsal;
  /** For the raw samples, beside the result. */
  samplesFolder: string;
  /** Gets the load in place of the clone. */
  service: ComparedService | undefined;
}

export class ComparedSide implements AsyncDisposable {
  readonly #side: Side;
  readonly #context: SideContext;
  readonly #session: LoadSession;
  /** Looks at the server between blocks. */
  readonly #observer: Client;
  readonly #runs = new Map<string, number>();
  readonly #statements = new Map<WorkingServer, RecognisedStatement[]>();

  private constructor(side: Side, context: SideContext, session: LoadSession, observer: Client) {
    this.#side = side;
    this.#context = context;
    this.#session = session;
    this.#observer = observer;
  }

  /** Opens the connections. */
  static async open(side: Side, context: SideContext): Promise<ComparedSide> {
    const { live, rehearsal, service } = context;
    const { plan } = rehearsal;
    await using cleanup = new AsyncDisposableStack();
    const session = cleanup.use(
      await LoadSession.open({
        scenarioFile: plan.scenarioFile,
        stage: live.planned.spec.name,
        ...(service === undefined ? live.route : { origin: service.origin }),
        seed: plan.seed,
        scale: plan.scale,
        load: live.planned.load,
        workers: plan.workers,
      }),
    );
    const observer = new Client({ ...live.connection, application_name: 'pgrehearse observer' });
    // A connection that breaks while idle must not end the process; the next query tells.
    observer.on('error', () => {});
    await observer.connect();
    cleanup.move();
    return new ComparedSide(side, context, session, observer);
  }

  /** Leaves nothing to be read in or to be written out in the first blocks. */
  async rest(): Promise<void> {
    const { live, rehearsal } = this.#context;
    await warmServer(live.server, live.connection, rehearsal.journal.signal);
  }

  /** From here on the server's work counts. */
  async beginCounting(): Promise<void> {
    const { live, rehearsal, service } = this.#context;
    const { scenario } = rehearsal.plan;
    // Which statements a request leads to, only the service knows.
    if (service !== undefined) return;
    this.#statements.clear();
    this.#runs.clear();
    for (const server of workingServers(live.route, planTransactions(scenario, live.planned.spec)).flatMap(
      (one) => one ?? [],
    )) {
      this.#statements.set(server, await recogniseStatements(server.connection, server.transactions));
      await resetWork(server.connection);
    }
  }

  async drive({ name, number, load, signal }: SideBlock): Promise<PairedBlock> {
    const { live, rehearsal, processes, samplesFolder, service } = this.#context;
    const { plan, journal } = rehearsal;
    const samplesName = `${samplesFolder}/${name}.bin`;
    const checkpoints = await this.#checkpoints();
    const { done: block, beside } = await besideHost(processes, () =>
      this.#session.runBlock({
        id: name,
        blockNumber: number,
        load: { ...live.planned.load, ...load },
        slo: plan.slo,
        samplesPath: join(journal.folder, samplesName),
        samplesName,
        signal,
      }),
    );
    service?.died.throwIfAborted();
    live.died?.throwIfAborted();
    for (const { name, sent = 0 } of block.transactions) this.#runs.set(name, (this.#runs.get(name) ?? 0) + sent);
    return {
      ...pairedBlock(this.#side, block, plan.slo.limitMs),
      ...beside,
      checkpoints: (await this.#checkpoints()) - checkpoints,
    };
  }

  #checkpoints(): Promise<number> {
    return checkpointsBegun(this.#observer, this.#context.live.server.major);
  }

  /** How the server carries out each statement now. */
  statementPlans(): StatementPlan[] {
    return [...this.#statements.values()].flat().map(({ transaction, statement, shape }) => ({
      transaction,
      statement,
      side: this.#side,
      shape,
    }));
  }

  /** What the server did for each transaction since `beginCounting`. */
  async work(): Promise<TransactionWork[]> {
    const work: TransactionWork[] = [];
    for (const [server, statements] of this.#statements) {
      const counters = await readWork(server.connection);
      if (counters === undefined) continue;
      const costs = costsByTransaction(runsOf(server, this.#runs), statements, counters);
      work.push(...costs.map((cost) => ({ ...cost, side: this.#side })));
    }
    return work;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
    await this.#observer.end();
  }
}
