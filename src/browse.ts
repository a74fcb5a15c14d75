/** A folder of results in the browser: a list, each report, any two side by side. Read-only, on loopback. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { compareResults } from './compare-results.ts';
import { messageOf, PgrehearseError } from './errors.ts';
import { renderComparison } from './report/markdown-compare.ts';
import { renderHtml, renderPage } from './report/html.ts';
import { renderResultList } from './report/html-list.ts';
import type { RunResult } from './result.ts';
import { collectResults } from './trend/collect.ts';

const loopback = '127.0.0.1';

/** A server that shows the folder as it is at each request; disposing closes it. */
export class ResultBrowser implements AsyncDisposable {
  readonly #folder: string;
  readonly #server: Server;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /**
   * @param port 0 for a free one
   * @throws UsageError when the folder holds no result, EnvironmentError's cause when the port is taken
   */
  static async open(folder: string, port: number): Promise<ResultBrowser> {
    await collectResults(folder);
    const browser = new ResultBrowser(folder);
    browser.#server.listen({ port, host: loopback });
    await once(browser.#server, 'listening');
    return browser;
  }

  get url(): string {
    return `http://${loopback}:${(this.#server.address() as AddressInfo).port}/`;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const { status, body } = await this.#page(request);
      const type = 'text/html; charset=utf-8';
      response.writeHead(status, {
        'content-type': type,
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
      });
      response.end(request.method === 'HEAD' ? undefined : body);
    } catch (error) {
      response.writeHead(500, { 'content-type': 'text/plain; charset=utf-8' });
      response.end(error instanceof PgrehearseError ? error.message : `This was not expected: ${messageOf(error)}`);
    }
  }

  async #page({ method, url = '/', headers }: IncomingMessage): Promise<{ status: number; body: string }> {
    if (method !== 'GET' && method !== 'HEAD') return notFound('Only reading is possible here.', 405);
    // Another site's name that was made to point here must not read the results (DNS rebinding).
    const { port } = new URL(this.url);
    if (headers.host !== `${loopback}:${port}` && headers.host !== `localhost:${port}`) {
      return notFound('This address is not served.', 403);
    }
    const { results, faults } = await collectResults(this.#folder);
    const { pathname, searchParams } = new URL(url, this.url);
    const named = (id: string | null): RunResult | undefined => results.find((result) => result.id === id);
    if (pathname === '/') return { status: 200, body: renderResultList(results, faults) };
    if (pathname === '/compare') return compared(named(searchParams.get('a')), named(searchParams.get('b')));
    const result = pathname.startsWith('/runs/')
      ? named(decodeURIComponent(pathname.slice('/runs/'.length)))
      : undefined;
    return result === undefined ? notFound('There is no such page.') : { status: 200, body: await renderHtml(result) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

function compared(a: RunResult | undefined, b: RunResult | undefined): { status: number; body: string } {
  if (a === undefined || b === undefined) return notFound('Choose two runs to compare.');
  const comparison = compareResults(a, b, { anyway: true });
  return { status: 200, body: renderPage('Two runs side by side', renderComparison(comparison)) };
}

function notFound(sentence: string, status = 404): { status: number; body: string } {
  return { status, body: renderPage(sentence, `# ${sentence}`) };
}
