import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { model, nodeFlavor } from '../../src/catalog/index.ts';
import { describe as describeLab, jsonSchema, readScenario } from '../../src/scenario/index.ts';
import { fieldsOf } from './fields-of.ts';

/** Every field of pools and deployments, from text to what the platform is told. */

const WHOLE = `
inferlab: 1
name: whole
pools:
  - name: pool-a
    type: dedicated
    nodes:
      - name: npus
        flavor: snt9b-8
        count: 3
        racks: 2
        diskGiB: 2000
        maxPods: 50
        arch: arm64
        taints: [{ key: maintenance, value: tonight, effect: NoExecute }, { key: old }]
        warmImages: [mine]
        warmModels: [warm]
    subpools: [{ name: team-a, nodes: 2 }]
    plugins: { volcano: running, hra: running, logs: abnormal }
    clusterVersion: "1.27"
    everestVersion: 2.4.100
    sfsTurbo: [files]
  - { name: pool-b, type: public, queueDelay: 1m, nodes: [{ flavor: h100-8, count: 1 }] }
services:
  - name: chat
    autoStop: 2h
    logs: { ingest: true, kubernetesEvents: true }
    deployments:
      - name: main
        description: All that a deployment can be.
        mode: basic
        pool: team-a
        nodePool: npus
        weight: 60
        instances: 2
        schedulingPolicy: compact
        priority: 3
        deployTimeout: 30m
        maxSurge: 50%
        maxUnavailable: 25
        storageSecret: obs-keys
        secrets:
          - { kind: custom, name: password, mountPath: /secret/custom/ }
          - { kind: dew, name: token, mountPath: /secret/dew/ }
        scaling:
          min: 2
          max: 6
          downscaleWindow: 2m
          upscaleWindow: 30s
          utcOffset: "+08:00"
          rules:
            - { kind: periodic, name: morning, schedule: "30 8 * * 1-5", target: 4, enabled: false }
            - { kind: metric, name: busy, metric: kv-utilization, target: 0.8 }
        units:
          - name: server
            role: common
            replicas: 1
            pods: 2
            nodePool: npus
            model: qwen3-8b
            servedModelName: chat-8b
            resources: { accelerators: 1, cpu: 12.5, memoryGiB: 100 }
            image: { name: mine, sizeGiB: 20, arch: x86, unavailable: denied, failsToStart: true,
                     healthPaths: [/health], port: 8000, tools: [sh], multiRole: false }
            engine: { maxNumSeqs: 8 }
            storage: { kind: pre-warmed, address: warm, mountPath: /weights/ }
            files:
              - { kind: sfs-turbo, address: files, mountPath: /files/, readOnly: true }
              - { kind: obs, address: "obs://data/in/", mountPath: /in/ }
            dumps: [{ kind: obsfs, address: "obs://out/", mountPath: /out/ }]
            probes:
              startup: { path: /up, protocol: HTTPS, interval: 5s, delay: 6s, timeout: 7s, failureThreshold: 8 }
              readiness: none
              liveness: { command: sh health.sh }
            autoRebuild: unit-replica
            autoRestart: true
            nodeReset: true
            gracefulShutdown: { timeout: 60s, command: kill 1, commandTakes: 2s }
            affinity: { kind: anti-affinity, strength: strong, nodes: [pool-a-node-0] }
            environment: { LOG_LEVEL: debug }
            containerPort: 8080
      - name: apart
        pool: pool-b
        instances: 1
        kvTransfer: { setup: 1ms, gigabytesPerSecond: 50, uploads: serial, mode: push, firstToken: prefill, retries: 3 }
        units: [{ role: prefill, model: qwen3-8b }, { role: decode, model: qwen3-8b, replicas: 2 }]
`;

/** Settings of engines and of calls have tests of their own. */
const ELSEWHERE = ['application', 'engine', 'maxConcurrentTasks', 'mirror', 'routing'];

const { pools, services } = describeLab(readScenario(WHOLE, 'whole.yaml'), new Map()).lab;

