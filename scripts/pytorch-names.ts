/** Writes docs/coming-from-pytorch.md: what PyTorch's names are called here, and which are not here. `npm run docs:names` */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as nabla from 'nabla';
import * as data from 'nabla/data';

const path = (relative: string): string => fileURLToPath(new URL(`../${relative}`, import.meta.url));

export const PAGE = path('docs/coming-from-pytorch.md');

/** Between these the page is written by this script. */
const [START, END] = ['<!-- names:start -->\n', '<!-- names:end -->'];

interface Place {
  readonly space: object;
  /** What stands before a name here. */
  readonly prefix: string;
}

const inNabla = (space: object, prefix: string): Place => ({ space, prefix });

/** Where the names of a namespace of PyTorch are, in order. */
const PLACES: Readonly<Record<string, readonly Place[]>> = {
  torch: [inNabla(nabla, ''), inNabla(nabla.nn.functional, 'nn.functional.')],
  'torch.Tensor': [inNabla(nabla.Tensor.prototype, 'x.')],
  'torch.nn': [inNabla(nabla.nn, 'nn.')],
  'torch.nn.Module': [inNabla(nabla.nn.Module.prototype, 'module.')],
  'torch.nn.functional': [inNabla(nabla.nn.functional, 'nn.functional.'), inNabla(nabla, '')],
  'torch.nn.init': [inNabla(nabla.nn.init, 'nn.init.')],
  'torch.nn.utils': [inNabla(nabla.nn.utils, 'nn.utils.')],
  'torch.nn.utils.parametrizations': [inNabla(nabla.nn.utils.parametrizations, 'nn.utils.parametrizations.')],
  'torch.nn.utils.parametrize': [inNabla(nabla.nn.utils.parametrize, 'nn.utils.parametrize.')],
  'torch.nn.utils.rnn': [inNabla(inside(nabla.nn.utils, 'rnn'), 'nn.utils.rnn.')],
  'torch.linalg': [inNabla(nabla.linalg, 'linalg.')],
  'torch.special': [inNabla(nabla.special, 'special.')],
  'torch.fft': [inNabla(inside(nabla, 'fft'), 'fft.')],
  'torch.optim': [inNabla(nabla.optim, 'optim.')],
  'torch.optim.lr_scheduler': [inNabla(nabla.optim.lrScheduler, 'optim.lrScheduler.')],
  'torch.optim.swa_utils': [inNabla(nabla.optim.swaUtils, 'optim.swaUtils.')],
  'torch.autograd': [inNabla(nabla.autograd, 'autograd.'), inNabla(nabla, '')],
  'torch.autograd.functional': [inNabla(inside(nabla.autograd, 'functional'), 'autograd.functional.')],
  'torch.distributions': [inNabla(inside(nabla, 'distributions'), 'distributions.')],
  'torch.utils.data': [inNabla(data, 'nabla/data ')],
};

/** A namespace that there may be, or not yet. */
function inside(space: object, name: string): object {
  return (Reflect.get(space, name) as object | undefined) ?? {};
}

/** What is said of names that PyTorch has as functions and as methods. */
const functionAndMethod = (names: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(names).flatMap(([name, here]) => ['torch', 'torch.Tensor'].map((at) => [`${at}.${name}`, here])),
  );

