import {
  type Application,
  Comment,
  type CommentDisplayPart,
  type Context,
  Converter,
  type DeclarationReflection,
  IntrinsicType,
  PageEvent,
  ParameterReflection,
  ReflectionFlag,
  ReflectionKind,
  ReflectionType,
  SignatureReflection,
  type SomeType,
} from 'typedoc';
import ts from 'typescript';

// Functions of nabla are constants whose types are computed from parameter lists. Here they become functions with parameters, as in PyTorch's pages.

const BY_NAME = 'Any of the parameters with names, from any point on.';

/** A parameter list, as its type says it: the text, the kinds by name, and the options under the name that users see. */
interface Listed {
  readonly text: string;
  readonly kinds: ts.Type;
  readonly options: SomeType | undefined;
}

/** What `Signature<T, K>` says. */
function listedBy(context: Context, type: ts.Type | undefined, options: SomeType | undefined): Listed | undefined {
  if (type?.symbol?.name !== 'Signature') return undefined;
  const [text, kinds] = context.checker.getTypeArguments(type as ts.TypeReference);
  return text?.isStringLiteral() && kinds !== undefined ? { text: text.value, kinds, options } : undefined;
}

/** The default of a parameter, as its kind says it. */
function defaultOf(property: ts.Symbol): string | undefined {
  const declaration = property.declarations?.[0];
  if (declaration === undefined || !ts.isPropertyAssignment(declaration)) return undefined;
  const text = declaration.initializer.getText();
  if (text.endsWith('.optional()')) return 'null';
  return /\.default\(([^()]*(?:\([^()]*\))?[^()]*)\)$/.exec(text)?.[1];
}

function parametersOf(
  context: Context,
  { text, kinds, options }: Listed,
  owner: SignatureReflection,
): ParameterReflection[] {
  const words = text.split(',').map((word) => word.trim());
  const named = words.indexOf('*');
  const isOperand = (word: string): boolean => words.indexOf(word) < words.indexOf('/');
  const positional = (named < 0 ? words : words.slice(0, named)).filter((word) => word !== '/' && word !== '');
  const parameters = positional.map((name) => parameter(context, kinds, name, owner));
  if (options !== undefined && words.some((word) => !['/', '*', ''].includes(word) && !isOperand(word))) {
    parameters.push(optionsParameter(options, owner));
  }
  return parameters;
}

function parameter(context: Context, kinds: ts.Type, name: string, owner: SignatureReflection): ParameterReflection {
  const made = new ParameterReflection(name, ReflectionKind.Parameter, owner);
  const property = kinds.getProperty(name);
  if (property === undefined) return made;
  const { checker } = context;
  const kind = checker.getTypeOfSymbol(property);
  const [value] = checker.getTypeArguments(kind as ts.TypeReference);
  made.type = value === undefined ? new IntrinsicType('unknown') : context.converter.convertType(context, value);
  const preset = defaultOf(property);
  if (preset !== undefined) made.defaultValue = preset;
  const text = ts.displayPartsToString(property.getDocumentationComment(checker));
  if (text !== '') made.comment = new Comment(prose(text));
  return made;
}

function optionsParameter(options: SomeType, owner: SignatureReflection): ParameterReflection {
  const made = new ParameterReflection('options', ReflectionKind.Parameter, owner);
  made.type = options;
  made.setFlag(ReflectionFlag.Optional);
  made.comment = new Comment(prose(BY_NAME));
  return made;
}

const prose = (text: string): CommentDisplayPart[] => [{ kind: 'text', text }];

/** The list of a type `FunctionOf<R, S, O>`, and R. */
function functionOf(context: Context, type: ts.Type): { listed: Listed; result: ts.Type } | undefined {
  const { checker } = context;
  if (type.symbol?.name !== 'FunctionOf') return undefined;
  const [result, signature, options] = checker.getTypeArguments(type as ts.TypeReference);
  const isNamed = options?.symbol?.name.endsWith('Options');
  const listed = listedBy(
    context,
    signature,
    options && isNamed ? context.converter.convertType(context, options) : undefined,
  );
  return listed && result && { listed, result };
}

/** Makes a function of a constant that can be called. */
function callable(context: Context, reflection: DeclarationReflection): void {
  if (!reflection.kindOf(ReflectionKind.Variable)) return;
  const symbol = context.getSymbolFromReflection(reflection);
  if (symbol === undefined) return;
  const type = context.checker.getTypeOfSymbol(symbol);
  const found = functionOf(context, type);
  const calls = found === undefined ? type.getCallSignatures() : [];
  if (found === undefined && calls.length === 0) return;
  reflection.kind = ReflectionKind.Function;
  delete reflection.type;
  delete reflection.defaultValue;
  reflection.setFlag(ReflectionFlag.Const, false);
  if (found !== undefined) {
    const signature = signatureOf(reflection, context.converter.convertType(context, found.result));
    signature.parameters = parametersOf(context, found.listed, signature);
  } else {
    for (const call of calls) declared(context, reflection, call);
  }
  const [first] = reflection.signatures ?? [];
  if (first !== undefined && reflection.comment !== undefined) first.comment = reflection.comment;
  delete reflection.comment;
}

function signatureOf(owner: DeclarationReflection, result: SomeType): SignatureReflection {
  const signature = new SignatureReflection(owner.name, ReflectionKind.CallSignature, owner);
  signature.type = result;
  if (owner.sources !== undefined) signature.sources = owner.sources;
  owner.signatures = [...(owner.signatures ?? []), signature];
  return signature;
}

