/** One endpoint of the service that stalls. */
import { fileURLToPath } from 'node:url';
import type { HttpScenarioSpec } from '../../src/http/spec.ts';

const program = fileURLToPath(new URL('../peers/stalling-service.ts', import.meta.url));

const scenario: HttpScenarioSpec = {
  name: 'stalling',
  title: 'A service that stalls',
  description: 'A tenth of every second without an answer',
  stages: [{ name: 'only', description: 'as it is' }],
  http: {
    service: { command: [process.execPath, '--no-warnings', program] },
    requests: {
      ask: { description: 'ask', weight: 1, access: 'read', request: () => ({ method: 'GET', path: '/' }) },
    },
  },
};
export default scenario;
