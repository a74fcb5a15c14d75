/** Answers at once, but for a tenth of every second, in which it answers nobody: what came in between waits for its end. */
import { createServer } from 'node:http';

const everyMs = 1000;
const stallMs = 100;

createServer((_request, response) => {
  const intoMs = performance.now() % everyMs;
  const answer = (): void => void response.end('ok');
  if (intoMs >= stallMs) answer();
  else setTimeout(answer, stallMs - intoMs);
}).listen(Number(process.env['PORT']), '127.0.0.1');
