import type { GuideRule } from './rule.ts';

const HEALTH = [420, 626, 661, 875, 912];
const METHOD = [4102, 4116];
const COMMAND = [4104, 4118];
const INTERVAL = [4105, 4121];
const DELAY = [4108, 4122];
const TIMEOUT = [4109, 4123];
const THRESHOLD = [4110, 4124];
const REBUILD = [422, 628, 665, 877, 914];
const RESTART = [423, 629, 666, 878, 915];

export const SHUTDOWN_AND_UPGRADES: readonly GuideRule[] = [
  { line: 3954, aliases: [3950, 4009], rule: 'a stop lets requests in flight finish' },
  { line: 3956, rule: 'a rolling upgrade shuts old instances down gracefully, step by step' },
  { line: 3957, rule: 'a scale-in takes idle instances first' },
  { line: 3958, rule: 'a pod that is moved off a faulty node is shut down gracefully' },
  { line: 3959, rule: 'a stream that is running is not cut by a graceful shutdown' },
  { line: 3964, rule: 'graceful shutdown works in dedicated and public pools' },
  { line: 3965, rule: 'graceful shutdown is equal in all units of a multi-role deployment' },
  { line: 3966, rule: 'a shutdown command whose tools the image lacks fails' },
  { line: 4015, rule: 'a rolling upgrade replaces replicas gradually while the others answer' },
  { line: 4027, rule: 'dedicated and public pools take rolling upgrades' },
  { line: 4028, rule: 'an upgrade to an image that does not start does not complete' },
  { line: 4029, rule: 'an upgrade interrupts nothing when no replica may be unavailable' },
  { line: 4029, rule: 'with max unavailable of 100 % an upgrade interrupts briefly' },
  { line: 4030, rule: 'without health checks new instances get traffic before they are ready' },
  { line: 4031, rule: 'an upgrade short of resources ends and the old instances go on' },
  { line: 4031, rule: 'an upgrade with a bad image ends and the old instances go on' },
  { line: 4037, rule: 'no step of an upgrade exceeds the target by more than max surge' },
  {
    line: 4039,
    aliases: [448, 691, 942],
    rule: 'never fewer are available than all replicas less max unavailable',
  },
  { line: 4044, rule: 'the general configuration, 1 % and 1 %, interrupts nothing' },
  { line: 4045, rule: 'the fast configuration, 25 % and 25 %, upgrades faster' },
  { line: 4046, rule: 'the gray configuration, 10 % and 10 %, goes in small batches' },
  { line: 4047, rule: 'the emergency configuration, 100 % and 100 %, interrupts briefly' },
];

