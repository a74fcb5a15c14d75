/**
 * Environment of every PostgreSQL program that we start: nothing of the caller's PG* variables, locale or time zone, so
 * that the same run behaves the same everywhere.
 */
export function serverEnvironment(): NodeJS.ProcessEnv {
  const kept = ['PATH', 'SystemRoot', 'TEMP', 'TMP'].filter((name) => process.env[name] !== undefined);
  return { ...Object.fromEntries(kept.map((name) => [name, process.env[name]])), LC_ALL: 'C', TZ: 'UTC' };
}
