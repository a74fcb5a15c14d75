/** The table that the transactions of ./load-scenario.ts read and write. */
import type { Client } from 'pg';

export async function createAccounts(client: Client): Promise<void> {
  await client.query('CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL, name text)');
}

/** A hundred, from 1 on, with nothing in them. */
export async function fillAccounts(client: Client): Promise<void> {
  await client.query("INSERT INTO accounts SELECT id, 0, 'account ' || id FROM generate_series(1, 100) AS id");
}