/** What is called otherwise, or done in another way. */
const OTHERWISE: Readonly<Record<string, string>> = {
  'torch.compile': '`capture`, for whole steps',
  'torch.from_numpy': '`tensor`, of typed arrays',
  'torch.frombuffer': '`tensor`, of typed arrays',
  'torch.as_tensor': '`tensor`',
  'torch.asarray': '`tensor`',
  'torch.save': '`nabla/io saveSafetensors`',
  'torch.load': '`nabla/io loadSafetensors`',
  'torch.is_tensor': '`x instanceof Tensor`',
  'torch.numel': '`x.numel`',
  'torch.inference_mode': '`noGrad`',
  'torch.autograd.set_detect_anomaly': '`autograd.detectAnomaly`',
  'torch.nn.Module.forward': '`module.forward`',
  'torch.Tensor.numpy': '`x.toTypedArray()`',
  'torch.Tensor.as_strided_': '`x.asStrided`: views taken before would not know of later ones',
  'torch.Tensor.tolist': '`x.toArray()`',
  'torch.Tensor.size': '`x.shape`',
  'torch.Tensor.dim': '`x.ndim`',
  'torch.Tensor.stride': '`x.strides`',
  'torch.Tensor.mT': '`x.transpose(-2, -1)`',
  'torch.Tensor.T': '`x.t()`, for matrices',
  'torch.Tensor.data': '`x.detach()`',
  'torch.Tensor.cpu': '`x`: there is nothing else',
  'torch.nn.Module.cpu': '`module`: there is nothing else',
  'torch.nn.Module.register_module': '`module.registerModule`',
  'torch.nn.Buffer': '`module.registerBuffer`',
  'torch.nn.Module.compile': '`capture`, for whole steps',
  'torch.set_grad_enabled': '`noGrad`, `enableGrad`',
  'torch.utils.data.Dataset': 'anything with `length` and `get(index)`',
  'torch.utils.data.IterableDataset': 'anything that can be iterated over: the type `IterableDataset`',
  'torch.utils.data.Sampler': 'anything that can be iterated over for indices: the type `Sampler`',
  'torch.initial_seed': '`defaultGenerator.initialSeed()`',
  'torch.seed': '`manualSeed`, of a random number',
  'torch.get_rng_state': '`defaultGenerator.getState()`',
  'torch.set_rng_state': '`defaultGenerator.setState(state)`',
  ...functionAndMethod({
    cholesky: '`linalg.cholesky`',
    lu_solve: '`linalg.luSolve`, with what is solved for last',
    orgqr: '`linalg.householderProduct`',
    qr: '`linalg.qr`',
    svd: '`linalg.svd`, which gives the transpose of V',
    triangular_solve: '`linalg.solveTriangular`, with what is solved for last',
  }),
};

const camelCase = (name: string): string =>
  name.replace(/(?<=.)_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** What a name is here, as it is written in the page; null where there is nothing. */
export function nablaNameOf(namespace: string, name: string): string | null {
  const otherwise = OTHERWISE[`${namespace}.${name}`];
  const called = camelCase(name);
  const place = PLACES[namespace]?.find(({ space }) => called in space);
  if (place !== undefined) return `\`${place.prefix}${called}\``;
  return otherwise ?? null;
}

function section(namespace: string, names: readonly string[]): string {
  const found = names.map((name) => [name, nablaNameOf(namespace, name)] as const);
  const here = found.filter(([, called]) => called !== null);
  const missing = found.filter(([, called]) => called === null).map(([name]) => `\`${name}\``);
  const rows = here.map(([name, called]) => `| \`${name}\` | ${called} |`);
  const table = rows.length === 0 ? [] : [`| ${namespace} | nabla |`, '|---|---|', ...rows, ''];
  const rest = missing.length === 0 ? 'Nothing is missing.' : `Not here: ${missing.join(', ')}.`;
  return [`### ${namespace}`, '', `${here.length} of ${names.length}.`, '', ...table, rest, ''].join('\n');
}

interface Names {
  readonly torch: readonly string[];
  readonly [namespace: string]: readonly string[];
}

/** The page as it should be, from what it is. */
export async function currentPage(page: string): Promise<string> {
  const names: Names = JSON.parse(await readFile(path('test/fixtures/pytorch-names.json'), 'utf8'));
  // What is a function and a method in PyTorch is both here, so that the function says enough.
  const functions = new Set(names.torch);
  const sections = Object.entries(names).map(([namespace, all]) => {
    const isMethodOnly = (name: string) => !functions.has(name) || nablaNameOf(namespace, name) === null;
    return section(namespace, namespace === 'torch.Tensor' ? all.filter(isMethodOnly) : all);
  });
  const [before, rest = ''] = page.split(START);
  const [, after] = rest.split(END);
  return `${before}${START}\n${sections.join('\n')}\n${END}${after}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(PAGE, await currentPage(await readFile(PAGE, 'utf8')));
}