describe('every field of a scenario reaches the platform', () => {
  test('those of pools', () => {
    expect(pools).toEqual([
      {
        name: 'pool-a',
        type: 'dedicated',
        nodes: [
          {
            name: 'npus',
            flavor: nodeFlavor('snt9b-8'),
            count: 3,
            racks: 2,
            diskGiB: 2000,
            maxPods: 50,
            arch: 'arm64',
            taints: [
              { key: 'maintenance', value: 'tonight', effect: 'NoExecute' },
              { key: 'old', effect: 'NoSchedule' },
            ],
            warmImages: ['mine'],
            warmModels: ['warm'],
          },
        ],
        subpools: [{ name: 'team-a', nodes: 2 }],
        plugins: { volcano: 'running', hra: 'running', logs: 'abnormal' },
        queueDelay: 0,
        clusterVersion: '1.27',
        everestVersion: '2.4.100',
        sfsTurbo: ['files'],
      },
      expect.objectContaining({ name: 'pool-b', type: 'public', queueDelay: 60e6 }),
    ]);
  });

  test('those of a service', () => {
    expect(services[0]).toMatchObject({ name: 'chat', autoStop: 7200e6, ingestsPodEvents: true });
  });

  test('those of a deployment', () => {
    const { units: _, ...main } = services[0]!.deployments[0]!;
    expect(main).toEqual({
      name: 'main',
      description: 'All that a deployment can be.',
      mode: 'basic',
      pool: 'team-a',
      nodePool: 'npus',
      weight: 60,
      instances: 2,
      schedulingPolicy: 'compact',
      priority: 3,
      deployTimeout: 1800e6,
      maxSurge: 50,
      maxUnavailable: 25,
      storageSecret: 'obs-keys',
      secrets: [
        { kind: 'custom', name: 'password', mountPath: '/secret/custom/' },
        { kind: 'dew', name: 'token', mountPath: '/secret/dew/' },
      ],
      scaling: {
        min: 2,
        max: 6,
        downscaleWindow: 120e6,
        upscaleWindow: 30e6,
        utcOffsetMinutes: 480,
        rules: [
          { kind: 'periodic', name: 'morning', schedule: '30 8 * * 1-5', target: 4, enabled: false },
          { kind: 'metric', name: 'busy', metric: 'kv-utilization', target: 0.8, enabled: true },
        ],
      },
    });
  });

  test('those of a unit', () => {
    expect(services[0]!.deployments[0]!.units).toEqual([
      {
        name: 'server',
        role: 'common',
        replicas: 1,
        pods: 2,
        nodePool: 'npus',
        model: model('qwen3-8b'),
        servedModelName: 'chat-8b',
        resources: { accelerators: 1, cpu: 12.5, memoryGiB: 100 },
        image: {
          name: 'mine',
          sizeGiB: 20,
          arch: 'x86',
          unavailable: 'denied',
          failsToStart: true,
          healthPaths: ['/health'],
          port: 8000,
          tools: ['sh'],
          multiRole: false,
        },
        containerPort: 8080,
        engine: expect.objectContaining({ maxNumSeqs: 8 }),
        storage: { kind: 'pre-warmed', address: 'warm', mountPath: '/weights/', hostCache: false },
        files: [
          { kind: 'sfs-turbo', address: 'files', mountPath: '/files/', readOnly: true },
          { kind: 'obs', address: 'obs://data/in/', mountPath: '/in/', readOnly: false },
        ],
        dumps: [{ kind: 'obsfs', address: 'obs://out/', mountPath: '/out/' }],
        probes: {
          startup: {
            check: { kind: 'http', path: '/up', protocol: 'HTTPS' },
            interval: 5e6,
            delay: 6e6,
            timeout: 7e6,
            failureThreshold: 8,
          },
          liveness: {
            check: { kind: 'command', command: 'sh health.sh' },
            interval: 10e6,
            delay: 30e6,
            timeout: 30e6,
            failureThreshold: 3,
          },
        },
        autoRebuild: 'unit-replica',
        autoRestart: true,
        nodeReset: true,
        gracefulShutdown: { timeout: 60e6, command: 'kill 1', commandTakes: 2e6 },
        affinity: { kind: 'anti-affinity', strength: 'strong', nodes: ['pool-a-node-0'] },
        environment: { LOG_LEVEL: 'debug' },
      },
    ]);
  });

  test('those of what goes from prefill to decode', () => {
    expect(services[0]!.deployments[1]).toMatchObject({
      mode: 'disaggregated',
      kvTransfer: {
        setupMicros: 1000,
        bytesPerSecond: 50e9,
        uploads: 'serial',
        mode: 'push',
        firstToken: 'prefill',
        retries: 3,
      },
    });
  });

  test('the scenario above has them all', () => {
    const { properties } = jsonSchema() as { properties: Record<string, { items: Record<string, object> }> };
    const { deployments } = properties.services!.items.properties as Record<string, object>;
    const said = fieldsOf(parse(WHOLE), 'value');
    const fields = [properties.pools!, deployments!].flatMap((part) => fieldsOf(part, 'schema', ELSEWHERE));
    expect(fields.filter((field) => !said.includes(field))).toEqual(['hostCache']);
  });
});
