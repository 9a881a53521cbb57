import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';

/** What is wrong with a request, and the status that says so. */
export class RequestError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What answers: an object as JSON, or a text. */
export type Handler = (request: IncomingMessage) => Promise<object | string> | object | string;

/** Answers by method and path, such as `POST /predict`, and counts. */
export interface Service {
  readonly server: Server;
  /** Lines in the format of Prometheus: requests by status, and how long they took. */
  metrics(): string[];
  /** Takes no more requests, and resolves when those under way are answered, or cut off. */
  stop(): Promise<void>;
}

const MAX_BODY_BYTES = 65_536;
/** A request that takes longer to arrive is cut off. */
const REQUEST_TIMEOUT_MS = 10_000;
/** How often such requests are looked for. */
const TIMEOUT_CHECK_MS = 1000;
/** When the service stops, requests that are under way have so long to end. */
const GRACE_MS = 5000;

/** The body of a request, up to a limit. */
export async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Not destroyed when left early: the connection is still to carry the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new RequestError(413, `the body is longer than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** @param statusOf the status for an error that is no `RequestError`, where it has one */
export function createService(
  handlers: Readonly<Record<string, Handler>>,
  statusOf: (error: unknown) => number | undefined,
): Service {
  const counts = new Map<number, number>();
  let seconds = 0;

  const answer = async (request: IncomingMessage): Promise<{ status: number; body: object | string }> => {
    try {
      return { status: 200, body: await handlerOf(request)(request) };
    } catch (error) {
      const status = error instanceof RequestError ? error.status : statusOf(error);
      if (status !== undefined) return { status, body: { error: (error as Error).message } };
      // Nobody is there to be answered.
      if (request.destroyed && !request.complete) return { status: 400, body: { error: 'the request did not end' } };
      console.error(error);
      return { status: 500, body: { error: 'internal error' } };
    }
  };

  function handlerOf({ method, url }: IncomingMessage): Handler {
    const [path] = url!.split('?', 1);
    // What is answered to HEAD is sent without its body.
    const handler = handlers[`${method === 'HEAD' ? 'GET' : method} ${path}`];
    if (handler !== undefined) return handler;
    const known = Object.keys(handlers);
    if (known.some((name) => name.endsWith(` ${path}`))) throw new RequestError(405, `not with ${method}`);
    throw new RequestError(404, `there is only ${known.join(', ')}`);
  }

  const timeouts = {
    requestTimeout: REQUEST_TIMEOUT_MS,
    headersTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
  };
  const server = createServer(timeouts, async (request, response) => {
    const start = performance.now();
    const { status, body } = await answer(request);
    const isText = typeof body === 'string';
    response.writeHead(status, {
      'content-type': isText ? 'text/plain; version=0.0.4' : 'application/json',
      ...(status === 503 && { 'retry-after': '1' }),
      // A body that was not read to its end would be taken for the next request.
      ...(!(request.complete && server.listening) && { connection: 'close' }),
    });
    response.end(isText ? body : `${JSON.stringify(body)}\n`);
    counts.set(status, (counts.get(status) ?? 0) + 1);
    seconds += (performance.now() - start) / 1000;
  });

  return {
    server,
    async stop() {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      // A server that closes looks for no timeouts any more.
      const grace = setTimeout(() => server.closeAllConnections(), GRACE_MS);
      await closed;
      clearTimeout(grace);
    },
    metrics: () => [
      '# TYPE http_requests_total counter',
      ...[...counts].map(([status, count]) => `http_requests_total{status="${status}"} ${count}`),
      '# TYPE http_request_seconds summary',
      `http_request_seconds_sum ${seconds}`,
      `http_request_seconds_count ${[...counts.values()].reduce((sum, count) => sum + count, 0)}`,
    ],
  };
}
