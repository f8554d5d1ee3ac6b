import type { PoolEntry } from './schema.ts';
import type { Path, Tell } from './tell.ts';

/** What makes a pool unsound. */
export function checkPools(pools: readonly PoolEntry[], tell: Tell): void {
  const places = new Map<string, string>();
  for (const [index, pool] of pools.entries()) {
    const path = ['pools', index];
    const claim = (name: string, at: Path): void => {
      const first = places.get(name);
      if (first !== undefined) tell([...at, 'name'], `there is already a pool "${name}" (${first})`);
      places.set(name, first ?? at.join('.'));
    };
    claim(pool.name, path);
    for (const [which, { name }] of pool.subpools.entries()) claim(name, [...path, 'subpools', which]);
    checkNodePools(pool, path, tell);
    checkSubpools(pool, path, tell);
    if (pool.type === 'dedicated' && pool.queueDelay > 0) {
      tell([...path, 'queueDelay'], 'only a public pool has a queue before it; expected "type: public", or no delay');
    }
  }
}

/** Nodes of one node pool are alike. */
function checkNodePools({ nodes }: PoolEntry, path: Path, tell: Tell): void {
  for (const [index, group] of nodes.entries()) {
    const name = group.name ?? group.flavor;
    const first = nodes.findIndex((other) => (other.name ?? other.flavor) === name);
    const { flavor } = nodes[first]!;
    if (flavor !== group.flavor) {
      const at = [...path, 'nodes', index, group.name === undefined ? 'flavor' : 'name'];
      tell(at, `node pool "${name}" has "${flavor}" already (nodes.${first}); one has nodes of one flavor`);
    }
  }
}

function checkSubpools({ nodes, subpools }: PoolEntry, path: Path, tell: Tell): void {
  const total = nodes.reduce((sum, { count }) => sum + count, 0);
  let taken = 0;
  for (const [index, subpool] of subpools.entries()) {
    const left = total - taken;
    taken += subpool.nodes;
    if (taken <= total) continue;
    tell(
      [...path, 'subpools', index, 'nodes'],
      `got ${subpool.nodes}, but of the pool's ${total} nodes ${left} are left`,
    );
    return;
  }
}
