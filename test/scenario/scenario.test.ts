import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { fromSeconds } from '../../src/kernel/index.ts';
import { apiKeyFor, keyDigest } from '../../src/platform/keys.ts';
import {
  describe as describeLab,
  jsonSchema,
  parseDuration,
  readScenario,
  serviceId,
} from '../../src/scenario/index.ts';

const SMALL = readFileSync(new URL('../fixtures/small.yaml', import.meta.url), 'utf8');
const read = (settings: string[] = [], text = SMALL) => readScenario(text, 'small.yaml', settings);
const lab = (settings: string[] = [], text = SMALL) => describeLab(read(settings, text), new Map()).lab;

describe('a scenario becomes the description of a lab', () => {
  test('defaults follow the pool and the model', () => {
    const deployment = lab().services[0]!.deployments[0]!;
    expect(deployment).toMatchObject({ weight: 100, instances: 2, deployTimeout: fromSeconds(1200) });
    expect(deployment.units[0]!).toMatchObject({
      name: 'role-0',
      servedModelName: 'qwen3-8b',
      resources: { cpu: 24, memoryGiB: 192, accelerators: 1 },
      image: { name: 'vllm-ascend', sizeGiB: 12 },
      engine: {
        maxNumSeqs: 256,
        maxNumBatchedTokens: 8192,
        blockSize: 16,
        memoryUtilization: 0.9,
        maxModelLen: 40_960,
      },
      probes: {
        startup: {
          check: { kind: 'http', path: '/health', protocol: 'HTTP' },
          interval: 10e6,
          delay: 30e6,
          timeout: 30e6,
          failureThreshold: 180,
        },
      },
    });
  });

  test('cores and memory follow the accelerators that a pod asks for', () => {
    const {
      units: [unit],
    } = lab(['services.chat.deployments.main.units.0.resources.accelerators=2']).services[0]!.deployments[0]!;
    expect(unit!.resources).toEqual({ cpu: 48, memoryGiB: 384, accelerators: 2 });
  });

  test('a pod on a CPU node has the defaults of a CPU pod', () => {
    const {
      units: [unit],
    } = lab([], SMALL.replace('snt9b-8', 'cpu-64')).services[0]!.deployments[0]!;
    expect(unit!.resources).toEqual({ cpu: 32, memoryGiB: 64, accelerators: 0 });
    expect(unit!.image.name).toBe('vllm-cpu');
  });

  test('epoch, duration and timeline', () => {
    expect(lab()).toMatchObject({ epoch: Date.UTC(2026, 0, 1), duration: 20e6, seed: 7 });
    expect(lab().timeline).toEqual([
      { at: 10e6, from: 'ready', fault: { kind: 'kill-pod', service: 'chat', deployment: 'main', instance: 0 } },
    ]);
  });

  test('keys are held by digest alone, and follow from the seed', () => {
    const key = apiKeyFor(7, 'chat', 'default');
    expect(key).toMatch(/^sk-[0-9a-f]{40}$/);
    expect(lab().services[0]!.auth).toEqual({
      kind: 'api-key',
      keys: [{ name: 'default', digest: keyDigest(7, key) }],
    });
    expect(JSON.stringify(lab())).not.toContain(key);
    expect(apiKeyFor(8, 'chat', 'default')).not.toBe(key);
  });

  test('a service keeps its id', () => {
    expect(serviceId('chat')).toBe('1ec7016c-7ffd-8263-89a2-cb0ed39accea');
    expect(lab(['seed=99']).services[0]!.id).toBe(serviceId('chat'));
  });

  test('a startup probe can be turned off', () => {
    const {
      units: [unit],
    } = lab(['services.0.deployments.0.units.0.probes.startup=none']).services[0]!.deployments[0]!;
    expect(unit!.probes).toEqual({});
  });

  test('faults carry what they need and nothing else', () => {
    const { timeline } = lab([
      'timeline=[{at: 1s, from: boot, do: slow-engine, service: chat, deployment: main, instance: 1, factor: 3, for: 5s}, ' +
        '{at: 2s, do: refuse, service: chat, status: 429, retryAfterSeconds: 4}]',
    ]);
    expect(timeline).toEqual([
      {
        at: 1e6,
        from: 'boot',
        fault: { kind: 'slow-engine', service: 'chat', deployment: 'main', instance: 1, factor: 3, lasting: 5e6 },
      },
      { at: 2e6, from: 'ready', fault: { kind: 'refuse', service: 'chat', status: 429, retryAfterSeconds: 4 } },
    ]);
  });

  test('a trace gives arrivals and lengths, and is named once', () => {
    const text = SMALL.replace(/ {4}arrivals[\s\S]*?\n\n/, '    arrivals: { kind: trace, file: a.csv }\n\n');
    const document = read([], text);
    expect(document.files).toEqual([{ path: 'a.csv', line: 24, column: 36 }]);
    const trace = 'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n';
    expect(describeLab(document, new Map([['a.csv', trace]])).lab.traffic[0]).toMatchObject({
      arrivals: { kind: 'trace', speed: 1, trace: { file: 'a.csv', at: [0], promptTokens: [374], outputTokens: [44] } },
      prompt: { kind: 'trace' },
      output: { kind: 'trace' },
    });
  });
});