/** A call signature of an interface, as it is written. */
function declared(context: Context, owner: DeclarationReflection, call: ts.Signature): void {
  const { checker, converter } = context;
  const signature = signatureOf(owner, converter.convertType(context, call.getReturnType()));
  const listed = listOf(context, call);
  signature.parameters = call.parameters.flatMap((symbol) => {
    const declaration = symbol.valueDeclaration;
    const isRest = declaration !== undefined && ts.isParameter(declaration) && declaration.dotDotDotToken !== undefined;
    if (isRest && listed !== undefined) return parametersOf(context, listed, signature);
    const made = new ParameterReflection(symbol.name, ReflectionKind.Parameter, signature);
    made.type = converter.convertType(context, checker.getTypeOfSymbol(symbol));
    if (isRest) made.setFlag(ReflectionFlag.Rest);
    if (declaration !== undefined && ts.isParameter(declaration) && declaration.questionToken !== undefined)
      made.setFlag(ReflectionFlag.Optional);
    return [made];
  });
}

/** The list behind a rest parameter `...args: ArgumentsOf<S, O>`. */
function listOf(context: Context, call: ts.Signature): Listed | undefined {
  const declaration = call.parameters.at(-1)?.valueDeclaration;
  if (declaration === undefined || !ts.isParameter(declaration) || declaration.type === undefined) return undefined;
  const { type } = declaration;
  if (!ts.isTypeReferenceNode(type) || !/^(ArgumentsOf|RestOf)$/.test(type.typeName.getText())) return undefined;
  const [list, options] = type.typeArguments ?? [];
  if (list === undefined) return undefined;
  const isNamed = options !== undefined && /Options\b/.test(options.getText());
  const shown = isNamed ? context.converter.convertType(context, options) : undefined;
  return listedBy(context, context.checker.getTypeFromTypeNode(list), shown);
}

/** Replaces the rest parameter of a constructor, method or function that was declared as one. */
function spelledOut(context: Context, signature: SignatureReflection, call: ts.Signature | undefined): void {
  const listed = call && listOf(context, call);
  const parameters = signature.parameters;
  if (listed === undefined || parameters === undefined) return;
  signature.parameters = [...parameters.slice(0, -1), ...parametersOf(context, listed, signature)];
}

/** Methods of tensors have the parameters, and the comments, of the functions. */
function methodsOfTensors(context: Context): void {
  const main = context.project.children?.find(({ name }) => name === 'nabla');
  const functions = new Map(main?.children?.map((child) => [child.name, child]));
  for (const method of functions.get('Tensor')?.children ?? []) {
    const same = functions.get(method.name);
    const model = same?.signatures?.at(-1);
    const comment = same?.signatures?.[0]?.comment;
    const own = method.signatures ?? signaturesIn(method.type);
    if (same === undefined || model === undefined || !own?.every(isRest)) continue;
    method.kind = ReflectionKind.Method;
    delete method.type;
    delete method.comment;
    method.signatures = [];
    const signature = signatureOf(method, model.type!);
    signature.parameters = (model.parameters ?? []).slice(1).map((one) => copyOf(one, signature));
    signature.comment = new Comment([
      ...(comment?.summary ?? []).map((part) => ({ ...part })),
      { kind: 'text', text: ' More: ' },
      { kind: 'inline-tag', tag: '@link', text: same.name, target: same },
    ]);
  }
}

const signaturesIn = (type: SomeType | undefined): readonly SignatureReflection[] | undefined =>
  type instanceof ReflectionType ? type.declaration.signatures : undefined;

const isRest = ({ parameters }: SignatureReflection): boolean | undefined =>
  parameters?.some(({ flags }) => flags.isRest);

/** Members that every class of a family has are told once, at the class that they come from. */
function inheritedLeftOut(context: Context): void {
  for (const one of context.project.getReflectionsByKind(ReflectionKind.Class) as DeclarationReflection[]) {
    if (one.name === 'Tensor') continue;
    for (const member of [...(one.children ?? [])]) {
      const isTold = ['constructor', 'forward', 'step', 'update', 'compute'].includes(member.name);
      if (member.flags.isInherited && !isTold) context.project.removeReflection(member);
    }
  }
}

/** Modules are called as they are imported. */
function namedAsImported(_context: Context, reflection: DeclarationReflection): void {
  if (reflection.kindOf(ReflectionKind.Module)) reflection.name = reflection.name.replace(/^lib/, 'nabla');
}

function copyOf(one: ParameterReflection, owner: SignatureReflection): ParameterReflection {
  const copy = new ParameterReflection(one.name, ReflectionKind.Parameter, owner);
  if (one.type !== undefined) copy.type = one.type;
  if (one.defaultValue !== undefined) copy.defaultValue = one.defaultValue;
  if (one.comment !== undefined) copy.comment = one.comment.clone();
  copy.setFlag(ReflectionFlag.Optional, one.flags.isOptional);
  return copy;
}

/** typedoc links the type parameters of constructors in type literals to places that it does not make. */
function withoutLostLinks(page: PageEvent): void {
  if (page.contents === undefined) return;
  page.contents = page.contents.replaceAll(/<a [^>]*href="#__type[^"]*"[^>]*>(.*?)<\/a>/g, '$1');
}

export function spellSignaturesOut(app: Application): void {
  app.renderer.on(PageEvent.END, withoutLostLinks);
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, namedAsImported);
  app.converter.on(Converter.EVENT_CREATE_DECLARATION, callable);
  app.converter.on(
    Converter.EVENT_CREATE_SIGNATURE,
    (context: Context, signature: SignatureReflection, _node: unknown, call?: ts.Signature) =>
      spelledOut(context, signature, call),
  );
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, methodsOfTensors, 1000);
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, inheritedLeftOut, 900);
}
