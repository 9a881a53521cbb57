import type { Adapter } from '../adapter.js';
import { camelCase } from '../arrange.js';
import { CaseValues } from '../case-values.js';
import type { ErrorsCase } from '../format.js';
import type { Module } from '../library.js';
import { Mismatch, NotSupported } from '../outcome.js';

/** A call that PyTorch refuses must throw a NablaError; anything else that is thrown is a leak. */
export function runErrors(c: ErrorsCase, adapter: Adapter): void {
  const values = new CaseValues(adapter, c.tensors, c.requires_grad);
  const attempt = prepare(c, values, adapter);
  try {
    attempt();
  } catch (error) {
    if (error instanceof adapter.nabla.NablaError) return;
    throw error;
  }
  if (isAboutFloats(c)) throw new NotSupported('refused in PyTorch: 3.0, which JavaScript does not tell from 3');
  if (isAboutNumbers(c)) throw new NotSupported('refused in PyTorch: a number where nabla takes numbers for tensors');
  throw new Mismatch(`accepted, but PyTorch says: ${c.error.type}: ${c.error.message.split('\n')[0]}`);
}

/** The call that must fail, with everything made that must not. */
function prepare(c: ErrorsCase, values: CaseValues, adapter: Adapter): () => unknown {
  switch (c.kind) {
    case 'op': {
      const callee = adapter.callee(c.call);
      const [args, kwargs] = [values.list(c.args), values.named(c.kwargs)];
      return () => callee(args, kwargs);
    }
    case 'init': {
      const callee = adapter.callee(`torch.nn.init.${c.name}`);
      const args = [adapter.nabla.zeros([...c.shape]), ...values.list(c.args)];
      return () => callee(args, values.named(c.kwargs));
    }
    case 'module': {
      const construct = () => adapter.module(c.name, values.list(c.ctor_args), values.named(c.ctor_kwargs));
      adapter.requireClass(`nn.${c.name}`);
      if (c.error_on === 'construct') return construct;
      if (isRefusedEarlier(c, construct, adapter)) {
        throw new NotSupported('refused before what is wrong: PyTorch takes any value for a flag');
      }
      const call = (module: Module) => adapter.forward(module, c.name, values.list(c.args), values.named(c.kwargs));
      if (isSaidEarlier(c, construct, adapter)) return construct;
      const module = construct();
      return () => call(module);
    }
    case 'optim': {
      adapter.requireClass(`optim.${c.name}`);
      const params = c.params === 'default' ? defaultParameters(adapter) : values.value(c.params);
      return () => adapter.optimizer(c.name, params, values.named(c.kwargs));
    }
    default:
      return c satisfies never;
  }
}

function defaultParameters({ nabla }: Adapter): unknown[] {
  return [nabla.zeros([2, 2], { requiresGrad: true }), nabla.zeros([3, 1], { requiresGrad: true })];
}

/** Python's dispatch refused a number as an operand; nabla takes numbers wherever a tensor operand is, by design. */
function isAboutNumbers(c: ErrorsCase): boolean {
  const hasNumber = c.kind === 'op' && c.args.some((arg) => typeof arg === 'number');
  return (
    hasNumber &&
    ['TypeError', 'AttributeError'].includes(c.error.type) &&
    /must be Tensor|combination of arguments|descriptor|'int' object has no attribute/.test(c.error.message)
  );
}

function isAboutFloats(c: ErrorsCase): boolean {
  return c.kind === 'module' && /should be of type int, got: float/.test(c.error.message);
}

/** PyTorch takes a text for a flag that is set, and refuses the call that follows; nabla refuses the text. */
function isRefusedEarlier(c: ErrorsCase, construct: () => unknown, { nabla }: Adapter): boolean {
  if (c.kind !== 'module' || !c.ctor_args.some((arg) => typeof arg === 'string')) return false;
  try {
    construct();
    return false;
  } catch (error) {
    return error instanceof nabla.NablaError && /must be true or false/.test(error.message);
  }
}

/** An option that PyTorch refuses when the module is called may be refused, by its name, when the module is made. */
function isSaidEarlier(c: ErrorsCase, construct: () => unknown, { nabla }: Adapter): boolean {
  if (c.kind !== 'module') return false;
  try {
    construct();
    return false;
  } catch (error) {
    if (!(error instanceof nabla.NablaError)) throw error;
    const { message } = error;
    const isMeant = (name: string) => c.error.message.includes(name) && message.includes(camelCase(name));
    return Object.keys(c.ctor_kwargs).some(isMeant);
  }
}