export const HEALTH_CHECKS: readonly GuideRule[] = [
  { line: 4058, rule: 'a container whose process crashes is restarted' },
  { line: 4059, rule: 'an upgrade goes on only when new instances pass their health checks' },
  { line: 4064, aliases: HEALTH, rule: 'a probe that the image does not serve fails the deployment' },
  { line: 4065, aliases: [3963], rule: 'with probes a stop is delayed by three minutes' },
  { line: 4066, rule: 'probes work in dedicated and public pools' },
  { line: 4070, rule: 'the default path of a health check is /health' },
  { line: 4076, rule: 'the three probes are set alone or together' },
  {
    line: 4078,
    aliases: [...HEALTH, 4076],
    rule: 'readiness and liveness wait until the startup probe succeeds',
  },
  { line: 4078, aliases: HEALTH, rule: 'a startup probe that fails restarts the instance' },
  {
    line: 4078,
    aliases: [...HEALTH, 4055],
    rule: 'without a startup probe a service runs once scheduled, while its model still loads',
  },
  { line: 4079, aliases: [...HEALTH, 4057], rule: 'a pod that fails readiness gets no traffic' },
  { line: 4081, aliases: HEALTH, rule: 'a pod gets traffic again when readiness succeeds' },
  { line: 4083, aliases: HEALTH, rule: 'a pod that fails liveness is restarted' },
  { line: 4088, aliases: METHOD, rule: 'an HTTP check passes with a status of 200 to 399' },
  { line: 4088, aliases: METHOD, rule: 'a command check passes with exit code 0' },
  { line: 4089, aliases: [4103, 4117], rule: 'a check path is / and letters, digits, -, _ and /, at most 1,024' },
  { line: 4090, aliases: COMMAND, rule: 'a check command that the image lacks gives Command not found' },
  { line: 4090, aliases: COMMAND, rule: 'a check script needs an interpreter' },
  { line: 4093, aliases: INTERVAL, rule: 'a probe checks once every interval' },
  { line: 4093, aliases: INTERVAL, rule: 'a probe interval is 1 to 2147483647 s' },
  { line: 4094, aliases: DELAY, rule: 'the first check comes after the delay' },
  { line: 4094, aliases: DELAY, rule: 'a probe delay is 1 to 2147483647 s' },
  { line: 4094, aliases: DELAY, rule: 'readiness and liveness start their delay after the startup probe succeeds' },
  { line: 4094, aliases: DELAY, rule: 'a delay shorter than the interval is skipped' },
  { line: 4095, aliases: TIMEOUT, rule: 'a check without an answer within its timeout has failed' },
  { line: 4095, aliases: TIMEOUT, rule: 'a probe timeout is 1 to 2147483647 s' },
  { line: 4096, aliases: THRESHOLD, rule: 'only failures in a row up to the threshold count; a success starts anew' },
  { line: 4096, aliases: THRESHOLD, rule: 'a failure threshold is 1 to 2147483647' },
  { line: 4096, aliases: THRESHOLD, rule: 'too many failed checks during startup end Abnormal' },
  { line: 4096, aliases: THRESHOLD, rule: 'too many failed checks while running end in Alarm' },
];

export const RECOVERY: readonly GuideRule[] = [
  { line: 4133, aliases: RESTART, rule: 'auto restart moves services off a node with an NPU fault' },
  { line: 4133, aliases: RESTART, rule: 'auto restart moves services off nodes behind a faulty switch' },
  { line: 4133, aliases: RESTART, rule: 'auto restart moves services off a node with a hardware fault' },
  { line: 4137, aliases: [...RESTART, 4143], rule: 'recovery from NPU faults is for Snt9b and Snt9b2 only' },
  { line: 4152, rule: 'auto rebuild rebuilds a pod that exits or runs out of memory' },
  { line: 4154, rule: 'auto rebuild applies a changed configuration by rebuilding instances' },
  { line: 4156, rule: 'auto rebuild restores instances that fail during an upgrade' },
  { line: 4158, rule: 'auto rebuild places pods of a crashed node on healthy nodes' },
  { line: 4163, aliases: [...REBUILD, 4210], rule: 'a pod that restarts is rebuilt by the chosen policy' },
  { line: 4163, aliases: REBUILD, rule: 'with auto rebuild off the platform does not intervene' },
  { line: 4167, aliases: [4178, 4207], rule: 'deployment replica rebuild: the whole instance is rebuilt' },
  { line: 4168, aliases: [4177, 4205], rule: 'unit rebuild: the whole unit is rebuilt' },
  { line: 4169, aliases: [4176, 4206], rule: 'unit replica rebuild: all pods of the unit replica are rebuilt' },
  { line: 4170, aliases: [4175, 4204], rule: 'pod rebuild: only the pod is rebuilt' },
  { line: 4182, rule: 'dedicated and public pools take auto rebuild' },
  { line: 4183, rule: 'without readiness or liveness a hung pod is rebuilt late or never' },
  { line: 4184, rule: 'rebuild answers changes and software, restart answers hardware; both can be on' },
  { line: 4185, rule: 'a rebuild of less than the instance waits until the containers have exited' },
  { line: 4185, rule: 'with several pods in a unit replica the exit takes up to twice the shutdown timeout' },
  { line: 4189, rule: 'auto rebuild acts on a service that is Running' },
  { line: 4199, rule: 'auto rebuild can be turned on by an upgrade' },
];
