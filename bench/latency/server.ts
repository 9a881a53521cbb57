import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json, text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { capture, type nn, noGrad, type Tensor, tensor } from 'nabla';
import { type Measured, measured } from './measured.js';

const client = fileURLToPath(new URL('client.mjs', import.meta.url));

/** How long a server in this process takes to answer what the model says of an image, asked by another process for so many milliseconds. */
export async function answerTimes(model: nn.Sequential<nn.Layer[]>, duration: number): Promise<Measured> {
  const classify = capture((image: Tensor) => noGrad(() => model.forward(image).softmax(1)));
  const server = createServer(async (request, response) => {
    const { pixels } = JSON.parse(await text(request));
    response.end(JSON.stringify([...classify(tensor([pixels])).toTypedArray()]));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    return await askFor(port, duration);
  } finally {
    server.close();
  }
}

async function askFor(port: number, duration: number): Promise<Measured> {
  const child = spawn(process.execPath, [client, String(port), String(duration)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [times] = await Promise.all([json(child.stdout) as Promise<number[]>, once(child, 'close')]);
  return measured(times);
}
