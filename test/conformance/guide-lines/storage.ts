import type { GuideRule } from './rule.ts';

const FILE_STORAGE = [417, 623, 660, 872, 909];
const KEY_SETTINGS = [455, 700, 951];

export const STORAGE: readonly GuideRule[] = [
  { line: 3676, rule: 'several replicas and services can mount the same storage' },
  { line: 3678, rule: 'a pre-warmed model is not loaded again' },
  { line: 3686, aliases: [3675], rule: 'a pod reads its weights from the model source before it is up' },
  { line: 3686, rule: 'a model source that cannot be read keeps the service from starting' },
  {
    line: 3692,
    aliases: [394, 596, 837],
    rule: 'a model source is an OBS bucket, a parallel file system, SFS Turbo or a pre-warmed model',
  },
  { line: 3698, rule: 'a bucket loads a large model slower than a parallel file system' },
  { line: 3702, rule: 'SFS Turbo loads a model fastest' },
  { line: 3703, rule: 'pre-warmed models are for dedicated pools only' },
  { line: 3703, rule: 'a model must be warmed up on the nodes before it is used' },
  { line: 3703, aliases: [4461], rule: 'a service with a pre-warmed model goes to pre-warmed nodes only' },
  { line: 3707, rule: 'mounted file storage is optional' },
  {
    line: 3713,
    aliases: FILE_STORAGE,
    rule: 'a unit mounts OBS buckets, parallel file systems, SFS Turbo and pre-warmed models',
  },
  { line: 3715, aliases: FILE_STORAGE, rule: 'artifacts are dumped to parallel file systems only' },
  { line: 3724, aliases: [3745], rule: 'an OBS path starts with obs:// and ends with /' },
  { line: 3736, aliases: [3762, 3775], rule: 'local acceleration pulls the model to the node first' },
  {
    line: 3736,
    aliases: [3677, 3762, 3775],
    rule: 'a container restarted on its node reuses the local cache and skips the pull',
  },
  {
    line: 3736,
    aliases: [3762, 3775],
    rule: 'a faulty node or a cleared volume loses the local cache, and the model is pulled again',
  },
  { line: 3738, aliases: [3764], rule: 'local acceleration needs a data disk of more than 1,024 GiB' },
  { line: 3761, rule: 'a file system mount path starts with / and takes letters, digits, _ and -, at most 1,024' },
  {
    line: 3768,
    aliases: [349, 544, 785, 3370, 3702],
    rule: 'SFS Turbo needs a dedicated pool whose network is associated with it',
  },
  { line: 3779, rule: 'a file system is mounted once, at one path' },
  { line: 3779, rule: 'each mount path is unique' },
  { line: 3779, rule: 'at most eight disks are mounted' },
  { line: 3780, rule: 'mount paths may not lie within each other' },
  { line: 3781, rule: 'SFS Turbo that is disassociated can no longer be mounted' },
  { line: 3785, rule: 'a pre-warmed model is one that was warmed up in the pool' },
  { line: 3786, rule: 'the mount path of a pre-warmed model starts and ends with /, at most 255' },
  { line: 3786, rule: 'a pre-warmed model has the mount path of the other model sources' },
  { line: 3790, rule: 'assigned to nodes that are not pre-warmed, the deployment fails' },
];

export const SECRETS: readonly GuideRule[] = [
  { line: 3816, rule: 'an instance sees only its own secrets' },
  { line: 3825, rule: 'secrets are mounted in dedicated and in public pools' },
  { line: 3826, aliases: KEY_SETTINGS, rule: 'a secret is custom or from DEW, nothing else' },
  { line: 3827, rule: 'a secret may not be mounted over a system or service directory' },
  { line: 3827, rule: 'the paths of secrets neither overlap nor lie within each other' },
  { line: 3827, rule: 'the path of a secret starts with /, at most 255' },
  { line: 3828, rule: 'deleting a DEW secret in use makes the next restart fail' },
  { line: 3855, aliases: [3868], rule: 'a deployment can have several secrets' },
  { line: 3865, aliases: [3836], rule: 'a DEW secret that does not exist is refused' },
];
