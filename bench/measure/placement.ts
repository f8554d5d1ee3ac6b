import type { Cluster, GangRequest, ResourceRequest } from '../../src/cluster/index.ts';
import { medianRate } from '../support/bench-process.ts';
import { built, ROOT } from '../support/built.ts';
import { runNode } from '../support/cli.ts';

const POOL = 'pool-a';
const FLAVOR = 'snt9b-8';
/** As custom specifications ask for: many to a node. */
const SMALL: ResourceRequest = { cpu: 1, memoryGiB: 8, accelerators: 0.05 };

const NODES = 1_000;
const RACKS = 20;
const PODS = 100_000;
const DEPLOYMENTS = 100;

const GANG_NODES = 100;
const GANG_PODS = 1_000;

const KIB_PER_MIB = 1_024;

/** Pods placed on an empty pool, each an instance of its own, of many deployments. */
export async function placedPods(): Promise<() => number> {
  const newCluster = await clusterOf(NODES, RACKS);
  return () => {
    const cluster = newCluster();
    for (let pod = 0; pod < PODS; pod++) place(cluster, `deployment-${pod % DEPLOYMENTS}`, `instance-${pod}`, 1);
    return PODS;
  };
}

/** One gang placed on an empty pool. */
export async function gangPods(): Promise<() => number> {
  const newCluster = await clusterOf(GANG_NODES, 1);
  return () => {
    place(newCluster(), 'deployment-0', 'instance-0', GANG_PODS);
    return GANG_PODS;
  };
}

/** Seconds for all pods. */
export async function placementSeconds(): Promise<number> {
  return PODS / (await medianRate('placement-1000-nodes-100000-pods'));
}

/** Milliseconds for the gang. */
export async function gangMilliseconds(): Promise<number> {
  return (GANG_PODS / (await medianRate('gang-1000-pods-100-nodes'))) * 1_000;
}

/** The most memory that a process had which placed all pods, MiB. */
export async function placementMib(): Promise<number> {
  const script = `
    import { placedPods } from ${JSON.stringify(`${ROOT}bench/measure/placement.ts`)};
    (await placedPods())();
    process.stdout.write(String(process.resourceUsage().maxRSS));`;
  const { code, stdout, stderr } = await runNode(['--import', 'tsx', '--input-type=module', '--eval', script]);
  if (code !== 0) throw new Error(`placing pods exited with ${code}: ${stderr.trim()}`);
  return Number(stdout) / KIB_PER_MIB;
}

async function clusterOf(count: number, racks: number): Promise<() => Cluster> {
  const { Cluster } = await built('cluster');
  const { nodeFlavor } = await built('catalog');
  const nodes = [{ flavor: nodeFlavor(FLAVOR), count, racks }];
  return () => new Cluster([{ name: POOL, type: 'dedicated', nodes }]);
}

function place(cluster: Cluster, deployment: string, instance: string, count: number): void {
  const pods = Array.from({ length: count }, (_, index) => ({ name: `${instance}/${index}`, resources: SMALL }));
  const request: GangRequest = { pool: POOL, policy: 'high-availability', deployment, instance, pods };
  const decision = cluster.decide(request);
  if (decision.nodes === undefined) throw new Error(`no place: ${decision.why}`);
  cluster.place(request, decision);
}
