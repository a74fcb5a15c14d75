/** Settings on a server that is not ours: what can be set for one database is, the rest is told as a gap. */
import { escapeLiteral, type Client } from 'pg';
import type { Settings } from '../../scenario.ts';
import { quoteIdentifier } from '../../sql.ts';
import type { SettingGap } from '../server.ts';

interface KnownSetting {
  name: string;
  value: string;
  context: string;
  allowed: boolean;
}

/**
 * Sets what can be set for one database alone (ALTER DATABASE ... SET counts for connections from now on).
 * @param client connected anywhere on the server, as the owner of the database
 * @returns what could not be set, and differs
 */
export async function applySettings(client: Client, database: string, settings: Settings): Promise<SettingGap[]> {
  const { rows } = await client.query<KnownSetting>(
    `SELECT name, current_setting(name, true) AS value, context,
            context IN ('user', 'backend') OR has_parameter_privilege(name, 'SET') AS allowed
       FROM pg_settings WHERE name = ANY ($1)`,
    [Object.keys(settings).map((name) => name.toLowerCase())],
  );
  const known = new Map(rows.map((row) => [row.name, row]));
  const gaps: SettingGap[] = [];
  for (const [name, wanted] of Object.entries(settings)) {
    const setting = known.get(name.toLowerCase());
    const text = typeof wanted === 'boolean' ? (wanted ? 'on' : 'off') : String(wanted);
    const obstacle = obstacleTo(setting);
    if (obstacle === undefined) {
      await client.query(
        `ALTER DATABASE ${quoteIdentifier(database)} SET ${quoteIdentifier(setting!.name)} = ${escapeLiteral(text)}`,
      );
    } else if (!holdsAlready(name, setting?.value, text)) {
      gaps.push({ name, value: setting?.value ?? 'unknown', reason: obstacle });
    }
  }
  return gaps;
}

function obstacleTo(setting: KnownSetting | undefined): string | undefined {
  if (setting === undefined) return 'this server does not know it or does not show it to this role';
  if (setting.context === 'postmaster') return 'it needs a restart';
  if (['sighup', 'internal'].includes(setting.context)) return 'it counts for the whole server';
  return setting.allowed ? undefined : 'it needs a privilege that this role does not have';
}

function holdsAlready(name: string, actual: string | undefined, wanted: string): boolean {
  if (actual === undefined) return false;
  if (name === 'shared_preload_libraries') {
    const loaded = listOf(actual);
    return listOf(wanted).every((library) => loaded.includes(library));
  }
  if (name === 'max_connections') return Number(actual) >= Number(wanted);
  // "auto" computes identifiers as soon as pg_stat_statements is loaded.
  if (name === 'compute_query_id') return actual === wanted || (actual === 'auto' && wanted === 'on');
  return baseValue(actual) === baseValue(wanted);
}

function listOf(text: string): string[] {
  return text.split(',').map((item) => item.trim());
}

/** PostgreSQL's units in kB and ms (manual, "Parameter Names and Values"). */
const units: Record<string, number> = {
  kB: 1,
  MB: 2 ** 10,
  GB: 2 ** 20,
  TB: 2 ** 30,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function baseValue(text: string): string {
  const [, number, unit] = /^(-?[\d.]+) ?([A-Za-z]+)?$/.exec(text.trim()) ?? [];
  if (number === undefined) return text.trim().toLowerCase();
  return String(Number(number) * (unit === undefined ? 1 : (units[unit] ?? 1)));
}
