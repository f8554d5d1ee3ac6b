import type { GuideRule } from './guide-lines/rule.ts';

export interface LeftOutRule extends GuideRule {
  /** Why no test shows it. */
  readonly reason: string;
}

const CONSOLE = 'console only';
const later = (part: string) => `belongs to a later part: ${part}`;
const notSimulated = (what: string) => `not simulated: ${what}`;
const REGIONS = notSimulated('regions');
const FILES = notSimulated('the contents of files');
const RENAMING = later('the control interface');
const SHELL = later('the shell');
const KEY_SETTINGS = [455, 700, 951];

/** Rules of the sections covered that no test shows. A rule leaves this list for `guide-lines/` when its test comes. */
export const LEFT_OUT: readonly LeftOutRule[] = [
  { line: 209, rule: 'what a service is set to costs nothing', reason: notSimulated('billing') },
  { line: 226, rule: 'the console suggests a name of a service', reason: CONSOLE },
  { line: 227, rule: 'a service may have a description', reason: later('the control interface') },
  {
    line: 233,
    rule: 'auto stop is after one hour by default',
    reason: notSimulated("the default is the console's: without a time a service runs on"),
  },
  { line: 280, rule: 'what containers write is kept for 30 days', reason: later('logs') },
  {
    line: 342,
    aliases: [537, 778, 3363],
    rule: 'Abnormal and Stopped services count against the quota',
    reason: later('quotas of accounts'),
  },
  {
    line: 345,
    aliases: [540, 781, 3366],
    rule: 'the quota of a dedicated pool changes only with the pool',
    reason: later('quotas of accounts'),
  },
  {
    line: 347,
    aliases: [542, 783, 3368],
    rule: 'only the dedicated pool is metered',
    reason: notSimulated('billing'),
  },
  {
    line: 410,
    aliases: [613, 616, 652, 653, 862, 865, 901, 902],
    rule: 'a pod consumes its specification and an overhead',
    reason: notSimulated('the overhead, of which there is no figure'),
  },
  { line: 413, aliases: [619, 656, 868, 905], rule: 'an image of another region is refused', reason: REGIONS },
  {
    line: 416,
    aliases: [622, 657, 871, 908],
    rule: 'a spreadsheet imports at most 100 environment variables',
    reason: CONSOLE,
  },
  {
    line: 430,
    aliases: [636, 671, 885, 922],
    rule: 'a container runs with the given user and group',
    reason: notSimulated('users within a container'),
  },
  { line: 461, aliases: [704, 955], rule: 'custom metrics are collected', reason: later('metrics') },
  { line: 462, aliases: [705, 956], rule: 'system logs are reported', reason: later('logs') },
  { line: 466, aliases: [709, 960, 3394], rule: 'settings are confirmed before deployment', reason: CONSOLE },
  { line: 532, aliases: [773], rule: 'deploying needs permission', reason: later('permissions') },
  { line: 604, aliases: [645, 851, 894], rule: 'the topology is previewed', reason: CONSOLE },
  { line: 606, aliases: [643, 853, 892], rule: 'the settings of a unit are cloned', reason: CONSOLE },
  {
    line: 764,
    rule: 'a model without KV cache separation cannot be disaggregated',
    reason: notSimulated('models that keep no keys and values'),
  },
  {
    line: 1003,
    aliases: [3431],
    rule: 'the prediction page sends a token when it is given no key',
    reason: CONSOLE,
  },
  {
    line: 1244,
    aliases: [1248],
    rule: 'a service of the old version is called at /v1/infers/ and its id',
    reason: later('services of the old version'),
  },
  { line: 1845, rule: 'each operation on API keys needs its permission', reason: later('permissions') },
  {
    line: 2622,
    rule: 'each operation on private connections needs its permission',
    reason: later('permissions'),
  },
  { line: 2637, rule: 'private connections need an agency', reason: later('agencies') },
  {
    line: 2661,
    aliases: [2662, 2692],
    rule: 'VPCs, subnets and servers in them are made',
    reason: notSimulated('other services of the cloud'),
  },
  {
    line: 2727,
    rule: 'a security group may keep a server from an access address',
    reason: notSimulated('security groups'),
  },
  {
    line: 2866,
    rule: 'clients of server-sent events connect again by themselves',
    reason: notSimulated('what clients do'),
  },
  {
    line: 2879,
    rule: 'server-sent events are for models of custom images',
    reason: notSimulated('the difference: preset models stream as well'),
  },
  { line: 3027, rule: 'services are searched by name, state, creator and more', reason: CONSOLE },
  { line: 3034, rule: 'the details page shows the service and its URL', reason: CONSOLE },
  { line: 3038, aliases: [992, 3423, 3427], rule: 'predictions on the details page', reason: CONSOLE },
  { line: 3039, rule: 'monitoring of the service', reason: later('monitoring') },
  {
    line: 3040,
    aliases: [1033, 1035, 1042, 3441, 3443, 3450, 3874, 3887],
    rule: 'a shell in a running container',
    reason: later('Cloud Shell'),
  },
  { line: 3044, aliases: [279], rule: 'runtime logs are ingested and searched', reason: later('logs') },
  { line: 3047, rule: 'the ratio of prefill and decode is recommended', reason: later('the HRA plugin') },
  { line: 3049, aliases: [284], rule: 'tags of a service', reason: later('tags') },
  { line: 3054, aliases: [3063, 3064, 3065], rule: 'the topology of a deployment', reason: CONSOLE },
  { line: 3068, aliases: [3078, 3079, 3082, 3083], rule: 'the topology of a service', reason: CONSOLE },
  { line: 3150, aliases: [1942, 2736, 3165], rule: 'a deletion is confirmed by typing DELETE', reason: CONSOLE },
  { line: 3156, rule: 'a service is not deleted without agency', reason: later('agencies') },
  { line: 3157, rule: 'logs are deleted with the service', reason: later('logs') },
  { line: 3280, rule: 'a clone into another region is refused', reason: REGIONS },
  {
    line: 3322,
    rule: 'a service is not renamed while Deploying, Stopping, Upgrading or Deleting',
    reason: RENAMING,
  },
  { line: 3326, rule: 'a new service name reaches only pods created afterwards', reason: RENAMING },
  { line: 3328, rule: 'metrics of new pods carry the new name as service_name and task_name', reason: RENAMING },
  {
    line: 3532,
    rule: 'HA scheduling spreads over racks and data centers',
    reason: notSimulated('racks and data centers'),
  },
  {
    line: 3582,
    aliases: [429, 635, 670, 884, 921],
    rule: 'the affinity page shows pre-warmed nodes only',
    reason: CONSOLE,
  },
  { line: 3720, aliases: [3743], rule: 'OBS storage of another region is refused', reason: REGIONS },
  {
    line: 3726,
    aliases: [3747],
    rule: 'a shared bucket needs its owner to grant access',
    reason: notSimulated('other accounts'),
  },
  { line: 3732, aliases: [3753], rule: 'a shared bucket needs an agency', reason: later('agencies') },
  {
    line: 3756,
    aliases: [3773],
    rule: 'a mount hides the files of the directory it is mounted on',
    reason: FILES,
  },
  {
    line: 3756,
    aliases: [3758],
    rule: 'files in an OBS mount are added and changed there, but not deleted',
    reason: FILES,
  },
  { line: 3760, rule: 'a mount over files that the container needs keeps it from starting', reason: FILES },
  { line: 3772, rule: 'SFS Turbo of another region is refused', reason: REGIONS },
  { line: 3774, rule: 'SFS Turbo is mounted for reading and writing or for reading only', reason: FILES },
  {
    line: 3781,
    rule: 'storage behind SFS Turbo needs umask 777',
    reason: notSimulated('permissions of files'),
  },
  {
    line: 3820,
    aliases: KEY_SETTINGS,
    rule: 'a custom secret is mounted into the container as files',
    reason: SHELL,
  },
  { line: 3821, aliases: KEY_SETTINGS, rule: 'a DEW secret is mounted at its path', reason: SHELL },
  {
    line: 3828,
    aliases: [455, 700, 951, 3857, 3870],
    rule: 'a secret bound to a user group is read by that group only',
    reason: notSimulated('users within a container'),
  },
  { line: 3832, rule: 'secrets need permission', reason: later('permissions') },
  { line: 3852, rule: 'the value of a custom secret is Base64', reason: notSimulated('the values of secrets') },
  {
    line: 3880,
    aliases: [3882],
    rule: 'each key of a secret is a file of that name under its mount path',
    reason: SHELL,
  },
  {
    line: 4096,
    aliases: [4110, 4124],
    rule: 'a failure threshold is 12 by default',
    reason: notSimulated("the default is the control interface's"),
  },
  {
    line: 4097,
    aliases: [4111, 4125],
    rule: 'a check has the protocol of the service',
    reason: notSimulated('TLS within a pool: a check over either protocol reaches what listens'),
  },
  { line: 4127, rule: 'health is seen in the monitoring tab', reason: later('monitoring') },
  { line: 4233, aliases: [4242], rule: 'HRA needs a pool that has the plugin', reason: later('the HRA plugin') },
  { line: 4234, aliases: [4243], rule: 'HRA takes preset assets with its tag only', reason: later('the HRA plugin') },
  { line: 4236, rule: 'HRA recommends and does not adjust', reason: later('the HRA plugin') },
  { line: 4237, rule: 'HRA is for disaggregated deployments only', reason: later('the HRA plugin') },
  { line: 4238, rule: 'HRA collects by unit names', reason: later('the HRA plugin') },
  { line: 4249, rule: 'HRA is switched on for a service', reason: later('the HRA plugin') },
  { line: 4250, rule: 'a recommended ratio is applied', reason: later('the HRA plugin') },
  { line: 4386, rule: 'events are refreshed by hand or by themselves', reason: CONSOLE },
  { line: 4398, rule: 'event: a batch of services fails to be deleted', reason: CONSOLE },
  {
    line: 4406,
    rule: 'event: a secret fails to be deleted',
    reason: notSimulated('the removal of secrets by the platform: a custom one goes with its deployment'),
  },
  {
    line: 4471,
    rule: 'a model fails to load: unknown',
    reason: notSimulated('a check that does not know why it failed'),
  },
];
