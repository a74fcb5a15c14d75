/** Entry of the process that killed-runner.ts starts: one migration to its end, told statement by statement. */
import { migrate } from '../migrate.ts';
import { statementBegins, type RunnerOrder } from './killed-runner.ts';

function onStatement(_migration: unknown, _statement: unknown, status: 'started' | 'finished'): void {
  if (status === 'started') process.send!(statementBegins);
}

// Whoever started it is gone, or has been told all.
process.once('disconnect', () => process.exit());

process.once('message', ({ connection, migrations }: RunnerOrder) => {
  migrate(connection, migrations, { onStatement }).then(
    () => process.disconnect(),
    () => {
      process.exitCode = 1;
      process.disconnect();
    },
  );
});
