import type { GuideRule } from './rule.ts';

const AFFINITY = [429, 635, 670, 884, 921];
const POLICY = [385, 583, 824];

export const SCHEDULING: readonly GuideRule[] = [
  { line: 3511, aliases: POLICY, rule: 'HA scheduling spreads replicas as evenly as possible over the nodes' },
  { line: 3512, rule: 'compact scheduling takes effect across the whole cluster' },
  { line: 3520, rule: 'compact scheduling gathers instances on the fewest nodes' },
  { line: 3521, aliases: [3505], rule: 'the three scheduling policies are for dedicated pools only' },
  { line: 3522, rule: 'a node fault hits few instances under HA scheduling, many under compact scheduling' },
  { line: 3524, rule: 'HA scheduling spreads from two replicas on, as far as there are nodes' },
  { line: 3524, rule: 'compact scheduling keeps to node pools of the same specification' },
  { line: 3524, rule: 'a strong rule that no node meets fails the deployment' },
  { line: 3540, aliases: [3559], rule: 'a deployment has HA or compact scheduling, not both' },
  { line: 3540, aliases: [...POLICY, 3532, 3559], rule: 'HA scheduling is the default' },
  { line: 3541, aliases: POLICY, rule: 'affinity takes precedence over HA scheduling' },
  { line: 3547, aliases: POLICY, rule: 'compact scheduling prefers the nodes that are fuller' },
  { line: 3560, aliases: POLICY, rule: 'affinity takes precedence over compact scheduling' },
  { line: 3566, aliases: AFFINITY, rule: 'affinity without nodes leaves pods to the default policy' },
  { line: 3575, aliases: AFFINITY, rule: 'weak affinity prefers its nodes and falls back to others' },
  { line: 3576, aliases: AFFINITY, rule: 'strong affinity places a pod on its nodes or not at all' },
  { line: 3577, aliases: AFFINITY, rule: 'weak anti-affinity avoids its nodes unless there are no others' },
  { line: 3578, aliases: AFFINITY, rule: 'strong anti-affinity never places a pod on its nodes' },
  { line: 3582, aliases: AFFINITY, rule: 'a pre-warmed model goes to a pre-warmed node by itself' },
];
