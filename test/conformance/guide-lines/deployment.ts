import type { GuideRule } from './rule.ts';

/** What a deployment is made of: resources, model, units, image, specification. */
export const DEPLOYMENT: readonly GuideRule[] = [
  { line: 325, rule: 'a user has at most 20 real-time services' },
  { line: 326, aliases: [331, 520], rule: 'basic mode refuses prefill and decode roles' },
  { line: 327, rule: 'an instance in basic mode lies on one node; one that fits no single node is not placed' },
  { line: 328, rule: 'high concurrency on one instance exhausts its memory and raises latency' },
  { line: 329, rule: 'a node fault interrupts a single-node deployment; nothing switches over by itself' },
  { line: 331, aliases: [319], rule: 'in basic mode capacity grows by replicas only' },
  { line: 372, aliases: [568, 809], rule: 'a deployment name takes letters, digits, - and _, at most 128' },
  { line: 380, aliases: [578, 819], rule: 'in a public pool that is full a deployment queues for its turn' },
  { line: 380, aliases: [578, 819], rule: 'each job in a public pool has resources of its own' },
  { line: 381, aliases: [581, 763, 822], rule: 'a pool with logical subpools is refused' },
  {
    line: 381,
    aliases: [524, 581, 763, 822],
    rule: 'in a heterogeneous pool a specification must match one of its node pools',
  },
  { line: 382, aliases: [582, 823], rule: 'a deployment has 1 to 128 replicas' },
  { line: 382, aliases: [582, 823], rule: 'requests spread over the replicas, which are alike' },
  { line: 385, aliases: [583, 824], rule: 'under HA scheduling the pods of one replica prefer the same node' },
  { line: 386, aliases: [586, 827], rule: 'scheduling priority is 1 to 3' },
  { line: 386, aliases: [586, 827], rule: 'of waiting jobs the one with the higher priority is placed first' },
  { line: 386, aliases: [586, 827], rule: 'jobs of equal priority are placed in the order of submission' },
  { line: 386, aliases: [586, 827], rule: 'scheduling priority is for dedicated pools only' },
  { line: 393, aliases: [595, 836], rule: 'a model is a platform asset, preset or mine, or a custom one' },
  { line: 393, aliases: [595, 836], rule: 'a model asset is refused on a specification that it does not support' },
  { line: 401, aliases: [307, 319], rule: 'in basic mode exactly one unit hosts the whole service' },
  { line: 404, rule: 'in basic mode unit replicas are 1 and cannot be changed' },
  {
    line: 405,
    aliases: [611, 650, 858, 899],
    rule: 'a unit name takes lowercase letters, digits and -, at most 16',
  },
  { line: 405, aliases: [611, 650, 858, 899], rule: 'a unit name starts and ends with a letter or digit' },
  { line: 405, aliases: [611, 858], rule: 'a first unit without a name is role-0' },
  {
    line: 406,
    aliases: [613, 616, 652, 653, 862, 865, 902],
    rule: 'public pools take preset specifications only, dedicated pools custom ones too',
  },
  {
    line: 407,
    aliases: [613, 652, 862, 901],
    rule: 'a unit needs its specification times the number of instances per replica',
  },
  {
    line: 410,
    aliases: [616, 653, 865, 902],
    rule: 'custom CPU is at least 0.01 cores, with at most two decimals',
  },
  { line: 410, aliases: [616, 653, 865, 902], rule: 'custom memory is a whole number of GiB, at least 4' },
  {
    line: 410,
    aliases: [616, 653, 865, 902],
    rule: 'custom CPU or memory beyond what the pool has is refused',
  },
  { line: 410, aliases: [616, 653, 865], rule: 'of node pools with equal specification the freer one is used' },
  {
    line: 413,
    aliases: [619, 656, 868, 905],
    rule: 'an image is preset, custom, registered, given by URL, or pre-warmed',
  },
  { line: 413, aliases: [619, 656, 868, 905], rule: 'a pre-warmed image shortens the deployment' },
  { line: 416, aliases: [622, 657, 871, 908], rule: 'environment variables reach the pod' },
  {
    line: 416,
    aliases: [622, 657, 871, 908],
    rule: 'environment keys take letters, digits, _ - and ., start with no digit, at most 64',
  },
  { line: 416, aliases: [622, 657, 871, 908], rule: 'an environment value in HTML is refused' },
  { line: 417, aliases: [623, 660, 872, 909, 3720], rule: 'a unit mounts at most 15 storage paths' },
  { line: 417, aliases: [623, 660, 872, 909], rule: 'a unit has at most 10 paths for artifact dump' },
  {
    line: 417,
    aliases: [623, 660, 872, 909],
    rule: 'artifact dump shares no bucket or file system with mounts of files or models',
  },
  { line: 421, aliases: [627, 662, 876, 913], rule: 'the boot command starts the container; a wrong one fails it' },
];

/** How a deployment is run: shutdown, credentials, ports, timeout, rolling upgrade. */
export const DEPLOYMENT_MANAGEMENT: readonly GuideRule[] = [
  {
    line: 426,
    aliases: [632, 667, 881, 918],
    rule: 'a pod told to stop is killed when the shutdown timeout is over',
  },
  {
    line: 426,
    aliases: [632, 667, 881, 918],
    rule: 'the shutdown command runs at the stop signal and must end within the timeout',
  },
  { line: 426, aliases: [632, 667, 881, 918], rule: 'within the shutdown timeout requests in flight finish' },
  {
    line: 426,
    aliases: [632, 667, 881, 918],
    rule: 'a long shutdown command lengthens the restart after a failed health check',
  },
  {
    line: 433,
    aliases: [639, 674, 888, 925],
    rule: 'Everest 2.4.204 and cluster 1.28 or later mount with temporary credentials',
  },
  {
    line: 433,
    aliases: [639, 674, 888, 925],
    rule: 'older pools mount with a DEW secret that has accessKeyId and secretAccessKey',
  },
  { line: 444, aliases: [687, 938], rule: 'a deployment that is not up within its timeout is cancelled' },
  { line: 444, aliases: [687, 938], rule: 'the deployment timeout covers deployment and startup' },
  { line: 445, aliases: [688, 939], rule: 'max surge rounds up' },
  { line: 445, aliases: [688, 939], rule: 'max surge of 1 % of four instances adds one at a time' },
  { line: 445, aliases: [688, 939], rule: 'max surge of 100 % of two instances adds two at once' },
  { line: 448, aliases: [691, 942], rule: 'max unavailable rounds down' },
  {
    line: 448,
    aliases: [691, 942],
    rule: 'max unavailable of 1 % of four deletes an old instance only when its replacement runs',
  },
  {
    line: 448,
    aliases: [691, 942],
    rule: 'max unavailable of 50 % of two deletes one at once and keeps one available',
  },
  {
    line: 448,
    aliases: [691, 942],
    rule: 'with max unavailable of 20 % a deployment of five is Running with four',
  },
  {
    line: 448,
    aliases: [691, 942],
    rule: 'with max unavailable of 100 % a service stays Running while nothing answers',
  },
  {
    line: 448,
    aliases: [691, 942],
    rule: 'a hitless upgrade needs spare resources, without which it fails',
  },
  { line: 470, aliases: [713, 964], rule: 'a service goes from Deploying to Running when it is deployed' },
  { line: 474, aliases: [717, 968], rule: 'a deployed service is started at once' },
];
