/** Reads a postgresql.conf of the user's for a profile: what it says about work, not about the place where it stood. */
import { readFileSync } from 'node:fs';
import { messageOf, UsageError } from '../errors.ts';
import { isReserved } from './settings.ts';

/** A setting of the file. */
export interface FileSetting {
  /** In lower case. */
  name: string;
  value: string;
  /** From 1. */
  line: number;
}

export interface ConfigurationFile {
  settings: FileSetting[];
  /** What the file sets and a rehearsal does not take over, each with the reason. */
  leftOut: (FileSetting & { reason: string })[];
}

/**
 * Reads and parses a configuration file.
 * @throws UsageError when it cannot be read, or names every line that is no setting
 */
export function readConfigurationFile(path: string): ConfigurationFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(`The settings in ${path} cannot be read: ${messageOf(cause)}`, {
      hint: 'Correct the path of the profile in the config file.',
      cause,
    });
  }
  return parseConfiguration(text, path);
}

/**
 * Parses the text of a postgresql.conf as the server does (src/backend/utils/misc/guc-file.l): `name = value` or `name value`, `#`
 * begins a comment, the last of several lines with one name counts.
 *
 * @param path for messages
 * @throws UsageError that names every line that is no setting, and every include, which is not followed
 */
export function parseConfiguration(text: string, path: string): ConfigurationFile {
  const faults: string[] = [];
  const found = new Map<string, FileSetting>();
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    const setting = parseLine(content, index + 1);
    if (setting === undefined) continue;
    if (typeof setting === 'string') faults.push(`line ${index + 1}: ${setting}`);
    else found.set(setting.name, setting);
  }
  if (faults.length > 0) {
    throw new UsageError(
      `The settings in ${path} cannot be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
      {
        hint: 'Correct the file, or make a copy of it for the rehearsal.',
      },
    );
  }
  const all = [...found.values()].map((setting) => ({ ...setting, reason: reasonToLeaveOut(setting.name) }));
  return {
    settings: all.flatMap(({ reason, ...setting }) => (reason === undefined ? [setting] : [])),
    leftOut: all.flatMap(({ reason, ...setting }) => (reason === undefined ? [] : [{ ...setting, reason }])),
  };
}

/** Undefined for a line without a setting; a text for a fault. */
function parseLine(content: string, line: number): FileSetting | string | undefined {
  if (/^\s*(#.*)?$/.test(content)) return undefined;
  if (/^\s*include(_if_exists|_dir)?\b/i.test(content)) {
    return 'includes are not followed; put the settings of the included file here';
  }
  const pattern =
    /^\s*(?<name>[A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*)?)(?:\s*=\s*|\s+)(?<value>'(?:[^'\\]|\\.|'')*'|[^\s#'=]+)\s*(?:#.*)?$/;
  const match = pattern.exec(content);
  if (!match) return `"${content.trim()}" is not of the form name = value`;
  const { name, value } = match.groups as { name: string; value: string };
  return { name: name.toLowerCase(), value: value.startsWith("'") ? unquoted(value) : value, line };
}

/** Quotes are doubled or escaped; other escapes are those of C. */
function unquoted(text: string): string {
  const escapes: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };
  return text.slice(1, -1).replaceAll(/''|\\(.)/g, (pair, escaped?: string) => {
    return escaped === undefined ? pair.slice(1) : (escapes[escaped] ?? escaped);
  });
}

/** Settings that belong to where a server stands, with the reason; the first pattern that fits counts. */
const ofThePlace: readonly (readonly [RegExp, string])[] = [
  [
    /^(synchronous_standby_names|primary_|restore_|recovery_|promote_|hot_standby)/,
    'a clone has no other server beside it',
  ],
  [/^archive_/, 'a clone archives nothing'],
  [/^(ssl|krb_|ldap|gss_|password_encryption|db_user_namespace)/, 'a clone has its own way in'],
  [/^(log_|syslog_|event_source|cluster_name|update_process_title)/, 'a clone keeps its own log'],
  [/^(lc_|default_text_search_config)/, 'a clone has the locale of this machine'],
];

function reasonToLeaveOut(name: string): string | undefined {
  if (isReserved(name)) return 'pgrehearse chooses it';
  return ofThePlace.find(([pattern]) => pattern.test(name))?.[1];
}
