import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type LabDescription, World } from '../../src/lab/index.ts';
import { DEFAULT_IAM, iamId } from '../../src/platform/index.ts';
import { describe as describeLab, readScenario } from '../../src/scenario/index.ts';

function lab(overrides: object = {}, service: object = {}): LabDescription {
  const deployment = { pool: 'npu', instances: 1, units: [{ model: 'qwen3-8b', engine: { maxModelLen: 4_096 } }] };
  const deployments = ['main', 'next'].map((name) => ({ name, ...deployment }));
  const text = stringify({
    inferlab: 1,
    name: 'access',
    vpcs: [{ name: 'office', subnets: ['desks'] }],
    pools: [{ name: 'npu', nodes: [{ flavor: 'snt9b-8', count: 1 }] }],
    services: [{ name: 'chat', deployments, ...service }],
    ...overrides,
  });
  return describeLab(readScenario(text, 'access.yaml'), new Map()).lab;
}

describe('the account', () => {
  test('is the default one where nothing is said', () => {
    expect(lab().iam).toEqual(DEFAULT_IAM);
  });

  test('is what is said of it; ids follow from names', () => {
    const project = { name: 'p', id: '0123456789abcdef0123456789abcdef' };
    const iam = { domain: 'acme', project, otherProjects: [{ name: 'q' }], users: [{ name: 'ann' }] };
    expect(lab({ iam }).iam).toEqual({
      domain: 'acme',
      project,
      otherProjects: [{ name: 'q', id: iamId('project', 'q') }],
      users: ['ann'],
    });
  });
});

describe('private connections', () => {
  test('are there from the beginning', () => {
    const connections = [
      { name: 'desks', vpc: 'office', subnet: 'desks', customUrls: ['http://llm.example.com/chat'] },
      { name: 'batch', pool: 'npu' },
    ];
    const world = new World(lab({}, { privateConnections: connections }));
    expect(world.platform.connections.all.map(({ id, status }) => [id, status])).toEqual([
      ['chat/desks', 'CONNECTED'],
      ['chat/batch', 'CONNECTED'],
    ]);
  });
});

describe('the timeline', () => {
  test('does what an operator does with services and connections', () => {
    const from = { vpc: 'office', subnet: 'desks' };
    const timeline = [
      { at: '1s', do: 'create-connection', service: 'chat', connection: 'desks', ...from },
      {
        at: '20s',
        do: 'set-connection-urls',
        service: 'chat',
        connection: 'desks',
        customUrls: ['http://a.example.com'],
      },
      { at: '20s', do: 'approve-connection', service: 'chat', connection: 'desks' },
      { at: '21s', do: 'revoke-connection', service: 'chat', connection: 'desks' },
      { at: '22s', do: 'delete-connection', service: 'chat', connection: 'desks' },
      { at: '30s', do: 'set-mirror', service: 'chat', deployment: 'next', mirror: true },
      { at: '31s', do: 'delete', service: 'chat', deployment: 'main' },
      {
        at: '32s',
        do: 'modify-service',
        service: 'chat',
        set: { requestTimeout: '5s', sloClass: null, auth: 'token', access: { blacklist: ['10.0.0.0/8'] } },
      },
    ];
    const world = new World(lab({ timeline }, { sloClass: 1 }));
    expect(world.run(1_000_000)).toBe(true);
    expect(world.operations.map(({ operation, refusal }) => [operation.kind, refusal])).toEqual([
      ['create-connection', undefined],
      ['set-connection-urls', undefined],
      ['approve-connection', 'it is CONNECTED'],
      ['revoke-connection', undefined],
      ['delete-connection', undefined],
      ['set-mirror', undefined],
      ['delete', 'only mirrors would be left: "next"'],
      ['modify-service', undefined],
    ]);
    const [chat] = world.platform.services;
    expect(chat!.spec).toMatchObject({ requestTimeout: 5e6, auth: { kind: 'token' } });
    expect(chat!.spec.access).toEqual({ publicAccess: true, whitelist: [], blacklist: ['10.0.0.0/8'] });
    expect(chat!.spec).not.toHaveProperty('sloClass');
  });

  test('keeps a mirror through an upgrade that does not name it', () => {
    const timeline = [
      { at: '1s', do: 'set-mirror', service: 'chat', deployment: 'next', mirror: true },
      { at: '2s', do: 'upgrade', service: 'chat', deployment: 'next', set: { description: 'newer' } },
    ];
    const world = new World(lab({ timeline }));
    world.run(1_000_000);
    expect(world.platform.deployments.find(({ name }) => name === 'next')!.mirror).toBe(true);
  });
});
