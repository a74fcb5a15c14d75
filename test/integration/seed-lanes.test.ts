import { expect, test } from 'vitest';
import { EnvironmentError } from 'pgrehearse';
import { TaskLanes, type Task } from '../../src/seed/task-lanes.ts';
import { startTestServer } from './postgres.ts';

function task(statement: string, size = 1): Task {
  return { phase: 'index', table: 't', size, text: statement, statement };
}

test('the largest tasks go first, over as many connections as were opened', async () => {
  await using server = await startTestServer();
  const started: string[] = [];
  await using lanes = new TaskLanes(server.connection(), ({ text }) => started.push(text));
  const first = lanes.run([task('SELECT 1', 1), task('SELECT 3', 3)]);
  const second = lanes.run([task('SELECT 2', 2)]);
  expect(started).toEqual([]);
  lanes.open();
  await Promise.all([first, second]);
  expect(started).toEqual(['SELECT 3', 'SELECT 2', 'SELECT 1']);
  const sleepers = lanes.run([task('SELECT pg_sleep(0.2)'), task('SELECT pg_sleep(0.2)')]);
  lanes.open();
  await sleepers;
  expect(started.length).toBe(5);
});

test('closing ends what runs', async () => {
  await using server = await startTestServer();
  let started = 0;
  const lanes = new TaskLanes(server.connection(), () => started++);
  const sleeping = lanes.run([task('SELECT pg_sleep(600)')]);
  const told = expect(sleeping).rejects.toThrow(/terminat/i);
  lanes.open();
  await expect.poll(() => started).toBe(1);
  await lanes[Symbol.asyncDispose]();
  await told;
});

test('a connection that cannot be had fails the tasks that wait, and later ones', async () => {
  await using lanes = new TaskLanes({ host: '127.0.0.1', port: 1, user: 'nobody', database: 'none' }, () => {});
  const waiting = lanes.run([task('SELECT 1')]);
  lanes.open();
  await expect(waiting).rejects.toThrow(EnvironmentError);
  await expect(lanes.run([task('SELECT 1')])).rejects.toThrow('A connection for building indexes failed');
});