describe('settings are laid over a scenario', () => {
  test('by index, by name, and where nothing was', () => {
    expect(lab(['services.0.deployments.0.instances=4']).services[0]!.deployments[0]!.instances).toBe(4);
    expect(lab(['services.chat.deployments.main.instances=4']).services[0]!.deployments[0]!.instances).toBe(4);
    const { engine } = lab(['services.chat.deployments.main.units.0.engine.maxNumSeqs=8']).services[0]!.deployments[0]!
      .units[0]!;
    expect(engine?.maxNumSeqs).toBe(8);
  });

  test('the last one counts, and an override counts more', () => {
    expect(lab(['seed=3', 'seed=4']).seed).toBe(4);
    expect(readScenario(SMALL, 'small.yaml', ['seed=3'], { seed: 5 }).scenario.seed).toBe(5);
  });

  test('one into an alias leaves its anchor alone', () => {
    const text = SMALL.replace('timeline:\n  - {', 'timeline:\n  - &kill {').replace(
      'instance: 0 }\n',
      'instance: 0 }\n  - *kill\n',
    );
    expect(lab(['timeline.1.instance=1'], text).timeline).toMatchObject([
      { fault: { instance: 0 } },
      { fault: { instance: 1 } },
    ]);
  });

  test.each([
    ['seed', '--set seed: expected path=value, such as seed=7'],
    ['=3', '--set =3: expected path=value, such as seed=7'],
    ['seed=[1', '--set seed=[1: the value is not YAML: Flow sequence must end with a ]'],
    ['seed=-1', '--set seed=-1: seed: got -1, expected an integer, at least 0'],
    ['sed=1', '--set sed=1: unknown key "sed"; did you mean "seed"?'],
    ['sed.x=1', '--set sed.x=1: unknown key "sed"; did you mean "seed"?'],
    ['seed.x=3', '--set seed.x=3: seed is a single value and has no "x"'],
    ['services.caht.name=x', '--set services.caht.name=x: services has no element "caht"; did you mean "chat"?'],
    ['pools.1.name=x', '--set pools.1.name=x: pools has no element "1"; expected one of "npu"'],
    ['services.0.nam=x', '--set services.0.nam=x: services.0: unknown key "nam"; did you mean "name"?'],
  ])('%s is refused', (setting, message) => {
    expect(() => read([setting])).toThrowError(
      expect.objectContaining({ name: 'UserError', message: expect.stringContaining(message) }),
    );
  });
});

test.each([
  ['250ms', 250_000],
  ['1h30m', 5_400_000_000],
  ['1.5s', 1_500_000],
  ['40us', 40],
  ['2m', 120_000_000],
  ['0s', 0],
  ['', undefined],
  ['30', undefined],
  ['1m1h', undefined],
  ['-1s', undefined],
])('duration %j is %s µs', (text, micros) => {
  expect(parseDuration(text)).toBe(micros);
});

test('the JSON Schema states what a person writes', () => {
  const schema = jsonSchema() as {
    required: string[];
    properties: Record<string, { type?: string; pattern?: string }>;
  };
  expect(schema.required).toEqual(['inferlab', 'name', 'pools', 'services']);
  expect(schema.properties.duration).toMatchObject({ type: 'string', pattern: expect.stringContaining('ms') });
});
