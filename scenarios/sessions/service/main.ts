/**
 * The service in front of the sessions database: `DATABASE_URL=postgres://... node scenarios/sessions/service/main.ts`.
 * settings.ts lists what the environment may say. Ends by SIGTERM or SIGINT when the requests under way are answered.
 */
import { buildService } from './service.ts';
import { readSettings } from './settings.ts';

/** For a database that keeps a request waiting for ever. */
const patienceMs = 8_000;

try {
  const settings = readSettings(process.env);
  const service = await buildService(settings);
  const stop = () => {
    setTimeout(() => process.exit(1), patienceMs).unref();
    void service.close();
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  // This machine only: none of the endpoints asks who you are.
  const address = await service.listen({ host: '127.0.0.1', port: settings.PORT });
  process.stdout.write(`The sessions service listens on ${address}.\n`);
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
