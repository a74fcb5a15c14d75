/**
 * The verdict on real PostgreSQL: planted regressions of the last stage of webhooks have to fail, a planted change without effect has
 * to pass, and the stage compared with itself must raise no alarm. Tells counts and intervals; `--quick` only shows that it works.
 */
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  loadConfig,
  planRun,
  renderSummary,
  run as runPlan,
  type RunEvent,
  type RunRequest,
  type RunResult,
} from 'pgrehearse';
import { calibrate } from '../src/calibrate.ts';
import { calibrationFigures } from '../src/calibration/figures.ts';
import { defaultGate } from '../src/scenario.ts';
import type { BenchResult } from './main.ts';
import { cases } from './planted/cases.ts';

const root = resolve(import.meta.dirname, '..');
const smallScale = 0.02;

interface Setting {
  folder: string;
  request: Pick<RunRequest, 'scale' | 'comparison'> & { load: { ratePerSecond: number; durationMs?: number } };
}

/**
 * The environment variables PLANTED (names of cases; empty for none) and ROUNDS (of the stage with itself) narrow what takes hours as a
 * whole; RATE (transactions a second) is for machines that the full rate is too much for. `pgrehearse calibrate --combine` joins rounds of
 * several sessions.
 */
export async function run({ quick, scale }: { quick: boolean; scale: number | undefined }): Promise<BenchResult> {
  await mkdir(join(root, 'reports', 'runs'), { recursive: true });
  const folder = await mkdtemp(join(root, 'reports', 'runs', 'verdict-'));
  const ratePerSecond = Number(process.env['RATE'] ?? 1000);
  const setting: Setting = {
    folder,
    request: quick
      ? {
          scale: scale ?? smallScale,
          comparison: { preset: 'quick', pairs: 12, blockMs: 1000 },
          load: { ratePerSecond, durationMs: 10_000 },
        }
      : { scale: scale ?? 1, comparison: { preset: 'quick' }, load: { ratePerSecond } },
  };
  const result: BenchResult = { ratios: {}, figures: {} };
  const wanted = process.env['PLANTED']?.split(',').filter((name) => name !== '') ?? Object.keys(cases);
  for (const name of wanted) note(result, name, await plantedRun(name, setting));
  const rounds = Number(process.env['ROUNDS'] ?? (quick ? 1 : 20));
  if (rounds > 0) noteRounds(result, await selfComparison(rounds, setting));
  return result;
}

/** Says where what fell short can be read. */
function note({ figures, ratios }: BenchResult, name: string, found: RunResult): void {
  const { exitCode, gates } = found.verdict!;
  console.error(`\n${name}: ${cases[name]!.description}\n${renderSummary(found, { color: false, columns: 120 })}`);
  figures[`${name}: exit code`] = exitCode;
  const overall = gates.find((gate) => gate.name === 'typical-p95' && gate.transaction === undefined);
  if (overall?.estimate !== undefined) {
    ratios[`${name}: p95 after / before`] = overall.estimate.value;
    ratios[`${name}: low end`] = overall.estimate.low;
    ratios[`${name}: high end`] = overall.estimate.high;
  }
  for (const gate of gates)
    if (gate.outcome === 'fail') figures[`${name}: ${gate.name} ${gate.transaction ?? ''} fails`] = 1;
}

function noteRounds({ figures }: BenchResult, { calibration = [] }: RunResult): void {
  const found = calibrationFigures(calibration, defaultGate.maxRegression);
  figures['equal: rounds'] = found.rounds;
  figures['equal: false alarms'] = found.falseAlarms;
  figures['equal: upper bound of their rate'] = found.falseAlarmBound;
  figures['equal: inconclusive'] = found.inconclusive;
  figures['equal: alarms of one after the other, 10 % threshold'] = calibration.filter(
    ({ naiveRatio }) => naiveRatio > 1 + defaultGate.maxRegression,
  ).length;
}

async function plantedRun(name: string, { folder, request }: Setting): Promise<RunResult> {
  const own = join(folder, name);
  const migrations = join(own, 'migrations');
  await cp(join(root, 'migrations', 'webhooks'), migrations, { recursive: true });
  if ((await readdir(migrations)).length === 0) throw new Error('There are no migrations to plant a case after.');
  const { sql } = cases[name]!;
  if (sql !== undefined) {
    await writeFile(join(migrations, '900_planted.up.sql'), `${sql}\n`);
    await writeFile(join(migrations, '900_planted.down.sql'), 'SELECT 1;\n');
  }
  const scenario = join(own, 'scenario.mjs');
  const planting = pathToFileURL(join(root, 'bench', 'planted', 'cases.ts')).href;
  await writeFile(
    scenario,
    `import { plant } from ${JSON.stringify(planting)};\nexport default plant(${JSON.stringify(name)}, ${JSON.stringify(migrations)}, ${request.load.ratePerSecond});\n`,
  );
  const config = await loadConfig(root);
  return runPlan(await planRun({ scenario, folder: root, config, out: join(own, 'result'), ...request }), progress);
}

async function selfComparison(rounds: number, { folder, request }: Setting): Promise<RunResult> {
  const config = await loadConfig(root);
  const out = join(folder, 'equal');
  const plan = await planRun({ scenario: 'webhooks', stages: ['after'], folder: root, config, out, ...request });
  const result = await calibrate(plan, rounds, progress);
  await rm(join(out, 'samples'), { recursive: true, force: true });
  return result;
}

const progress = {
  onEvent: (event: RunEvent) => {
    if (event.type === 'note') console.error(event.text);
  },
};
