/** One database of ours on a server that somebody else runs, with settings of its own. */
import type { Settings } from '../../scenario.ts';
import { quoteIdentifier } from '../../sql.ts';
import { assertMarked } from '../mark.ts';
import type { Capabilities, ConnectionTarget, Server, SettingGap } from '../server.ts';
import { Control } from './control.ts';
import { applySettings } from './settings.ts';

export interface ExternalOptions {
  /** The maintenance database. */
  target: ConnectionTarget;
  postgres: { version: string; major: number };
  /** Name of our database; it need not exist yet. */
  database: string;
  settings: Settings;
}

/**
 * Takes a database of ours into use. Its settings are those asked for, as far as this server lets us, until it is stopped.
 * @throws UsageError when the database is there and does not carry our mark
 */
export async function useExternal(options: ExternalOptions): Promise<Server> {
  await using cleanup = new AsyncDisposableStack();
  const control = cleanup.use(await Control.open(options.target));
  const server = new ExternalServer(options, control);
  if (await control.exists(options.database)) await server.adopt();
  cleanup.move();
  return server;
}

class ExternalServer implements Server {
  readonly kind = 'external';
  readonly version: string;
  readonly major: number;
  readonly pid = undefined;
  readonly processes = [];
  readonly capabilities: Capabilities = { restart: false, configure: false, clone: true };
  gaps: readonly SettingGap[] = [];
  readonly #options: ExternalOptions;
  readonly #control: Control;
  #stopped = false;

  constructor(options: ExternalOptions, control: Control) {
    this.#options = options;
    this.#control = control;
    this.version = options.postgres.version;
    this.major = options.postgres.major;
  }

  /** Every name that the caller may know leads to the one database that is ours. */
  connection(database?: string): ConnectionTarget {
    const { target } = this.#options;
    return database === undefined ? target : { ...target, database: this.#options.database };
  }

  loopbackConnection(database: string): ConnectionTarget {
    return this.connection(database);
  }

  async makeDatabase(): Promise<void> {
    await this.#control.create(this.#options.database);
    await this.#applySettings();
  }

  async adopt(): Promise<void> {
    await assertMarked(await this.#control.client(), this.#options.database);
    await this.#applySettings();
  }

  async #applySettings(): Promise<void> {
    const { database, settings } = this.#options;
    this.gaps = await applySettings(await this.#control.client(), database, settings);
  }

  async explain(error: unknown): Promise<unknown> {
    return error;
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await using control = this.#control;
    const { database } = this.#options;
    if (await control.exists(database)) {
      const client = await control.client();
      await client.query(`ALTER DATABASE ${quoteIdentifier(database)} RESET ALL`);
    }
  }

  async shutDown(): Promise<void> {
    await this.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
