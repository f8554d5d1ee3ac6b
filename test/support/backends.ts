import { nodeFlavor } from '../../src/catalog/index.ts';
import { World } from '../../src/lab/index.ts';
import type { Deployment } from '../../src/platform/index.ts';
import { deployment, description, service } from './world.ts';

/** A world without traffic whose one service has these deployments, all of them up. */
export function settledDeployments(specs: readonly { name: string; weight: number; instances: number }[]): {
  readonly world: World;
  readonly deployments: readonly Deployment[];
} {
  const world = new World(
    description({
      pools: [{ name: 'npus', type: 'dedicated', nodes: [{ flavor: nodeFlavor('snt9b-8'), count: 4 }] }],
      services: [service({ deployments: specs.map((spec) => deployment(spec)) })],
      traffic: [],
    }),
  );
  world.runUntilSettled();
  return { world, deployments: world.platform.deployments };
}
