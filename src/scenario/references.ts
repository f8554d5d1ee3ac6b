import type { ASTNode } from '@marcbachmann/cel-js';

/** A step that may be any key: an index that is only known when the expression runs. */
export const EVERY = '*';

/** A figure, or a group of them, that an expression refers to: `ttftMs`, `p99`. */
export type Reference = readonly string[];

/** Macros whose first argument names a variable for the others. */
const BINDING_MACROS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'map', 'filter']);

/** Every figure that an expression refers to, in the order of the text, each once. */
export function referencesOf(ast: ASTNode): Reference[] {
  const found = new Map<string, Reference>();
  const visit = (node: ASTNode, bound: ReadonlySet<string>): void => {
    const reference = referenceOf(node, bound);
    if (reference !== undefined) found.set(JSON.stringify(reference), reference);
    for (const child of childrenOf(node, bound, reference !== undefined)) visit(child.node, child.bound);
  };
  visit(ast, new Set());
  return [...found.values()];
}

function referenceOf(node: ASTNode, bound: ReadonlySet<string>): Reference | undefined {
  if (node.op === 'id') return bound.has(node.args) ? undefined : [node.args];
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const holder = referenceOf(node.args[0], bound);
  if (holder === undefined) return undefined;
  if (node.op === '.') return [...holder, node.args[1]];
  const index = node.args[1];
  return [...holder, index.op === 'value' && typeof index.args === 'string' ? index.args : EVERY];
}

interface Child {
  readonly node: ASTNode;
  readonly bound: ReadonlySet<string>;
}

/** Of a reference only the indexes are left to visit: its holder is part of it. */
function childrenOf(node: ASTNode, bound: ReadonlySet<string>, isReference: boolean): Child[] {
  if (isReference) {
    const indexes: Child[] = [];
    for (let part = node; part.op === '.' || part.op === '[]'; part = part.args[0]) {
      if (part.op === '[]') indexes.unshift({ node: part.args[1], bound });
    }
    return indexes;
  }
  if (node.op === 'rcall') {
    const [name, receiver, args] = node.args;
    const [variable, ...bodies] = args;
    if (BINDING_MACROS.has(name) && variable?.op === 'id') {
      const inside = new Set([...bound, variable.args]);
      return [{ node: receiver, bound }, ...bodies.map((body) => ({ node: body, bound: inside }))];
    }
  }
  return nodesIn(node.args).map((child) => ({ node: child, bound }));
}

/** The nodes among a node's operands, however they are nested in lists. */
function nodesIn(operands: unknown): ASTNode[] {
  if (Array.isArray(operands)) return operands.flatMap(nodesIn);
  return typeof operands === 'object' && operands !== null && 'op' in operands ? [operands as ASTNode] : [];
}
